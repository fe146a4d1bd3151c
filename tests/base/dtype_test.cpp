// Rounding to binary16 and bfloat16, against all values of the formats: the nearest one, ties to the even.
#include "lstar/base/dtype.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/support/stored_numbers.h"

namespace lstar {
namespace {

// Finite positive values of a format with their bit patterns in order, zero included.
std::vector<float> values_of(Dtype dtype) {
  std::vector<float> values;
  for (uint32_t bits = 0; bits < 0x8000u; ++bits) {
    const float value = dtype == Dtype::float16 ? float16_to_float(static_cast<uint16_t>(bits))
                                                : testing::bfloat16_to_float(static_cast<uint16_t>(bits));
    if (!std::isfinite(value)) break;
    values.push_back(value);
  }
  return values;
}

class Rounding : public ::testing::TestWithParam<Dtype> {};

TEST_P(Rounding, TakesTheNearestAndTiesToEven) {
  const std::vector<float> values = values_of(GetParam());
  for (size_t i = 0; i + 1 < values.size(); ++i) {
    const float low = values[i], high = values[i + 1];
    EXPECT_EQ(round_to(GetParam(), low), low);
    EXPECT_EQ(round_to(GetParam(), -low), -low);
    const float middle = low + (high - low) / 2;  // exact in float32 but for bfloat16's subnormals
    if (middle <= low || middle >= high) continue;
    EXPECT_EQ(round_to(GetParam(), middle), i % 2 == 0 ? low : high) << low;
    EXPECT_EQ(round_to(GetParam(), std::nextafter(middle, 0.0f)), low) << low;
    EXPECT_EQ(round_to(GetParam(), std::nextafter(middle, INFINITY)), high) << low;
  }
}

TEST_P(Rounding, OverflowsAndKeepsNan) {
  const float largest = values_of(GetParam()).back();
  EXPECT_EQ(round_to(GetParam(), largest), largest);
  EXPECT_EQ(round_to(GetParam(), std::numeric_limits<float>::max()), INFINITY);
  EXPECT_EQ(round_to(GetParam(), -INFINITY), -INFINITY);
  EXPECT_TRUE(std::isnan(round_to(GetParam(), NAN)));
  EXPECT_TRUE(std::signbit(round_to(GetParam(), -0.0f)));
}

INSTANTIATE_TEST_SUITE_P(Formats, Rounding, ::testing::Values(Dtype::float16, Dtype::bfloat16));

TEST(Dtype, NamesAreReadBack) {
  for (std::string_view name : kDtypeNames) EXPECT_EQ(lstar::name(*parse_dtype(name)), name);
  EXPECT_FALSE(parse_dtype("float8"));
}

}  // namespace
}  // namespace lstar
