// What a study could find out, against closed forms.
#include "lstar/analysis/power.h"

#include <cmath>

#include <gtest/gtest.h>

namespace lstar {
namespace {

// Errors of noise uniform on 0 ... 20: 5 % of studies are at most 1 off, four fifths at most 16; a formula off by a
// sixteenth of noise is found in four of five.
TEST(Power, AgainstNoise) {
  std::vector<double> noise;
  for (int k = 0; k <= 20'000; ++k) noise.push_back(k / 1000.0);
  const NoisePower power = noise_power(noise, 10);
  EXPECT_NEAR(power.critical, 1, 1e-9);
  EXPECT_NEAR(power.detectable, 10.0 / 16, 1e-9);
}

const NewModels& of(const std::vector<NewModels>& all, int layers) {
  for (const NewModels& one : all)
    if (one.shape.layers == layers) return one;
  throw std::runtime_error("no such shape");
}

// Predictions that lie far apart for their scatter: what the constant is further off is then `differ` itself, with the
// scatter's deviation, and the number of models that a paired t-test needs for a power of 0.8 is that of the textbooks.
TEST(Power, NewModelsAsATextbookHasThem) {
  const Formula& v3 = *find_formula("v3");
  const std::vector<NewModels> all = models_to_decide(v3, {}, 0.4, 0.1, 1);
  const NewModels& deep = of(all, 48);
  EXPECT_NEAR(deep.differ, 100 * (0.11 + 0.012 * 48 + 4.9 / 25 - 0.4), 1e-9);
  EXPECT_EQ(deep.models, 2) << "hardly any scatter: the fewest that have a deviation";
  // 12 x 12 and 24 x 16 differ by 24.2 and 20.4 here, with a scatter of 30: what differs less takes more models.
  const std::vector<NewModels> wide = models_to_decide(v3, {}, 0.9, 30, 1);
  ASSERT_TRUE(of(wide, 12).models && of(wide, 24).models);
  EXPECT_LT(*of(wide, 12).models, *of(wide, 24).models);
}

// By another way: |d + e| - |e| has a mean and a deviation that a sum over e gives; the normal approximation of the
// number needed is ((1.96 + 0.84) deviation / mean)^2, good to a few models of some forty.
TEST(Power, NewModelsByTheirMoments) {
  const double differ = 100 * (0.9 - (0.11 + 0.012 * 12 + 4.9 / 12)), scatter = 40;
  double mean = 0, square = 0, weight = 0;
  for (double z = -8; z <= 8; z += 1e-3) {
    const double density = std::exp(-z * z / 2), gain = std::fabs(differ + scatter * z) - std::fabs(scatter * z);
    weight += density;
    mean += density * gain;
    square += density * gain * gain;
  }
  mean /= weight;
  const double deviation = std::sqrt(square / weight - mean * mean), needed = std::pow(2.8016 * deviation / mean, 2);
  const auto found = of(models_to_decide(*find_formula("v3"), {}, 0.9, scatter, 1), 12).models;
  ASSERT_TRUE(found);
  EXPECT_NEAR(*found, needed, 0.2 * needed) << "500 studies know the power to 2 per cent, and the number to a tenth";
}

TEST(Power, WhatTheStudyHasAlreadyCounts) {
  const Formula& v3 = *find_formula("v3");
  const std::vector<double> own(40, 0.9);
  for (const NewModels& one : models_to_decide(v3, own, 0.4, 10, 1)) EXPECT_EQ(one.models, 0) << one.shape.like;
}

TEST(Power, ShapesWithoutAPrediction) {
  EXPECT_TRUE(models_to_decide(*find_formula("v5"), {}, 0.5, 1, 0).empty()) << "G is not known of them";
  for (const NewModels& one : models_to_decide(*find_formula("v3"), {}, 0.5, 1, 0))
    EXPECT_TRUE(in_range(*predict(*find_formula("v3"), one.shape.layers, one.shape.heads).l_star, one.shape.layers));
}

}  // namespace
}  // namespace lstar
