#include "lstar/checkpoint/widen_float8.h"

#include <array>
#include <limits>

namespace lstar {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

constexpr float power_of_two(int exponent) {
  float power = 1;
  for (; exponent > 0; --exponent) power *= 2;
  for (; exponent < 0; ++exponent) power /= 2;
  return power;
}

// How a type uses its special bit patterns.
enum class Specials {
  ieee,       // the top exponent holds infinities and NaNs
  finite,     // "fn": all ones is NaN, nothing is infinite
  zero_sign,  // "fnuz": the place of -0 is NaN, nothing is infinite
};

constexpr float value_of(int byte, int mantissa_bits, int bias, Specials specials) {
  const int steps = 1 << mantissa_bits, magnitude = byte & 0x7f;
  const int exponent = magnitude / steps, mantissa = magnitude % steps;
  const float sign = byte & 0x80 ? -1.0f : 1.0f;
  if (specials == Specials::finite && magnitude == 0x7f) return kNaN;
  if (specials == Specials::zero_sign && byte == 0x80) return kNaN;
  if (specials == Specials::ieee && exponent == 0x7f / steps) return mantissa ? kNaN : sign * kInfinity;
  if (exponent == 0) return sign * static_cast<float>(mantissa) * power_of_two(1 - bias - mantissa_bits);
  return sign * static_cast<float>(steps + mantissa) * power_of_two(exponent - bias - mantissa_bits);
}

using Table = std::array<float, 256>;

constexpr Table table_of(int mantissa_bits, int bias, Specials specials) {
  Table table{};
  for (int byte = 0; byte < 256; ++byte)
    table[static_cast<size_t>(byte)] = value_of(byte, mantissa_bits, bias, specials);
  return table;
}

// Powers of two, for scales: no sign, no mantissa.
constexpr Table powers_of_two() {
  Table table{};
  for (int byte = 0; byte < 255; ++byte) table[static_cast<size_t>(byte)] = power_of_two(byte - 127);
  table[255] = kNaN;
  return table;
}

constexpr Table kE4M3 = table_of(3, 7, Specials::finite);
constexpr Table kE5M2 = table_of(2, 15, Specials::ieee);
constexpr Table kE4M3FnUz = table_of(3, 8, Specials::zero_sign);
constexpr Table kE5M2FnUz = table_of(2, 16, Specials::zero_sign);
constexpr Table kE8M0 = powers_of_two();

void look_up(const Table& table, const uint8_t* source, size_t count, float* out) {
  for (size_t i = 0; i < count; ++i) out[i] = table[source[i]];
}

}  // namespace

void widen_float8(StoredType type, const uint8_t* source, size_t count, float* out) {
  switch (type) {
    case StoredType::float8_e4m3: return look_up(kE4M3, source, count, out);
    case StoredType::float8_e5m2: return look_up(kE5M2, source, count, out);
    case StoredType::float8_e8m0: return look_up(kE8M0, source, count, out);
    case StoredType::float8_e4m3fnuz: return look_up(kE4M3FnUz, source, count, out);
    case StoredType::float8_e5m2fnuz: return look_up(kE5M2FnUz, source, count, out);
    default: return;
  }
}

}  // namespace lstar
