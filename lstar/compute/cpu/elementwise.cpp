#include "lstar/compute/cpu/elementwise.h"

#include <algorithm>
#include <cmath>

#include "lstar/base/vector_target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lstar/compute/cpu/elementwise.cpp"
#include <hwy/foreach_target.h>

#include "lstar/compute/cpu/activations-inl.h"
#include "lstar/compute/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {
namespace {

// x(i) = f(d, x(i), i), rounded, for all n.
template <class T, class F>
HWY_INLINE void transform(Rounding rounding, T* x, int64_t n, const F& f) {
  with_rounding<T>(rounding, [&](auto round) {
    for_elements<T>(n, [&](auto d, int64_t i) { hn::StoreU(round(d, f(d, hn::LoadU(d, x + i), i)), d, x + i); });
  });
}

template <class T>
void round_elements(Rounding rounding, T* x, int64_t n) {
  if (sizeof(T) == 8 && rounding.dtype == Dtype::float32 && !rounding.at_random)
    std::transform(x, x + n, x, [](T v) { return static_cast<T>(static_cast<float>(v)); });
  else if (is_emulated(rounding.dtype) || rounding.at_random)
    transform(rounding, x, n, [](auto, auto v, int64_t) { return v; });
}

template <class T>
void multiply_elements(Rounding rounding, T* x, const T* y, int64_t n) {
  transform(rounding, x, n, [&](auto d, auto v, int64_t i) { return hn::Mul(v, hn::LoadU(d, y + i)); });
}

template <class T>
void add_elements(Rounding rounding, T* x, const T* y, int64_t n) {
  transform(rounding, x, n, [&](auto d, auto v, int64_t i) { return hn::Add(v, hn::LoadU(d, y + i)); });
}

template <class T>
void add_scaled_elements(Rounding rounding, T* x, const T* y, T factor, int64_t n) {
  with_rounding<T>(rounding, [&](auto round) {
    for_elements<T>(n, [&](auto d, int64_t i) {
      const auto part = round(d, hn::Mul(hn::LoadU(d, y + i), hn::Set(d, factor)));
      hn::StoreU(round(d, hn::Add(hn::LoadU(d, x + i), part)), d, x + i);
    });
  });
}

template <class T>
void scale_elements(Rounding rounding, T* x, T factor, int64_t n) {
  transform(rounding, x, n, [&](auto d, auto v, int64_t) { return hn::Mul(v, hn::Set(d, factor)); });
}

template <class T>
void shift_elements(Rounding rounding, T* x, T by, int64_t n) {
  transform(rounding, x, n, [&](auto d, auto v, int64_t) { return hn::Add(v, hn::Set(d, by)); });
}

// NaN stays.
template <class T>
void clamp_elements(T* x, T low, T high, int64_t n) {
  for_elements<T>(n, [&](auto d, int64_t i) {
    const auto v = hn::LoadU(d, x + i), lowest = hn::Set(d, low), highest = hn::Set(d, high);
    const auto above = hn::IfThenElse(hn::Lt(v, lowest), lowest, v);
    hn::StoreU(hn::IfThenElse(hn::Gt(above, highest), highest, above), d, x + i);
  });
}

template <class T>
void activate_elements(Activation activation, Rounding rounding, T* x, int64_t n) {
  with_rounding<T>(rounding, [&](auto round) {
    const auto each = [&](const auto& f) {
      for_elements<T>(n, [&](auto d, int64_t i) { hn::StoreU(round(d, f(d, hn::LoadU(d, x + i))), d, x + i); });
    };
    switch (activation) {
      case Activation::relu: return each([](auto d, auto v) { return relu(d, v); });
      case Activation::relu_squared: return each([&](auto d, auto v) { return hn::Mul(relu(d, v), relu(d, v)); });
      case Activation::gelu: return each([](auto d, auto v) { return gelu(d, v); });
      case Activation::gelu_tanh: return each([](auto d, auto v) { return gelu_tanh(d, v); });
      case Activation::gelu_new: return each([&](auto d, auto v) { return gelu_new(d, v, round); });
      case Activation::gelu_bloom: return each([&](auto d, auto v) { return gelu_bloom(d, v, round); });
      case Activation::gelu_quick: return each([&](auto d, auto v) { return gelu_quick(d, v, round); });
      case Activation::silu: return each([](auto d, auto v) { return silu(d, v); });
    }
  });
}

// Norms are computed in double whatever T is: they are a small part of the time, and a mean far from 0 costs no digits.

// The sum of f(d, x(i)) over a row, in a fixed order.
template <class T, class F>
HWY_INLINE double sum_row(const T* x, int64_t n, const F& f) {
  const hn::ScalableTag<double> d;
  const hn::CappedTag<double, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) sum = hn::Add(sum, f(d, load_double(d, x + i)));
  double total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < n; ++i) total += hn::GetLane(f(one, load_double(one, x + i)));
  return total;
}

