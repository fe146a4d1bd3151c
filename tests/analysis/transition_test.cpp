// A change point, against a direct sum of squares and traces that have one, or none.
#include "lstar/analysis/transition.h"

#include <cmath>

#include <gtest/gtest.h>

#include "lstar/analysis/random.h"
#include "lstar/analysis/statistics.h"

namespace lstar {
namespace {

double sum_of_squares(const std::vector<double>& values) {
  const double deviation = population_deviation(values);
  return deviation * deviation * static_cast<double>(values.size());
}

TEST(Transition, AgainstSumsOfSquares) {
  const std::vector<double> trace{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5};
  const auto found = find_transition(std::vector<std::vector<double>>{trace}, 1);
  ASSERT_TRUE(found);
  double best = 0;
  int layer = 0;
  for (int at = 1; at < 11; ++at) {
    const double within =
        sum_of_squares({trace.begin(), trace.begin() + at}) + sum_of_squares({trace.begin() + at, trace.end()});
    if (1 - within / sum_of_squares(trace) > best) {
      best = 1 - within / sum_of_squares(trace);
      layer = at;
    }
  }
  EXPECT_EQ(found->layer, layer);
  EXPECT_NEAR(found->r_squared, best, 1e-12);
}

TEST(Transition, AStepIsOne) {
  const auto found = find_transition(std::vector<std::vector<double>>{{1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2}}, 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->layer, 6);
  EXPECT_NEAR(found->r_squared, 1, 1e-12);
  // Two of the 924 ways to place six of twelve have as good a step.
  EXPECT_NEAR(found->as_good.p, 2.0 / 924, 4 * std::sqrt(2.0 / 924 / 2000));
}

// Among traces without one as many are as good as chance has it.
TEST(Transition, NoiseHasNone) {
  Random random(3);
  int below = 0;
  constexpr int kTraces = 400;
  for (int k = 0; k < kTraces; ++k) {
    std::vector<double> trace;
    for (int l = 0; l < 16; ++l) trace.push_back(1 + random.uniform());
    below += find_transition(std::vector<std::vector<double>>{trace}, static_cast<uint64_t>(k), 200)->as_good.p <= 0.05;
  }
  EXPECT_NEAR(below / static_cast<double>(kTraces), 0.05, 4 * std::sqrt(0.05 * 0.95 / kTraces));
}

// Prompts count alike, whatever their traces' level.
TEST(Transition, EachPromptIsNormalised) {
  const std::vector<double> early{1, 3, 3, 3, 3, 3}, late{1e6, 1e6, 1e6, 1e6, 3e6, 3e6};
  const auto one = find_transition(std::vector<std::vector<double>>{early, late}, 1);
  std::vector<double> small = late;
  for (double& value : small) value /= 1e9;
  const auto other = find_transition(std::vector<std::vector<double>>{early, small}, 1);
  ASSERT_TRUE(one && other);
  EXPECT_EQ(one->layer, other->layer);
  EXPECT_NEAR(one->r_squared, other->r_squared, 1e-12);
}

TEST(Transition, WhereThereIsNothingToSplit) {
  EXPECT_FALSE(find_transition({}, 1));
  EXPECT_FALSE(find_transition(std::vector<std::vector<double>>{{1, 2}}, 1));
  EXPECT_FALSE(find_transition(std::vector<std::vector<double>>{{0.1, 0.1, 0.1, 0.1}}, 1));
  EXPECT_FALSE(find_transition(std::vector<std::vector<double>>{{0, 0, 0, 0}}, 1));
  EXPECT_FALSE(find_transition(std::vector<std::vector<double>>{{1, std::nan(""), 2, 3}}, 1));
}

}  // namespace
}  // namespace lstar
