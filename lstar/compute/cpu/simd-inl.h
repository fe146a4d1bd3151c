// What the kernels share: loops over vectors, rounding to float16 and bfloat16, and exp that keeps NaN.
// Compiled once for every instruction set (foreach_target.h of Highway); the guard below lets each of them include it
// anew.
#if defined(LSTAR_SIMD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LSTAR_SIMD_INL_H
#undef LSTAR_SIMD_INL_H
#else
#define LSTAR_SIMD_INL_H
#endif

#include <limits>

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "lstar/base/dtype.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// f(d, i) for all elements 0 .. n: whole vectors first, then one element at a time. The same operations either way,
// so an element's bits do not depend on where it falls.
template <class T, class F>
HWY_INLINE void for_elements(int64_t n, const F& f) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(d, i);
  for (; i < n; ++i) f(one, i);
}

// A vector of doubles from elements of either type.
template <class D>
HWY_INLINE hn::Vec<D> load_double(D d, const float* x) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), x));
}
template <class D>
HWY_INLINE hn::Vec<D> load_double(D d, const double* x) {
  return hn::LoadU(d, x);
}

// Rounding to the run's dtype: the type of a kernel's last argument.
struct Exact {
  static constexpr bool kIsExact = true;
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return x;
  }
};

struct ToFloat16 {
  static constexpr bool kIsExact = false;
  static constexpr bool rounds_square() { return false; }
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
#if HWY_TARGET != HWY_SCALAR  // the processor converts both ways, subnormals and overflow included
    return hn::PromoteTo(d, hn::DemoteTo(hn::Rebind<hwy::float16_t, D>(), x));
#else
    const hn::RebindToUnsigned<D> du;
    const V magnitude = hn::Abs(x);
    const auto bits = hn::BitCast(du, x);
    const auto odd = hn::And(hn::ShiftRight<13>(bits), hn::Set(du, 1));
    const auto nearest = hn::And(hn::Add(bits, hn::Add(odd, hn::Set(du, 0xfff))), hn::Set(du, ~0x1fffu));
    // Below 2^-14 binary16 is spaced like float32 at 0.5.
    const V half = hn::Set(d, 0.5f);
    const V subnormal = hn::CopySign(hn::Sub(hn::Add(magnitude, half), half), x);
    const V finite = hn::IfThenElse(hn::Ge(magnitude, hn::Set(d, 0x1p-14f)), hn::BitCast(d, nearest), subnormal);
    return hn::IfThenElse(hn::Ge(magnitude, hn::Set(d, 65520.0f)), hn::CopySign(hn::Inf(d), x), finite);
#endif
  }
};

struct ToBfloat16 {
  static constexpr bool kIsExact = false;
  static constexpr bool rounds_square() { return true; }
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const hn::RebindToUnsigned<D> du;
    const auto bits = hn::BitCast(du, x);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
    const auto nearest = hn::And(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fff))), hn::Set(du, 0xffff0000u));
    return hn::IfThenElse(hn::IsNaN(x), x, hn::BitCast(d, nearest));
  }
};

// Up or down at random (Rounding). Which of the two is a hash of the number and the seed: the same on any thread and in
// any order, and another with another seed. Numbers of the dtype stay what they are.
template <class T>
class AtRandom {
 public:
  static constexpr bool kIsExact = false;

  explicit AtRandom(Rounding rounding)
      : rounds_square_(rounding.dtype == Dtype::bfloat16),
        step_(static_cast<T>(2 * unit_roundoff(rounding.dtype))),
        least_(static_cast<T>(least_step(rounding.dtype))),
        overflow_(rounding.dtype == Dtype::float16 ? T(0x1p16) : beyond_float()),
        key_(rounding.seed * 0x9e3779b9u + 0x7f4a7c15u) {}  // neighbouring seeds become far apart