template <class T>
double square_sum_row(const T* x, int64_t n) {
  return sum_row(x, n, [](auto, auto v) { return hn::Mul(v, v); });
}

template <class T, class Round>
void norm_row_rounded(const NormRef& norm, const T* x, const T* gain, const T* bias, T* y, int64_t n, Round round) {
  const bool is_layer = norm.kind == NormRef::Kind::layer;
  const double mean = is_layer ? sum_row(x, n, [](auto, auto v) { return v; }) / static_cast<double>(n) : 0;
  const double squares = sum_row(x, n, [&](auto d, auto v) {
    const auto centred = hn::Sub(v, hn::Set(d, mean));
    return hn::Mul(centred, centred);
  });
  const double inverse = 1 / std::sqrt(squares / static_cast<double>(n) + norm.epsilon);
  for_elements<double>(n, [&](auto d, int64_t i) {
    const auto scaled = hn::Mul(hn::Sub(load_double(d, x + i), hn::Set(d, mean)), hn::Set(d, inverse));
    const auto exact = hn::MulAdd(scaled, load_double(d, gain + i), load_double(d, bias + i));
    if constexpr (sizeof(T) == 8) {
      if (!norm.rounds_before_gain || Round::kIsExact)
        hn::StoreU(round(d, exact), d, y + i);
      else
        hn::StoreU(round(d, hn::Mul(round(d, scaled), load_double(d, gain + i))), d, y + i);
    } else {
      const hn::Rebind<float, decltype(d)> single;
      if (!norm.rounds_before_gain || Round::kIsExact) {
        hn::StoreU(round(single, hn::DemoteTo(single, exact)), single, y + i);
      } else {
        const auto once = round(single, hn::DemoteTo(single, scaled));
        hn::StoreU(round(single, hn::Mul(once, hn::LoadU(single, gain + i))), single, y + i);
      }
    }
  });
}

template <class T>
void norm_row(const NormRef& norm, Rounding rounding, const T* x, const T* gain, const T* bias, T* y, int64_t n) {
  with_rounding<T>(rounding, [&](auto round) { norm_row_rounded(norm, x, gain, bias, y, n, round); });
}

template <class T>
void rotate_head(Rounding rounding, T* x, const T* cosines, const T* sines, int64_t half) {
  with_rounding<T>(rounding, [&](auto round) {
    for_elements<T>(half, [&](auto d, int64_t i) {
      const auto a = hn::LoadU(d, x + i), b = hn::LoadU(d, x + half + i);
      const auto c = hn::LoadU(d, cosines + i), s = hn::LoadU(d, sines + i);
      const auto first = hn::Sub(round(d, hn::Mul(a, c)), round(d, hn::Mul(b, s)));
      const auto second = hn::Add(round(d, hn::Mul(b, c)), round(d, hn::Mul(a, s)));
      hn::StoreU(round(d, first), d, x + i);
      hn::StoreU(round(d, second), d, x + half + i);
    });
  });
}

template <class T>
void rotate_head_interleaved(Rounding rounding, T* x, const T* cosines, const T* sines, int64_t half) {
  const hn::CappedTag<T, 1> d;
  with_rounding<T>(rounding, [&](auto round) {
    for (int64_t i = 0; i < half; ++i) {
      const auto a = hn::LoadU(d, x + 2 * i), b = hn::LoadU(d, x + 2 * i + 1);
      const auto c = hn::LoadU(d, cosines + i), s = hn::LoadU(d, sines + i);
      const auto first = hn::Sub(round(d, hn::Mul(a, c)), round(d, hn::Mul(b, s)));
      const auto second = hn::Add(round(d, hn::Mul(b, c)), round(d, hn::Mul(a, s)));
      hn::StoreU(round(d, first), d, x + 2 * i);
      hn::StoreU(round(d, second), d, x + 2 * i + 1);
    }
  });
}

template <class T>
ElementwiseKernels<T> kernels() {
  return {.round = round_elements<T>,
          .activate = activate_elements<T>,
          .multiply = multiply_elements<T>,
          .add = add_elements<T>,
          .add_scaled = add_scaled_elements<T>,
          .scale = scale_elements<T>,
          .shift = shift_elements<T>,
          .clamp = clamp_elements<T>,
          .norm = norm_row<T>,
          .square_sum = square_sum_row<T>,
          .rotate = rotate_head<T>,
          .rotate_interleaved = rotate_head_interleaved<T>};
}
// LSTAR_DISPATCH takes plain names.
ElementwiseKernels<float> kernels_f32() { return kernels<float>(); }
ElementwiseKernels<double> kernels_f64() { return kernels<double>(); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lstar {

template <>
ElementwiseKernels<float> elementwise_kernels() {
  return LSTAR_DISPATCH(kernels_f32)();
}
template <>
ElementwiseKernels<double> elementwise_kernels() {
  return LSTAR_DISPATCH(kernels_f64)();
}

}  // namespace lstar
#endif
