// Gains against 10^(1/L): the published ones against numpy and scipy, and where there is no line.
#include "lstar/analysis/gain_bound.h"

#include <cmath>

#include <gmock/gmock.h>

#include "lstar/analysis/distributions.h"
#include "lstar/analysis/random.h"
#include "tests/analysis/recorded.h"
#include "tests/support/sanitized.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;

// scipy.stats.linregress of log10 of the gains over 1/L, and Student's t with 22 degrees of freedom.
TEST(GainBound, PublishedGains) {
  const JsonDocument document = read_json("data/published.json");
  std::vector<GainPoint> points;
  for (const Json row : document.root()["residual_gain"]["rows"].items())
    points.push_back({static_cast<int>(*row.integer("L")), *row.number("gain_mean"), {}});
  const GainBound bound = gain_bound(points);
  EXPECT_EQ(bound.models, 24);
  EXPECT_EQ(bound.above, 6);
  EXPECT_EQ(bound.with_interval, 0);
  ASSERT_TRUE(bound.slope && bound.intercept);
  EXPECT_NEAR(bound.slope->value, 0.685660749796238, 1e-12);
  EXPECT_NEAR(bound.slope->interval->low, 0.0330936501273, 1e-9);
  EXPECT_NEAR(bound.slope->interval->high, 1.33822784947, 1e-9);
  EXPECT_NEAR(bound.intercept->value, -0.0146414314287503, 1e-12);
  EXPECT_NEAR(bound.intercept->interval->low, -0.052389553032, 1e-9);
  EXPECT_NEAR(bound.intercept->interval->high, 0.0231066901745, 1e-9);
  EXPECT_NEAR(*bound.r_squared, 0.17751594876, 1e-10);
  EXPECT_EQ(bound.reason, "");
}

// Gains that are the bound itself: slope 1, intercept 0, and none above it but by rounding.
TEST(GainBound, TheBoundItself) {
  std::vector<GainPoint> points;
  for (const int layers : {6, 12, 24, 48}) {
    const double gain = std::pow(10, 1.0 / layers);
    EXPECT_EQ(greatest_gain(layers), gain);
    points.push_back({layers, gain * 1.01, Interval{gain * (layers < 20 ? 1.001 : 0.99), gain * 1.02}});
  }
  const GainBound bound = gain_bound(points);
  EXPECT_NEAR(bound.slope->value, 1, 1e-12);
  EXPECT_NEAR(bound.intercept->value, std::log10(1.01), 1e-12);
  EXPECT_EQ(bound.above, 4);
  EXPECT_EQ(bound.with_interval, 4);
  EXPECT_EQ(bound.above_by_interval, 2) << "the others' intervals hold the bound";
}

TEST(GainBound, WhereThereIsNoLine) {
  const auto reason = [](std::vector<GainPoint> points) {
    const GainBound bound = gain_bound(points);
    EXPECT_FALSE(bound.slope || bound.intercept || bound.r_squared);
    return bound.reason;
  };
  EXPECT_EQ(reason({}), "not identified: 0 models of 0 different depths, and a line needs three depths");
  EXPECT_THAT(reason({{12, 1.1, {}}}), HasSubstr("1 model of 1 different depth,"));
  EXPECT_THAT(reason({{12, 1.1, {}}, {12, 1.2, {}}, {12, 1.3, {}}}), HasSubstr("3 models of 1 different depth,"));
  EXPECT_THAT(reason({{12, 1.1, {}}, {12, 1.2, {}}, {24, 1.3, {}}}), HasSubstr("2 different depths"));
  // No gain is no point: neither 0 nor what is not finite has a logarithm.
  EXPECT_THAT(reason({{12, 1.1, {}}, {24, 1.2, {}}, {36, std::nan(""), {}}, {48, 0, {}}}), HasSubstr("2 models"));
}

// The slope's interval covers what the gains were made with: normal scatter about the bound, 10,000 studies of eight
// models. Student's t is exact there, and four deviations of 10,000 are 0.9 %.
TEST(GainBound, CoverageOfTheSlope) {
  constexpr int kStudies = testing::kSanitized ? 100 : 10'000;
  Random random(31);
  int slope = 0, intercept = 0;
  for (int k = 0; k < kStudies; ++k) {
    std::vector<GainPoint> points;
    for (const int layers : {6, 12, 12, 16, 24, 24, 32, 36}) {
      const double scatter = normal_quantile((static_cast<double>(random.below(1 << 20)) + 0.5) / (1 << 20));
      points.push_back({layers, std::pow(10, 1.0 / layers + 0.05 * scatter), {}});
    }
    const GainBound bound = gain_bound(points);
    slope += bound.slope->interval->low <= 1 && 1 <= bound.slope->interval->high;
    intercept += bound.intercept->interval->low <= 0 && 0 <= bound.intercept->interval->high;
  }
  const double reach = testing::kSanitized ? 0.09 : 0.009;
  EXPECT_NEAR(static_cast<double>(slope) / kStudies, 0.95, reach);
  EXPECT_NEAR(static_cast<double>(intercept) / kStudies, 0.95, reach);
}

}  // namespace
}  // namespace lstar