  bool rounds_square() const { return rounds_square_; }

  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const hn::RebindToUnsigned<D> du;
    using Bits = hn::TFromD<decltype(du)>;
    constexpr Bits exponent = sizeof(T) == 4 ? static_cast<Bits>(0x7f800000u) : static_cast<Bits>(0x7ff0000000000000u);
    const V magnitude = hn::Abs(x), infinity = hn::Inf(d);
    const V power = hn::BitCast(d, hn::And(hn::BitCast(du, x), hn::Set(du, exponent)));  // the largest one in x
    const V spacing = hn::Max(hn::Mul(power, hn::Set(d, step_)), hn::Set(d, least_));
    const V steps = hn::Div(magnitude, spacing), below = hn::Floor(steps);  // a division by a power of two: exact
    const auto is_up = hn::Lt(uniform(d, x), hn::Sub(steps, below));
    const V rounded = hn::Mul(hn::Add(below, hn::IfThenElseZero(is_up, hn::Set(d, T(1)))), spacing);
    const V finite = hn::IfThenElse(hn::Ge(rounded, hn::Set(d, overflow_)), infinity, rounded);
    return hn::IfThenElse(hn::Lt(magnitude, infinity), hn::CopySign(finite, x), x);
  }

 private:
  static constexpr T beyond_float() {  // 2^128
    return sizeof(T) == 4 ? std::numeric_limits<T>::infinity() : T(0x1p127) * 2;
  }
  static constexpr double least_step(Dtype dtype) {
    return dtype == Dtype::float16 ? 0x1p-24 : dtype == Dtype::bfloat16 ? 0x1p-133 : 0x1p-149;
  }

  // In [0, 1), of the bits of x and the seed.
  template <class D, class V>
  HWY_INLINE V uniform(D d, V x) const {
    const hn::RebindToUnsigned<D> du;
    const hn::RebindToSigned<D> signed_d;
    const auto bits = hn::BitCast(du, x);
    if constexpr (sizeof(T) == 4) {
      const auto key = hn::Set(du, key_);
      auto hash = hn::Xor(bits, key);
      for (int round = 0; round < 2; ++round) {  // the finalizer of MurmurHash3 (A. Appleby, public domain)
        hash = hn::Mul(hn::Xor(hash, hn::ShiftRight<16>(hash)), hn::Set(du, 0x85ebca6bu));
        hash = hn::Mul(hn::Xor(hash, hn::ShiftRight<13>(hash)), hn::Set(du, 0xc2b2ae35u));
        hash = hn::Add(hn::Xor(hash, hn::ShiftRight<16>(hash)), key);
      }
      return hn::Mul(hn::ConvertTo(d, hn::BitCast(signed_d, hn::ShiftRight<8>(hash))), hn::Set(d, T(0x1p-24)));
    } else {  // not every instruction set multiplies 64 bits: halves are
      const auto half = hn::Set(du, 0xffffffffu), key = hn::Set(du, uint64_t{key_});
      auto hash = times(du, hn::Xor(hn::And(bits, half), key), 0x85ebca6bu);
      hash = times(du, hn::Xor(hash, hn::ShiftRight<32>(bits)), 0xc2b2ae35u);
      hash = times(du, hn::And(hn::Add(hash, key), half), 0x9e3779b1u);
      hash = times(du, hash, 0x85ebca6bu);
      // As the 32 leading digits of a number in [1, 2).
      return hn::Sub(hn::BitCast(d, hn::Or(hn::ShiftLeft<20>(hash), hn::BitCast(du, hn::Set(d, T(1))))),
                     hn::Set(d, T(1)));
    }
  }

  // The product of numbers of 32 bits, its halves upon each other.
  template <class DU, class V>
  HWY_INLINE static V times(DU du, V x, uint32_t factor) {
#if HWY_TARGET == HWY_SCALAR
    const V product = hn::Set(du, hn::GetLane(x) * factor);
#else
    const hn::RepartitionToNarrow<DU> halves;
    const V product = hn::BitCast(du, hn::MulEven(hn::BitCast(halves, x), hn::Set(halves, factor)));
#endif
    return hn::Xor(hn::And(product, hn::Set(du, 0xffffffffu)), hn::ShiftRight<32>(product));
  }

  bool rounds_square_;
  T step_, least_, overflow_;
  uint32_t key_;
};

// Calls f with the rounding of a run; double is rounded at random or not at all.
template <class T, class F>
HWY_INLINE auto with_rounding(Rounding rounding, const F& f) {
  const Dtype dtype = rounding.dtype;
  if (rounding.at_random && dtype != (sizeof(T) == 4 ? Dtype::float32 : Dtype::float64))
    return f(AtRandom<T>(rounding));
  if constexpr (sizeof(T) == 4) {
    if (dtype == Dtype::float16) return f(ToFloat16());
    if (dtype == Dtype::bfloat16) return f(ToBfloat16());
  }
  return f(Exact());
}

// e^x to about one unit in the last place; NaN stays NaN, which Highway's own turns into 0.
template <class D, class V>
HWY_INLINE V exp_of(D d, V x) {
  const V largest = hn::Set(d, sizeof(hn::TFromD<D>) == 4 ? 104 : 720);  // past it: infinity
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Exp(d, hn::Min(x, largest)));
}

// e^(-x) for x >= 0, what a softmax needs: about one unit in the last place, 0 from 87.3 on (where float32 loses
// digits), NaN for NaN. r in [-ln 2 / 2, ln 2 / 2] and a power of two; the polynomial is a Chebyshev fit computed with
// mpmath, off by 1.1e-8.
template <class D, class V>
HWY_INLINE V exp_of_minus(D d, V x) {
  if constexpr (sizeof(hn::TFromD<D>) == 8) {
    return exp_of(d, hn::Neg(x));
  } else {
    const hn::RebindToUnsigned<D> du;
    const auto shifter = hn::Set(d, 12582912.0f);  // 1.5 * 2^23: a sum with it has the nearest integer in its low bits
    const auto power = hn::NegMulAdd(x, hn::Set(d, 1.44269504f), shifter);
    const auto n = hn::Sub(power, shifter);
    auto r = hn::NegMulAdd(n, hn::Set(d, 0.693145751953125f), hn::Neg(x));
    r = hn::NegMulAdd(n, hn::Set(d, 1.42860677e-6f), r);
    auto y = hn::Set(d, 0.0013926184037700295f);
    for (const float coefficient :
         {0.008363178931176662f, 0.041666556149721146f, 0.16666576266288757f, 0.5f, 1.0f, 1.0f})
      y = hn::MulAdd(y, r, hn::Set(d, coefficient));
    y = hn::BitCast(d, hn::Add(hn::BitCast(du, y), hn::ShiftLeft<23>(hn::BitCast(du, power))));
    return hn::IfThenElse(hn::IsNaN(x), x, hn::IfThenElseZero(hn::Lt(x, hn::Set(d, 87.3f)), y));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();
#endif
