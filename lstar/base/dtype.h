// The number formats a run can compute in, and rounding to them. Pure functions; safe from any thread.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lstar {

// What a run computes in. float16 and bfloat16 are emulated: values are held in float32 and rounded where
// `transformers` in that dtype would round (see RoundingPoints in lstar/architecture/architecture.h).
enum class Dtype { float32, float16, bfloat16, float64 };

inline constexpr std::array<std::string_view, 4> kDtypeNames{"float32", "float16", "bfloat16", "float64"};

inline constexpr std::string_view name(Dtype dtype) { return kDtypeNames[static_cast<size_t>(dtype)]; }

inline constexpr std::optional<Dtype> parse_dtype(std::string_view text) {
  for (size_t i = 0; i < kDtypeNames.size(); ++i)
    if (kDtypeNames[i] == text) return static_cast<Dtype>(i);
  return std::nullopt;
}

// Half the distance from 1 to the next larger number: the largest relative error of one rounding to nearest.
inline constexpr double unit_roundoff(Dtype dtype) {
  switch (dtype) {
    case Dtype::float16: return 0x1p-11;
    case Dtype::bfloat16: return 0x1p-8;
    case Dtype::float32: return 0x1p-24;
    case Dtype::float64: return 0x1p-53;
  }
  return 0;
}

inline constexpr bool is_emulated(Dtype dtype) { return dtype == Dtype::float16 || dtype == Dtype::bfloat16; }

// How a run rounds the results of its operations: to the nearest number of its dtype, or up or down at random, each as
// likely as makes the mean exact. Of float32, whose results are otherwise not rounded once more, this means that
// operations are computed in double. float64 has nothing wider to be rounded from.
struct Rounding {
  Dtype dtype = Dtype::float32;
  bool at_random = false;
  uint32_t seed = 0;  // which of the two, of any number, is this seed's alone

  constexpr Rounding() = default;
  constexpr Rounding(Dtype to) : dtype(to) {}  // NOLINT(google-explicit-constructor): to the nearest
  constexpr Rounding(Dtype to, uint32_t of) : dtype(to), at_random(true), seed(of) {}
  constexpr Rounding to_nearest() const { return dtype; }
};

// IEEE binary16 bits to float32; exact, subnormals and infinities included.
inline float float16_to_float(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1fu;
  const uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

// Nearest binary16 value, ties to even; overflows to infinity past 65520 as the format does; NaN stays NaN.
inline float round_to_float16(float x) {
  const float magnitude = std::fabs(x);
  if (!(magnitude < 65520.0f)) return std::isnan(x) ? x : std::copysign(INFINITY, x);
  if (magnitude >= 0x1p-14f) {
    const uint32_t bits = std::bit_cast<uint32_t>(x);
    return std::bit_cast<float>((bits + 0xfffu + ((bits >> 13) & 1u)) & ~0x1fffu);
  }
  return std::copysign((magnitude + 0.5f) - 0.5f,
                       x);  // subnormals: the spacing of float32 at 0.5 is 2^-24, binary16's own
}

inline float round_to_bfloat16(float x) {
  if (std::isnan(x)) return x;
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7fffu + ((bits >> 16) & 1u)) & ~0xffffu);
}

inline float round_to(Dtype dtype, float x) {
  if (dtype == Dtype::float16) return round_to_float16(x);
  if (dtype == Dtype::bfloat16) return round_to_bfloat16(x);
  return x;
}

}  // namespace lstar
