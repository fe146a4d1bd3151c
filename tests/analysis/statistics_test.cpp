#include "lstar/analysis/statistics.h"

#include "lstar/analysis/formulas.h"
#include "tests/analysis/recorded.h"

namespace lstar {
namespace {

double mape_of(const std::vector<ModelPoint>& points, std::string_view formula) {
  return mape(points, predictions(points, formula));
}

// Published and known figures are given to these many decimals.
constexpr double kThree = 0.0005, kTwo = 0.005;

TEST(Statistics, MeanAndPopulationDeviation) {
  const std::vector<double> values{2, 5, 4, 2, 3};  // published, with mean 3.2 and std 1.16619037896906
  EXPECT_DOUBLE_EQ(mean(values), 3.2);
  EXPECT_DOUBLE_EQ(population_deviation(values), 1.16619037896906);
  EXPECT_TRUE(std::isnan(mean({})));
  EXPECT_TRUE(std::isnan(population_deviation({})));
  EXPECT_EQ(population_deviation(std::vector<double>{7}), 0);
}

TEST(Statistics, ErrorsOfThePublishedTable) {
  for (const std::string detector : {"argmax_step", "sign_change"}) {
    const PublishedTable table = cross_heritage(detector);
    for (size_t i = 0; i < table.points.size(); ++i)
      EXPECT_DOUBLE_EQ(error_pct(table.predicted[i], table.points[i].l_star, table.points[i].layers),
                       table.error_pct[i]);
  }
  EXPECT_DOUBLE_EQ(mape_of(cross_heritage("argmax_step").points, "v3"), 15.701388888888891);
  EXPECT_DOUBLE_EQ(mape_of(cross_heritage("sign_change").points, "v3"), 55.69027777777779);
}

TEST(Statistics, TheUsualMapeIsAnotherNumber) {
  const std::vector<ModelPoint> points = calibration_points();
  EXPECT_NEAR(*mape_of_actual(points, predictions(points, "v3")), 7.043289, 5e-7);  // numpy, six decimals
  EXPECT_EQ(error_of_actual_pct(3, 0), std::nullopt);
  EXPECT_EQ(error_of_actual_pct(3, 4), 25);
  EXPECT_EQ(mape_of_actual({}, {}), std::nullopt);
}

TEST(Statistics, VerdictsOfTheNotebook) {
  EXPECT_EQ(verdict(9.99), "FORMULA GENERALIZES");
  EXPECT_EQ(verdict(10), "PARTIAL GENERALIZATION");
  EXPECT_EQ(verdict(14.99), "PARTIAL GENERALIZATION");
  EXPECT_EQ(verdict(15), "CALIBRATION NEEDED");
}

TEST(Statistics, CalibrationTable) {
  const std::vector<ModelPoint> points = calibration_points();
  EXPECT_NEAR(mape_of(points, "v3"), 5.150347, 5e-7);
  EXPECT_NEAR(mape_of(points, "half"), 25.217, kThree);
  EXPECT_NEAR(mape_of(points, "two_thirds"), 10.894, kThree);
  EXPECT_NEAR(shape_lower_bound(points), 4.036, kThree);

  std::vector<double> published;  // the published column is not what the published formula gives
  const JsonDocument document = read_json("data/published.json");
  for (const Json row : document.root()["calibration"]["rows"].items()) published.push_back(*row.number("predicted"));
  EXPECT_NEAR(mape(points, published), 6.337, kThree);
}

TEST(Statistics, CrossHeritageTable) {
  const std::vector<ModelPoint> points = cross_heritage("argmax_step").points;
  EXPECT_NEAR(mape_of(points, "v3"), 15.70, kTwo);
  EXPECT_NEAR(mape_of(points, "two_thirds"), 13.75, kTwo);
  EXPECT_NEAR(mape_of(points, "half"), 15.97, kTwo);
}

TEST(Statistics, FitOfV3sForm) {
  const std::vector<ModelPoint> points = calibration_points();
  const ShapeFit fit = fit_shape(points);
  ASSERT_TRUE(fit.identified());
  EXPECT_NEAR(fit.c[0], 0.08619081, 5e-9);
  EXPECT_NEAR(fit.c[1], 0.01496417, 5e-9);
  EXPECT_NEAR(fit.c[2], 4.74159252, 5e-9);
  EXPECT_NEAR(*fit.mape, 5.334, kThree);
}

TEST(Statistics, LeaveOneOut) {
  const std::vector<ModelPoint> points = calibration_points();
  EXPECT_NEAR(*cross_validate_constant(points, LeaveOut::one).mape, 12.512, kThree);
  EXPECT_NEAR(*cross_validate_shape_fit(points, LeaveOut::one).mape, 8.313, kThree);
  EXPECT_NEAR(*cross_validate_constant(points, LeaveOut::shape).mape, 13.699, kThree);
  EXPECT_NEAR(*cross_validate_shape_fit(points, LeaveOut::shape).mape, 14.957, kThree);
}

TEST(Statistics, WithoutEleutherAITheFitIsNotIdentified) {
  const std::vector<ModelPoint> points = calibration_points();
  const CrossValidation fit = cross_validate_shape_fit(points, LeaveOut::lab);
  EXPECT_EQ(fit.mape, std::nullopt);
  EXPECT_EQ(fit.reason, "not identified without EleutherAI");
  // The constant is: mean over the held-out models of |c - f|, with c the mean fraction of the other labs.
  std::vector<double> errors;
  for (const ModelPoint& held_out : points) {
    std::vector<double> others;
    for (const ModelPoint& point : points)
      if (point.lab != held_out.lab) others.push_back(point.l_star / point.layers);
    errors.push_back(std::fabs(mean(others) - held_out.l_star / held_out.layers) * 100);
  }
  EXPECT_NEAR(*cross_validate_constant(points, LeaveOut::lab).mape, mean(errors), 1e-12);  // roundings near 10

  const std::vector<ModelPoint> two_shapes = cross_heritage("argmax_step").points;
  EXPECT_EQ(fit_shape(two_shapes).rank, 2);
  EXPECT_FALSE(fit_shape(two_shapes).identified());
  EXPECT_EQ(fit_shape({}).rank, 0);
}

TEST(Statistics, OneModelLeavesNothingToFit) {
  const std::vector<ModelPoint> one{{.layers = 12, .heads = 12, .l_star = 7, .lab = "A"}};
  EXPECT_EQ(cross_validate_constant(one, LeaveOut::lab).reason, "not identified without A");
  EXPECT_EQ(cross_validate_constant({}, LeaveOut::one).reason, "no models");
}

}  // namespace
}  // namespace lstar
