#include "lstar/compute/cpu/elementwise.h"

#include "lstar/compute/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lstar/compute/cpu/elementwise.cpp"
#include <hwy/foreach_target.h>

#include "lstar/compute/cpu/activations-inl.h"
#include "lstar/compute/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {

// x(i) = f(d, x(i), i), rounded, for all n.
template <class T, class F>
HWY_INLINE void transform(Dtype dtype, T* x, int64_t n, const F& f) {
  with_rounding<T>(dtype, [&](auto round) {
    for_elements<T>(n, [&](auto d, int64_t i) { hn::StoreU(round(d, f(d, hn::LoadU(d, x + i), i)), d, x + i); });
  });
}

template <class T>
void round_elements(Dtype dtype, T* x, int64_t n) {
  if (is_emulated(dtype)) transform(dtype, x, n, [](auto, auto v, int64_t) { return v; });
}

template <class T>
void multiply_elements(Dtype dtype, T* x, const T* y, int64_t n) {
  transform(dtype, x, n, [&](auto d, auto v, int64_t i) { return hn::Mul(v, hn::LoadU(d, y + i)); });
}

template <class T>
void add_elements(Dtype dtype, T* x, const T* y, int64_t n) {
  transform(dtype, x, n, [&](auto d, auto v, int64_t i) { return hn::Add(v, hn::LoadU(d, y + i)); });
}

template <class T>
void activate_elements(Activation activation, Dtype dtype, T* x, int64_t n) {
  with_rounding<T>(dtype, [&](auto round) {
    const auto each = [&](const auto& f) {
      for_elements<T>(n, [&](auto d, int64_t i) { hn::StoreU(round(d, f(d, hn::LoadU(d, x + i))), d, x + i); });
    };
    switch (activation) {
      case Activation::relu: return each([](auto d, auto v) { return relu(d, v); });
      case Activation::gelu: return each([](auto d, auto v) { return gelu(d, v); });
      case Activation::gelu_tanh: return each([](auto d, auto v) { return gelu_tanh(d, v); });
      case Activation::gelu_new: return each([&](auto d, auto v) { return gelu_new(d, v, round); });
      case Activation::gelu_bloom: return each([&](auto d, auto v) { return gelu_bloom(d, v, round); });
      case Activation::silu: return each([](auto d, auto v) { return silu(d, v); });
    }
  });
}

// Norms are computed in double whatever T is: they are a small part of the time, and a mean far from 0 costs no digits.
template <class D>
HWY_INLINE hn::Vec<D> load_double(D d, const float* x) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), x));
}
template <class D>
HWY_INLINE hn::Vec<D> load_double(D d, const double* x) {
  return hn::LoadU(d, x);
}

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
void norm_row_rounded(NormRef::Kind kind, double epsilon, const T* x, const T* gain, const T* bias, T* y, int64_t n,
                      Round round) {
  const bool is_layer = kind == NormRef::Kind::layer;
  const double mean = is_layer ? sum_row(x, n, [](auto, auto v) { return v; }) / static_cast<double>(n) : 0;
  const double squares = sum_row(x, n, [&](auto d, auto v) {
    const auto centred = hn::Sub(v, hn::Set(d, mean));
    return hn::Mul(centred, centred);
  });
  const double inverse = 1 / std::sqrt(squares / static_cast<double>(n) + epsilon);
  for_elements<double>(n, [&](auto d, int64_t i) {
    const auto scaled = hn::Mul(hn::Sub(load_double(d, x + i), hn::Set(d, mean)), hn::Set(d, inverse));
    const auto exact = hn::MulAdd(scaled, load_double(d, gain + i), load_double(d, bias + i));
    if constexpr (sizeof(T) == 8) {
      hn::StoreU(exact, d, y + i);
    } else {
      const hn::Rebind<float, decltype(d)> single;
      if (is_layer || Round::kIsExact) {
        hn::StoreU(round(single, hn::DemoteTo(single, exact)), single, y + i);
      } else {  // RMSNorm rounds before it multiplies by the gain
        const auto once = round(single, hn::DemoteTo(single, scaled));
        hn::StoreU(round(single, hn::Mul(once, hn::LoadU(single, gain + i))), single, y + i);
      }
    }
  });
}

template <class T>
void norm_row(NormRef::Kind kind, Dtype dtype, double epsilon, const T* x, const T* gain, const T* bias, T* y,
              int64_t n) {
  with_rounding<T>(dtype, [&](auto round) { norm_row_rounded(kind, epsilon, x, gain, bias, y, n, round); });
}

