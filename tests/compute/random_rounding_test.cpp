// Rounding at random, of every dtype that has it: to a neighbour, without a bias, the same for the same seed.
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "lstar/compute/cpu/elementwise.h"
#include "tests/support/every_target.h"
#include "tests/support/sanitized.h"

namespace lstar {
namespace {

using RandomRounding = testing::OnEveryTarget;
INSTANTIATE_TEST_SUITE_P(Targets, RandomRounding, testing::every_target(), testing::target_name);

// A format by its own words: digits behind the leading one, exponent of the smallest normal number, and the power of
// two from which on there is only infinity.
struct Format {
  Dtype dtype;
  int digits, least_exponent, overflow;
};
constexpr Format kFloat16{Dtype::float16, 10, -14, 16}, kBfloat16{Dtype::bfloat16, 7, -126, 128},
    kFloat32{Dtype::float32, 23, -126, 128};

double spacing_at(const Format& format, double x) {
  int exponent = 0;
  std::frexp(x, &exponent);  // x = m 2^exponent, m in [1/2, 1)
  return std::ldexp(1.0, std::max(exponent - 1, format.least_exponent) - format.digits);
}
double below(const Format& format, double x) {
  const double step = spacing_at(format, x);
  return std::floor(x / step) * step;
}
double above(const Format& format, double x) {
  const double step = spacing_at(format, x), up = std::ceil(x / step) * step;
  return std::fabs(up) >= std::ldexp(1.0, format.overflow) ? std::copysign(INFINITY, up) : up;
}

template <class T>
std::vector<T> numbers(const Format& format) {
  std::vector<T> values{T(1), T(-1), T(0.1), T(-0.3), T(1.0 / 3), T(1000.77), T(-3.14159265358979)};
  std::mt19937_64 engine(1);
  std::uniform_real_distribution<double> exponent(format.least_exponent - format.digits - 2, format.overflow - 1),
      mantissa(1, 2);
  for (int i = 0; i < 500; ++i)
    values.push_back(static_cast<T>(mantissa(engine) * std::exp2(std::floor(exponent(engine))) * (i % 2 ? 1 : -1)));
  return values;
}

template <class T>
std::vector<T> rounded(std::vector<T> values, Rounding rounding) {
  elementwise_kernels<T>().round(rounding, values.data(), static_cast<int64_t>(values.size()));
  return values;
}

template <class T>
void expect_neighbours(const Format& format) {
  const std::vector<T> values = numbers<T>(format);
  size_t ups = 0, downs = 0;
  for (uint32_t seed : {0u, 1u, 2u, 77u, 4'000'000'000u}) {
    const std::vector<T> seen = rounded(values, {format.dtype, seed});
    EXPECT_EQ(seen, rounded(values, {format.dtype, seed}));
    EXPECT_EQ(seen, rounded(seen, {format.dtype, seed + 5})) << "numbers of the dtype stay";
    for (size_t i = 0; i < values.size(); ++i) {
      const double x = values[i], low = below(format, x), high = above(format, x);
      ASSERT_TRUE(seen[i] == low || seen[i] == high) << x << " between " << low << " and " << high << ": " << seen[i];
      if (low == high) continue;
      ups += seen[i] == high;
      downs += seen[i] == low;
    }
  }
  EXPECT_GT(ups, 800u);
  EXPECT_GT(downs, 800u);
}

TEST_P(RandomRounding, ToANeighbour) {
  expect_neighbours<float>(kFloat16);
  expect_neighbours<float>(kBfloat16);
  expect_neighbours<double>(kFloat32);
}

// How often it is up is how near the number is to the upper neighbour: over seeds, within five standard errors.
template <class T>
void expect_no_bias(const Format& format) {
  const int seeds = testing::kSanitized ? 500 : 4'000;
  const std::vector<T> values = numbers<T>(format);
  std::vector<int> up(values.size());
  for (int seed = 0; seed < seeds; ++seed) {
    const std::vector<T> seen = rounded(values, {format.dtype, static_cast<uint32_t>(seed)});
    for (size_t i = 0; i < values.size(); ++i) up[i] += seen[i] == above(format, values[i]);
  }
  double chi_squared = 0, tested = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double step = spacing_at(format, values[i]), p = (values[i] - below(format, values[i])) / step;
    if (p == 0) continue;
    const double deviation = std::sqrt(p * (1 - p) * seeds), off = up[i] - p * seeds;
    // Rare events are no normal numbers: then a handful of them is allowed beyond that.
    EXPECT_LE(std::fabs(off), 5 * deviation + 4) << values[i] << ": " << up[i] << " of " << seeds << ", not " << p;
    if (deviation < 3) continue;
    chi_squared += off * off / (deviation * deviation);
    ++tested;
  }
  ASSERT_GT(tested, 300);
  // Of independent draws chi squared has the mean `tested` and the variance 2 `tested`.
  EXPECT_NEAR(chi_squared, tested, 5 * std::sqrt(2 * tested));
}

TEST_P(RandomRounding, WithoutABias) {
  expect_no_bias<float>(kFloat16);
  expect_no_bias<float>(kBfloat16);
  expect_no_bias<double>(kFloat32);
}

// One seed's decisions say nothing of another's: of two they agree as often as independent ones.
TEST_P(RandomRounding, SeedsAreIndependent) {
  std::vector<float> values;  // halfway between neighbours of float16
  for (int i = 0; i < 20'000; ++i) values.push_back(1.0f + (static_cast<float>(i % 1024) + 0.5f) * 0x1p-10f);
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::ldexp(values[i], static_cast<int>(i / 1024));
  for (const auto& [a, b] : {std::pair(0u, 1u), {1u, 2u}, {0u, 0x80000000u}, {3u, 131'075u}}) {
    const auto first = rounded(values, {Dtype::float16, a}), second = rounded(values, {Dtype::float16, b});
    int same = 0, all = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(first[i]) || !std::isfinite(second[i])) continue;
      same += first[i] == second[i];
      ++all;
    }
    EXPECT_NEAR(same, all / 2.0, 5 * std::sqrt(all) / 2) << a << " and " << b;
  }
}

TEST_P(RandomRounding, WhatIsNoNumberInBetween) {
  for (const Format& format : {kFloat16, kBfloat16}) {
    const float infinity = std::numeric_limits<float>::infinity();
    const std::vector<float> values{0.0f, -0.0f, infinity, -infinity, std::numeric_limits<float>::quiet_NaN()};
    const auto seen = rounded(values, {format.dtype, 3});
    for (size_t i = 0; i < 4; ++i)
      EXPECT_EQ(std::bit_cast<uint32_t>(seen[i]), std::bit_cast<uint32_t>(values[i])) << values[i];
    EXPECT_TRUE(std::isnan(seen[4]));
  }
  // Between the largest number of float16 and what would be the next, both happen; from that on infinity alone.
  int finite = 0;
  for (uint32_t seed = 0; seed < 64; ++seed) {
    const float x = rounded<float>({65'520.0f}, {Dtype::float16, seed})[0];
    EXPECT_TRUE(x == 65'504.0f || x == std::numeric_limits<float>::infinity()) << x;
    finite += std::isfinite(x);
  }
  EXPECT_GT(finite, 10);
  EXPECT_LT(finite, 54);
  EXPECT_EQ(rounded<float>({65'536.0f}, {Dtype::float16, 1})[0], std::numeric_limits<float>::infinity());
  EXPECT_EQ(rounded<double>({-1e300}, {Dtype::float32, 1})[0], -std::numeric_limits<double>::infinity());
}

// A number that the dtype itself lacks is loaded as the nearest, in double too.
TEST_P(RandomRounding, LoadingIsToTheNearest) {
  EXPECT_EQ(rounded<double>({0.1}, Dtype::float32)[0], static_cast<double>(0.1f));
  EXPECT_EQ(rounded<double>({0.1}, Dtype::float64)[0], 0.1);
}

// The decision is a function of the number and the seed, on every instruction set.
TEST(RandomRoundingOfTargets, IsTheSame) {
  const std::vector<float> values = numbers<float>(kFloat16);
  const std::vector<double> wide = numbers<double>(kFloat32);
  std::vector<float> first;
  std::vector<double> first_wide;
  for (const int64_t target : vector_targets()) {
    set_vector_target(target);
    const auto seen = rounded(values, {Dtype::float16, 9});
    const auto seen_wide = rounded(wide, {Dtype::float32, 9});
    if (first.empty()) first = seen, first_wide = seen_wide;
    EXPECT_EQ(seen, first) << vector_target_name(target);
    EXPECT_EQ(seen_wide, first_wide) << vector_target_name(target);
  }
  set_vector_target(0);
}

}  // namespace
}  // namespace lstar
