// What the kernels share: loops over vectors, rounding to float16 and bfloat16, and exp that keeps NaN.
// Compiled once for every instruction set (foreach_target.h of Highway); the guard below lets each of them include it
// anew.
#if defined(LSTAR_SIMD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LSTAR_SIMD_INL_H
#undef LSTAR_SIMD_INL_H
#else
#define LSTAR_SIMD_INL_H
#endif

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
  static constexpr bool kIsExact = false, kRoundsSquare = false;
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
  static constexpr bool kIsExact = false, kRoundsSquare = true;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const hn::RebindToUnsigned<D> du;
    const auto bits = hn::BitCast(du, x);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
    const auto nearest = hn::And(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fff))), hn::Set(du, 0xffff0000u));
    return hn::IfThenElse(hn::IsNaN(x), x, hn::BitCast(d, nearest));
  }
};

// Calls f with the rounding of a dtype; double is never rounded.
template <class T, class F>
HWY_INLINE auto with_rounding(Dtype dtype, const F& f) {
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
