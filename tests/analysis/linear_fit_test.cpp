// Least squares on the published calibration table, against numpy and scipy.
#include "lstar/analysis/linear_fit.h"

#include <gmock/gmock.h>

#include "lstar/analysis/fit_null.h"
#include "tests/analysis/recorded.h"

namespace lstar {
namespace {

struct Table {
  std::vector<std::vector<double>> design;
  std::vector<double> target;
};

// v3's form: 1, L, 1/H on L*/L.
Table calibration() {
  Table table;
  for (const ModelPoint& point : calibration_points()) {
    table.design.push_back({1, static_cast<double>(point.layers), 1.0 / point.heads});
    table.target.push_back(point.l_star / point.layers);
  }
  return table;
}

TEST(LinearFit, CalibrationTable) {
  const Table table = calibration();
  const LinearFit fit = fit_linear(table.design, table.target);
  ASSERT_TRUE(fit.identified());
  EXPECT_EQ(fit.degrees(), 5);
  const double value[] = {0.08619081, 0.01496417, 4.74159252}, low[] = {-0.404682880, 0.00137310266, 1.50938243},
               high[] = {0.577064497, 0.0285552432, 7.97380261};
  for (size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(fit.coefficients[j].value, value[j], 5e-9);
    EXPECT_NEAR(fit.coefficients[j].interval->low, low[j], 5e-9);
    EXPECT_NEAR(fit.coefficients[j].interval->high, high[j], 5e-9);
  }
  EXPECT_FALSE(fit.coefficients[0].inflation);
  EXPECT_NEAR(*fit.coefficients[1].inflation, 2.1767455889006175, 1e-9);
  EXPECT_NEAR(*fit.coefficients[2].inflation, 2.1767455889006175, 1e-9) << "two columns are equally alike";
  EXPECT_NEAR(fit.condition, 13.718446178159612, 1e-8);
  const double leverage[] = {0.32549138, 0.1615141,  0.44955512, 0.43545468,
                             0.43545468, 0.32549138, 0.32549138, 0.54154728};
  for (size_t i = 0; i < 8; ++i) EXPECT_NEAR(fit.leverage[i], leverage[i], 5e-9);
  EXPECT_NEAR(*fit.r_squared, 0.7399577552010331, 1e-10);
  EXPECT_NEAR(*fit.f, 7.113822561533018, 1e-9);
  EXPECT_NEAR(*fit.f_p, 0.03448337507667931, 1e-11);
  EXPECT_NEAR(fit.residual_sq, 0.03310056803755416, 1e-12);
  EXPECT_NEAR(*fit.aicc, -22.567837684033034, 1e-9);
}

TEST(LinearFit, WhatIsNotDetermined) {
  // Without EleutherAI's models two shapes are left, of which three coefficients cannot be told.
  const std::vector<std::vector<double>> two_shapes{{1, 12, 1.0 / 12}, {1, 12, 1.0 / 12}, {1, 18, 0.125}};
  const LinearFit lost = fit_linear(two_shapes, std::vector<double>{0.5, 0.6, 0.9});
  EXPECT_EQ(lost.rank, 2);
  EXPECT_FALSE(lost.identified());
  EXPECT_TRUE(lost.coefficients.empty());
  EXPECT_GT(lost.condition, 1e10);

  const std::vector<std::vector<double>> line{{1, 1}, {1, 2}};
  const LinearFit exact = fit_linear(line, std::vector<double>{3, 5});
  ASSERT_TRUE(exact.identified());
  EXPECT_NEAR(exact.coefficients[1].value, 2, 1e-12);
  EXPECT_FALSE(exact.coefficients[1].interval) << "no degree of freedom is left";
  EXPECT_FALSE(exact.f);
  EXPECT_FALSE(exact.aicc);
  EXPECT_NEAR(exact.leverage[0], 1, 1e-12);
  EXPECT_FALSE(fit_linear({}, {}).identified());

  // A gain of 1 in every model makes a column of zeros of 1 - G.
  const LinearFit zeros =
      fit_linear(std::vector<std::vector<double>>{{1, 0}, {1, 0}, {1, 0}}, std::vector<double>{1, 2, 3});
  EXPECT_EQ(zeros.rank, 1);
  EXPECT_TRUE(zeros.coefficients.empty());
}

TEST(FitNull, CalibrationTable) {
  const auto null = fit_null(calibration_points(), 1, 150'000);
  ASSERT_TRUE(null);
  EXPECT_NEAR(null->mape, 5.3335933180013, 1e-9);
  EXPECT_NEAR(null->f_p, 0.0345, 5e-5);
  EXPECT_TRUE(null->is_exact);
  EXPECT_NEAR(null->permuted.p, 0.050, 5e-4);
  EXPECT_EQ(null->permuted.error, 0);
  // numpy, 400,000 draws: 0.00436; of 0 ... layers - 1 it would be 0.0032.
  EXPECT_NEAR(null->random.p, 0.00436, 4 * null->random.error);
}

TEST(FitNull, NeedsThreeShapes) {
  EXPECT_FALSE(fit_null(cross_heritage("argmax_step").points, 1));
  EXPECT_FALSE(fit_null({}, 1));
}

// Above eight models the orders are drawn, the true one among them.
TEST(FitNull, OfManyModels) {
  std::vector<ModelPoint> points = calibration_points();
  points.push_back({.layers = 30, .heads = 9, .l_star = 28, .lab = "another"});
  const auto null = fit_null(points, 1);
  ASSERT_TRUE(null);
  EXPECT_FALSE(null->is_exact);
  EXPECT_GT(null->permuted.p, 0);
  EXPECT_GT(null->permuted.error, 0);
}

}  // namespace
}  // namespace lstar
