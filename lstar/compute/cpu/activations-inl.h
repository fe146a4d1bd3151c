// Activation functions on vectors. GELU goes through the complementary error function and the tanh forms through the
// logistic function, x / (1 + e^(-2u)): neither loses digits for negative x, as 1 + erf and 1 + tanh do. In a run
// that rounds, gelu_new and gelu_bloom follow `transformers` operation by operation.
#if defined(LSTAR_ACTIVATIONS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LSTAR_ACTIVATIONS_INL_H
#undef LSTAR_ACTIVATIONS_INL_H
#else
#define LSTAR_ACTIVATIONS_INL_H
#endif

#include "lstar/compute/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {

// (1 + 2t) e^(t^2) erfc(t) for t >= 0 as a polynomial in (t - centre) / (t + centre), highest power first: Chebyshev
// fits computed with mpmath, off by less than 4e-9 and 3e-18.
template <class T>
struct ScaledErfc;
template <>
struct ScaledErfc<float> {
  static constexpr float centre = 3;
  static constexpr float coefficients[] = {-2.782656999e-04f, -8.009517877e-04f, 1.992521019e-03f,  2.579984264e-03f,
                                           -2.378911781e-02f, 6.829366712e-02f,  -1.192728274e-01f, 1.296465376e-01f,
                                           -4.756227211e-02f, -1.356211419e-01f, 1.253008058e+00f};
};
template <>
struct ScaledErfc<double> {
  static constexpr double centre = 3.75;
  static constexpr double coefficients[] = {
      -1.00950998729085437e-09, -5.11270903028033507e-09, 1.76152442887443106e-10,  4.10491658606277422e-08,
      1.83875740998387995e-08,  -2.63265310596686465e-07, -5.39750649815472444e-08, 1.75586067366274733e-06,
      -9.74751036157042254e-07, -1.14464463497558589e-05, 2.23844368634385394e-05,  5.16498930758072083e-05,
      -2.90154066897509492e-04, 2.93713489531978456e-04,  1.75562584038352408e-03,  -9.74657953355084934e-03,
      2.83622774212558097e-02,  -5.86933985916403833e-02, 9.23043211601879410e-02,  -1.08803930141663882e-01,
      8.22767384901518101e-02,  3.58541548546300985e-03,  -1.40240598585547022e-01, 1.23751263083782748e+00};
};

// Phi(x), the normal distribution function: erfc(-x / sqrt 2) / 2.
template <class D, class V>
HWY_INLINE V normal_cdf(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, 1);
  const V magnitude = hn::Min(hn::Abs(x), hn::Set(d, 56));  // past it the result is 0 or 1
  const V t = hn::Mul(magnitude, hn::Set(d, static_cast<T>(0.70710678118654752440)));
  const V centre = hn::Set(d, ScaledErfc<T>::centre);
  const V y = hn::Div(hn::Sub(t, centre), hn::Add(t, centre));
  V scaled = hn::Zero(d);
  for (const T coefficient : ScaledErfc<T>::coefficients) scaled = hn::MulAdd(scaled, y, hn::Set(d, coefficient));
  // e^(-x^2 / 2) with the rounding error of the square put back, which the exponential would blow up.
  const V half = hn::Mul(magnitude, hn::Set(d, T(0.5)));
  const V square = hn::Mul(half, magnitude);
  const V lost = hn::MulSub(half, magnitude, square);
  const V decay = hn::Mul(exp_of(d, hn::Neg(square)), hn::Sub(one, lost));
  const V tail = hn::Mul(hn::Set(d, T(0.5)), hn::Mul(hn::Div(scaled, hn::MulAdd(hn::Set(d, 2), t, one)), decay));
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail));
}

template <class D, class V>
HWY_INLINE V relu(D d, V x) {
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x);  // NaN stays
}

template <class D, class V>
HWY_INLINE V gelu(D d, V x) {
  return hn::Mul(x, normal_cdf(d, x));
}

// x / (1 + e^(-2u)) = x (1 + tanh u) / 2
template <class D, class V>
HWY_INLINE V times_logistic(D d, V x, V twice_u) {
  return hn::Div(x, hn::Add(hn::Set(d, 1), exp_of(d, hn::Neg(twice_u))));
}

template <class D, class V>
HWY_INLINE V silu(D d, V x) {
  return times_logistic(d, x, x);
}

template <class D, class V, class Round>
HWY_INLINE V gelu_quick(D d, V x, Round round) {
  const V bent = round(d, hn::Mul(hn::Set(d, static_cast<hn::TFromD<D>>(1.702)), x));
  if constexpr (Round::kIsExact) return times_logistic(d, x, bent);
  return hn::Mul(x, round(d, times_logistic(d, hn::Set(d, 1), bent)));
}

template <class D, class V>
HWY_INLINE V gelu_by_tanh(D d, V x, double root) {
  using T = hn::TFromD<D>;
  const V bent = hn::MulAdd(hn::Mul(hn::Set(d, static_cast<T>(0.044715)), hn::Mul(x, x)), x, x);
  return times_logistic(d, x, hn::Mul(hn::Set(d, static_cast<T>(2 * root)), bent));
}

inline constexpr double kRootTwoOverPi = 0.79788456080286535588;

template <class D, class V>
HWY_INLINE V gelu_tanh(D d, V x) {
  return gelu_by_tanh(d, x, kRootTwoOverPi);
}

template <class D, class V>
HWY_INLINE V tanh_of(D d, V x) {
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Tanh(d, x));
}

// 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))
template <class D, class V, class Round>
HWY_INLINE V gelu_new(D d, V x, Round round) {
  if constexpr (Round::kIsExact) {
    return gelu_tanh(d, x);
  } else {
    // torch's bfloat16 power on the CPU rounds the square as well; its float16 one does not.
    const V square = round.rounds_square() ? round(d, hn::Mul(x, x)) : hn::Mul(x, x);
    const V cube = round(d, hn::Mul(square, x));
    const V bent = round(d, hn::Add(x, round(d, hn::Mul(hn::Set(d, 0.044715f), cube))));
    const V u = round(d, hn::Mul(hn::Set(d, static_cast<float>(kRootTwoOverPi)), bent));
    const V factor = round(d, hn::Add(hn::Set(d, 1.0f), round(d, tanh_of(d, u))));
    return hn::Mul(round(d, hn::Mul(hn::Set(d, 0.5f), x)), factor);
  }
}

// x * 0.5 * (1 + tanh(0.79788456 * x * (1 + 0.044715 * x * x)))
template <class D, class V, class Round>
HWY_INLINE V gelu_bloom(D d, V x, Round round) {
  if constexpr (Round::kIsExact) {
    return gelu_by_tanh(d, x, 0.79788456);
  } else {
    const V square = round(d, hn::Mul(round(d, hn::Mul(hn::Set(d, 0.044715f), x)), x));
    const V bent = round(d, hn::Add(hn::Set(d, 1.0f), square));
    const V u = round(d, hn::Mul(round(d, hn::Mul(hn::Set(d, 0.79788456f), x)), bent));
    const V factor = round(d, hn::Add(hn::Set(d, 1.0f), round(d, tanh_of(d, u))));
    return hn::Mul(round(d, hn::Mul(x, hn::Set(d, 0.5f))), factor);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();
#endif
