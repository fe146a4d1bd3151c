// Chance, against closed forms, enumeration, and figures recomputed elsewhere (docs/mathematics.md).
#include "lstar/analysis/chance.h"

#include <cmath>
#include <numeric>

#include "lstar/analysis/formulas.h"
#include "lstar/analysis/random.h"
#include "tests/analysis/recorded.h"

namespace lstar {
namespace {

// The notebook's six models, as they were published, with the L* of so many prompts.
std::vector<ModelPoint> published(int prompts) {
  std::vector<ModelPoint> points = cross_heritage("argmax_step").points;
  for (ModelPoint& point : points) point.prompts = prompts;
  return points;
}

// A share that was known to three decimals, and our own Monte Carlo error, four times.
double near_share(const Share& share) { return 0.0005 + 4 * share.error; }

NoiseNull null_of(const NoiseStudies& noise, const std::vector<ModelPoint>& points, std::string_view formula) {
  const std::vector<double> predicted = predictions(points, formula);
  return noise_null(noise.mapes(predicted), points, predicted);
}

TEST(Chance, ExpectedErrorOfNoise) {
  const struct {
    int prompts;
    const char* formula;
    double expected;  // by another program, to six decimals
  } rows[] = {{5, "v3", 18.995858}, {5, "half", 9.724614},  {5, "two_thirds", 17.552391},
              {1, "v3", 26.960820}, {1, "half", 23.320158}, {1, "two_thirds", 26.284585}};
  for (const auto& row : rows) {
    const std::vector<ModelPoint> points = published(row.prompts);
    const std::vector<double> predicted = predictions(points, row.formula);
    double sum = 0;
    for (size_t i = 0; i < points.size(); ++i)
      sum += expected_noise_error_pct(predicted[i], points[i].layers, row.prompts);
    EXPECT_NEAR(sum / 6, row.expected, 5e-7) << row.formula << " of " << row.prompts;
  }
}

TEST(Chance, ExpectedErrorByEnumeration) {
  double sum = 0;  // five layers, three prompts: 64 outcomes
  for (int a = 1; a <= 4; ++a)
    for (int b = 1; b <= 4; ++b)
      for (int c = 1; c <= 4; ++c) sum += error_pct(3.3, (a + b + c) / 3.0, 5);
  EXPECT_NEAR(expected_noise_error_pct(3.3, 5, 3), sum / 64, 1e-12);
  EXPECT_EQ(expected_noise_error_pct(1.5, 2, 7), 25) << "two layers have one L*";
  EXPECT_TRUE(std::isnan(expected_noise_error_pct(0.5, 1, 5)));
  EXPECT_TRUE(std::isnan(expected_noise_error_pct(0.5, 4, 0)));
}

// Above a thousand prompts by the normal distribution: beside the exact sum of one prompt fewer, which alone changes
// the deviation by 5e-4 of it.
TEST(Chance, ManyPromptsByTheNormalDistribution) {
  for (const double predicted : {12.0, 12.3, 15.9}) {
    const double exact = expected_noise_error_pct(predicted, 24, 1'000),
                 by_normal = expected_noise_error_pct(predicted, 24, 1'001);
    EXPECT_NEAR(by_normal, exact, 6e-4 * exact) << predicted;
  }
  EXPECT_EQ(expected_noise_error_pct(1.5, 2, 5'000), 25);
}

TEST(Chance, NoiseStudiesOfThePublishedDesign) {
  const std::vector<ModelPoint> points = published(5);
  const NoiseStudies noise(points, 1, 40'000);
  const NoiseNull v3 = null_of(noise, points, "v3");
  EXPECT_NEAR(v3.expected, 18.995858, 5e-7);
  EXPECT_NEAR(v3.as_good.p, 0.243, near_share(v3.as_good));
  EXPECT_NEAR(v3.as_good.error, 0.0021, 0.0001);
  EXPECT_NEAR(v3.low, 10.55, 0.2);  // numpy, 200,000 draws of another generator
  EXPECT_NEAR(v3.high, 28.06, 0.2);
  const NoiseNull half = null_of(noise, points, "half");
  EXPECT_NEAR(half.below_10.p, 0.557, near_share(half.below_10));
  EXPECT_NEAR(half.below_15.p, 0.954, near_share(half.below_15));
}

// The draws have the exact mean of the closed form, whatever the numbers of prompts.
TEST(Chance, DrawsHaveTheExpectedMean) {
  std::vector<ModelPoint> points = published(1);
  for (size_t i = 0; i < points.size(); ++i) points[i].prompts = i % 2 == 0 ? 3 : 1'500;
  const std::vector<double> predicted = predictions(points, "v3");
  const NoiseStudies noise(points, 7, 40'000);
  const std::vector<double> mapes = noise.mapes(predicted);
  EXPECT_NEAR(mean(mapes), noise_null(mapes, points, predicted).expected,
              4 * population_deviation(mapes) / std::sqrt(40'000));
}

TEST(Chance, TheSameSeedTheSameDraws) {
  const std::vector<ModelPoint> points = published(5);
  const std::vector<double> predicted = predictions(points, "v3");
  EXPECT_EQ(NoiseStudies(points, 3, 500).mapes(predicted), NoiseStudies(points, 3, 500).mapes(predicted));
  EXPECT_NE(NoiseStudies(points, 3, 500).mapes(predicted), NoiseStudies(points, 4, 500).mapes(predicted));
}

TEST(Chance, AssignmentsOfThePublishedTable) {
  const std::vector<ModelPoint> points = published(5);
  const AssignmentTest test = assignment_test(points, predictions(points, "v3"), 0);
  EXPECT_TRUE(test.is_exact);
  EXPECT_EQ(test.assignments, 20u);
  EXPECT_NEAR(test.least, 12.906944, 5e-7);
  EXPECT_NEAR(test.mean, 14.304167, 5e-7);
  EXPECT_NEAR(test.greatest, 15.701389, 5e-7);
  EXPECT_EQ(test.as_good.p, 1) << "the true one is the worst of all";
  EXPECT_EQ(test.as_good.error, 0);
  EXPECT_EQ(test.least_p, 0.05);
}

// Against all orders of all models, of which a distinct assignment is several.
TEST(Chance, AssignmentsAgainstAllPermutations) {
  std::vector<ModelPoint> points = calibration_points();
  points.pop_back();
  const std::vector<double> predicted = predictions(points, "v3");
  const AssignmentTest test = assignment_test(points, predicted, 0);
  std::vector<size_t> order(points.size());
  std::iota(order.begin(), order.end(), size_t{0});
  double as_good = 0, all = 0, sum = 0;
  const double observed = mape(points, predicted);
  do {
    double error = 0;
    for (size_t i = 0; i < points.size(); ++i) {
      const ModelPoint& other = points[order[i]];
      error += 100 * std::fabs(predicted[i] / points[i].layers - other.l_star / other.layers);
    }
    error /= static_cast<double>(points.size());
    sum += error;
    as_good += error <= observed + 1e-9;
    ++all;
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(test.assignments, 7u * 6 * 5 * 4 * 3 * 2 / (6 * 2)) << "three and two models share a shape";
  EXPECT_NEAR(test.as_good.p, as_good / all, 1e-12);
  EXPECT_NEAR(test.mean, sum / all, 1e-9);
}

// Draws of assignments say what all of them say: twelve models of four shapes have 369,600, which are looked at here.
TEST(Chance, DrawnAssignments) {
  std::vector<ModelPoint> points;
  std::vector<double> predicted, fractions;
  std::vector<size_t> shapes;
  Random random(5);
  for (const int layers : {6, 12, 24, 48})
    for (int k = 0; k < 3; ++k) {
      const auto l_star = static_cast<double>(1 + random.below(static_cast<uint64_t>(layers) - 1));
      points.push_back({.layers = layers, .heads = 12, .l_star = l_star});
      predicted.push_back(layers * (0.2 + 0.01 * layers));
      fractions.push_back(l_star / layers);
      shapes.push_back(shapes.size() / 3);
    }
  const AssignmentTest drawn = assignment_test(points, predicted, 9);
  EXPECT_FALSE(drawn.is_exact);
  EXPECT_EQ(drawn.assignments, 20'000u);
  const double observed = mape(points, predicted), of_shape[] = {0.26, 0.32, 0.44, 0.68};
  double all = 0, as_good = 0, sum = 0;
  do {
    double error = 0;
    for (size_t i = 0; i < shapes.size(); ++i) error += 100 * std::fabs(of_shape[shapes[i]] - fractions[i]) / 12;
    sum += error;
    as_good += error <= observed + 1e-9;
    ++all;
  } while (std::next_permutation(shapes.begin(), shapes.end()));
  EXPECT_EQ(all, 369'600);
  EXPECT_NEAR(drawn.as_good.p, as_good / all, 4 * drawn.as_good.error);
  EXPECT_NEAR(drawn.mean, sum / all, 4 * (drawn.greatest - drawn.least) / 2 / std::sqrt(20'000));
}

// Which model stands where does not matter.
TEST(Chance, OrderOfModels) {
  std::vector<ModelPoint> points = published(5);
  const AssignmentTest before = assignment_test(points, predictions(points, "v4"), 0);
  std::reverse(points.begin(), points.end());
  const AssignmentTest after = assignment_test(points, predictions(points, "v4"), 0);
  EXPECT_EQ(before.as_good.p, after.as_good.p);
  EXPECT_NEAR(before.mean, after.mean, 1e-12);
}

// scipy.stats.false_discovery_control.
TEST(Chance, FalseDiscoveryRates) {
  const std::vector<double> p{0.01, 0.04, 0.03, 0.005, 0.8, 0.04};
  EXPECT_THAT(
      false_discovery_rates(p),
      ::testing::Pointwise(::testing::DoubleNear(1e-15), std::vector<double>{0.03, 0.048, 0.048, 0.03, 0.8, 0.048}));
  EXPECT_TRUE(false_discovery_rates({}).empty());
}

// What was seen is one of the outcomes there are: of 99 draws none of which is as good, one of a hundred.
TEST(Chance, NoProbabilityByDrawsIsZero) {
  EXPECT_EQ(p_of_draws(0, 99).p, 0.01);
  EXPECT_EQ(p_of_draws(99, 99).p, 1);
  EXPECT_NEAR(p_of_draws(0, 99).error, std::sqrt(0.01 * 0.99 / 100), 1e-15);
}

TEST(Chance, NoModels) {
  EXPECT_EQ(assignment_test({}, {}, 0).assignments, 0u);
  EXPECT_TRUE(NoiseStudies({}, 0, 10).mapes({}).empty());
}

}  // namespace
}  // namespace lstar
