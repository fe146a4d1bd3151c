#include "lstar/checkpoint/widen.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "lstar/base/dtype.h"
#include "tests/support/every_target.h"
#include "tests/support/stored_numbers.h"

namespace lstar {
namespace {

// The scalar versions that the kernels must equal, to the bit.
float plain_element(StoredType type, const uint8_t* block, int i) {
  const auto half = [block](int at) { return float16_to_float(static_cast<uint16_t>(block[at] | block[at + 1] << 8)); };
  const auto nibble = [i](const uint8_t* q) { return i < 16 ? q[i] & 15 : q[i - 16] >> 4; };
  switch (type) {
    case StoredType::float16: return half(0);
    case StoredType::bfloat16: return testing::bfloat16_to_float(static_cast<uint16_t>(block[0] | block[1] << 8));
    case StoredType::q8_0: return half(0) * static_cast<float>(static_cast<int8_t>(block[2 + i]));
    case StoredType::q4_0: return half(0) * static_cast<float>(nibble(block + 2) - 8);
    case StoredType::q4_1: {
      const float product = half(0) * static_cast<float>(nibble(block + 4));
      return product + half(2);
    }
    default: return 0;
  }
}

std::vector<float> plain(StoredType type, const uint8_t* source, size_t count) {
  const auto elements = static_cast<size_t>(info(type).block_elements);
  std::vector<float> out(count);
  for (size_t i = 0; i < count; ++i)
    out[i] = plain_element(type, source + i / elements * static_cast<size_t>(info(type).block_bytes),
                           static_cast<int>(i % elements));
  return out;
}

// Bits, so that the sign of zero counts. Arithmetic on a NaN scale may pick any NaN, and so may the processor's own
// conversion of float16.
bool same(float a, float b, bool any_nan) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) || (any_nan && std::isnan(a) && std::isnan(b));
}

void expect_plain(StoredType type, const std::vector<uint8_t>& source, size_t offset, size_t count) {
  const bool any_nan = type != StoredType::bfloat16;
  const auto* bytes = reinterpret_cast<const std::byte*>(source.data()) + offset;
  const std::vector<float> expected = plain(type, source.data() + offset, count);
  std::vector<float> singles(count + 1, 77.0f);
  widen(type, bytes, std::span<float>(singles.data(), count));
  EXPECT_EQ(singles[count], 77.0f) << "written past the end";
  std::vector<double> doubles(count);
  widen(type, bytes, std::span<double>(doubles));
  size_t wrong = 0;
  for (size_t i = 0; i < count; ++i) {
    const bool good = same(singles[i], expected[i], any_nan) && (doubles[i] == static_cast<double>(expected[i]) ||
                                                                 (std::isnan(doubles[i]) && std::isnan(expected[i])));
    if (!good && ++wrong < 5)
      ADD_FAILURE() << info(type).name << " element " << i << ": " << singles[i] << " for " << expected[i];
  }
  EXPECT_EQ(wrong, 0u);
}

std::vector<uint8_t> random_bytes(size_t count) {
  std::mt19937 random(20240607);
  std::vector<uint8_t> bytes(count);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

using Widen = testing::OnEveryTarget;

TEST_P(Widen, EveryHalf) {
  std::vector<uint8_t> all;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    all.push_back(static_cast<uint8_t>(bits));
    all.push_back(static_cast<uint8_t>(bits >> 8));
  }
  expect_plain(StoredType::float16, all, 0, 65536);
  expect_plain(StoredType::bfloat16, all, 0, 65536);
}

TEST_P(Widen, EveryLengthFromAnyAddress) {
  const std::vector<uint8_t> bytes = random_bytes(400);
  for (const StoredType type : {StoredType::float16, StoredType::bfloat16})
    for (size_t offset = 0; offset < 4; ++offset)
      for (size_t count = 0; count < 70; ++count) {
        // Exactly as many bytes as are needed: a sanitizer sees a read past them.
        const std::vector<uint8_t> exact(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(offset + 2 * count));
        expect_plain(type, exact, offset, count);
      }
}

TEST_P(Widen, QuantisedBlocks) {
  for (const StoredType type : {StoredType::q8_0, StoredType::q4_0, StoredType::q4_1}) {
    const auto block = static_cast<size_t>(info(type).block_bytes);
    for (size_t offset = 0; offset < 3; ++offset)
      for (const size_t blocks : {1u, 2u, 33u, 700u}) {
        const std::vector<uint8_t> bytes = random_bytes(offset + blocks * block);
        expect_plain(type, bytes, offset, 32 * blocks);
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Widen, testing::every_target(), testing::target_name);

TEST(WidenPlain, Float32AndFloat64) {
  const std::vector<float> singles{0.0f, -0.0f, 1.5f, 0x1p-149f, std::numeric_limits<float>::infinity()};
  const std::vector<double> doubles{0.0, 0.1, 1e300, -1e-300, 1 + 0x1p-30};
  std::vector<std::byte> bytes(1 + 40);
  std::memcpy(bytes.data() + 1, singles.data(), 20);
  std::vector<float> out(5);
  std::vector<double> wide(5);
  widen(StoredType::float32, bytes.data() + 1, std::span<float>(out));
  widen(StoredType::float32, bytes.data() + 1, std::span<double>(wide));
  EXPECT_EQ(std::memcmp(out.data(), singles.data(), 20), 0);
  EXPECT_EQ(wide, std::vector<double>(singles.begin(), singles.end()));
  std::memcpy(bytes.data() + 1, doubles.data(), 40);
  widen(StoredType::float64, bytes.data() + 1, std::span<float>(out));
  widen(StoredType::float64, bytes.data() + 1, std::span<double>(wide));
  EXPECT_EQ(wide, doubles);
  EXPECT_EQ(out, (std::vector<float>{0.0f, 0.1f, std::numeric_limits<float>::infinity(), -0.0f, 1.0f}));
}

}  // namespace
}  // namespace lstar
