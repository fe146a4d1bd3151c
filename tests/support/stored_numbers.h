// Numbers as files hold them.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

#include "lstar/base/dtype.h"

namespace lstar::testing {

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Nearest binary16 number, as bits.
inline uint16_t float16_bits(float value) {
  const float rounded = round_to_float16(value), magnitude = std::fabs(rounded);
  const uint32_t bits = std::bit_cast<uint32_t>(rounded);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  if (std::isnan(rounded)) return sign | 0x7e00u;
  if (std::isinf(rounded)) return sign | 0x7c00u;
  if (magnitude < 0x1p-14f) return sign | static_cast<uint16_t>(magnitude * 0x1p24f);
  return sign | static_cast<uint16_t>(((bits & 0x7fffffffu) >> 13) - (112u << 10));
}

inline float bfloat16_to_float(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

inline uint16_t bfloat16_bits(float value) {
  return static_cast<uint16_t>(std::bit_cast<uint32_t>(round_to_bfloat16(value)) >> 16);
}

}  // namespace lstar::testing