template <class T>
void rotate_head(Dtype dtype, T* x, const T* cosines, const T* sines, int64_t half) {
  with_rounding<T>(dtype, [&](auto round) {
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

// HWY_EXPORT takes plain names: one function per operation and type.
#define LSTAR_FOR_BOTH(T, suffix)                                                                                     \
  void round_##suffix(Dtype dtype, T* x, int64_t n) { round_elements(dtype, x, n); }                                  \
  void activate_##suffix(Activation a, Dtype dtype, T* x, int64_t n) { activate_elements(a, dtype, x, n); }           \
  void multiply_##suffix(Dtype dtype, T* x, const T* y, int64_t n) { multiply_elements(dtype, x, y, n); }             \
  void add_##suffix(Dtype dtype, T* x, const T* y, int64_t n) { add_elements(dtype, x, y, n); }                       \
  void norm_##suffix(NormRef::Kind kind, Dtype dtype, double epsilon, const T* x, const T* gain, const T* bias, T* y, \
                     int64_t n) {                                                                                     \
    norm_row(kind, dtype, epsilon, x, gain, bias, y, n);                                                              \
  }                                                                                                                   \
  double square_sum_##suffix(const T* x, int64_t n) { return square_sum_row(x, n); }                                  \
  void rotate_##suffix(Dtype dtype, T* x, const T* cosines, const T* sines, int64_t half) {                           \
    rotate_head(dtype, x, cosines, sines, half);                                                                      \
  }
LSTAR_FOR_BOTH(float, f32)
LSTAR_FOR_BOTH(double, f64)
#undef LSTAR_FOR_BOTH

}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lstar {

#define LSTAR_DISPATCH(T, suffix)                                                                                      \
  HWY_EXPORT(round_##suffix);                                                                                          \
  HWY_EXPORT(activate_##suffix);                                                                                       \
  HWY_EXPORT(multiply_##suffix);                                                                                       \
  HWY_EXPORT(add_##suffix);                                                                                            \
  HWY_EXPORT(norm_##suffix);                                                                                           \
  HWY_EXPORT(square_sum_##suffix);                                                                                     \
  HWY_EXPORT(rotate_##suffix);                                                                                         \
  template <>                                                                                                          \
  void Elementwise<T>::round(Dtype dtype, T* x, int64_t n) {                                                           \
    HWY_DYNAMIC_DISPATCH(round_##suffix)(dtype, x, n);                                                                 \
  }                                                                                                                    \
  template <>                                                                                                          \
  void Elementwise<T>::activate(Activation activation, Dtype dtype, T* x, int64_t n) {                                 \
    HWY_DYNAMIC_DISPATCH(activate_##suffix)(activation, dtype, x, n);                                                  \
  }                                                                                                                    \
  template <>                                                                                                          \
  void Elementwise<T>::multiply(Dtype dtype, T* x, const T* y, int64_t n) {                                            \
    HWY_DYNAMIC_DISPATCH(multiply_##suffix)(dtype, x, y, n);                                                           \
  }                                                                                                                    \
  template <>                                                                                                          \
  void Elementwise<T>::add(Dtype dtype, T* x, const T* y, int64_t n) {                                                 \
    HWY_DYNAMIC_DISPATCH(add_##suffix)(dtype, x, y, n);                                                                \
  }                                                                                                                    \
  template <>                                                                                                          \
  void Elementwise<T>::norm(NormRef::Kind kind, Dtype dtype, double epsilon, const T* x, const T* gain, const T* bias, \
                            T* y, int64_t n) {                                                                         \
    HWY_DYNAMIC_DISPATCH(norm_##suffix)(kind, dtype, epsilon, x, gain, bias, y, n);                                    \
  }                                                                                                                    \
  template <>                                                                                                          \
  double Elementwise<T>::square_sum(const T* x, int64_t n) {                                                           \
    return HWY_DYNAMIC_DISPATCH(square_sum_##suffix)(x, n);                                                            \
  }                                                                                                                    \
  template <>                                                                                                          \
  void Elementwise<T>::rotate(Dtype dtype, T* x, const T* cosines, const T* sines, int64_t half) {                     \
    HWY_DYNAMIC_DISPATCH(rotate_##suffix)(dtype, x, cosines, sines, half);                                             \
  }
LSTAR_DISPATCH(float, f32)
LSTAR_DISPATCH(double, f64)
#undef LSTAR_DISPATCH

}  // namespace lstar
#endif
