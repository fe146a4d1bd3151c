// The bounded fit, against scipy.optimize.least_squares on the published calibration table, and where it must fail.
#include "lstar/analysis/logistic_fit.h"

#include <gmock/gmock.h>

#include <cmath>

#include "lstar/analysis/fit_null.h"
#include "lstar/analysis/forms.h"
#include "tests/analysis/recorded.h"

namespace lstar {
namespace {

struct Data {
  std::vector<std::vector<double>> design;
  std::vector<double> target;
};

Data calibration(const char* form) {
  Data data;
  const JsonDocument document = read_json("data/published.json");
  for (const Json row : document.root()["calibration"]["rows"].items()) {
    const int layers = static_cast<int>(*row.integer("L"));
    data.design.push_back(row_of(*find_form(form), {layers, static_cast<int>(*row.integer("H")), row.number("G")}));
    data.target.push_back(*row.number("l_star") / layers);
  }
  return data;
}

// scipy 1.17 with all tolerances at 1e-15, the best of thirty starts; its own coefficients are good to about 1e-6.
TEST(LogisticFit, CalibrationTable) {
  const struct {
    const char* form;
    std::vector<double> value, deviation;
    double residual_sq, mape, condition, aicc, leverage_of_second;
  } rows[] = {
      {"v3",
       {-3.07306132, 0.09367566, 31.36930418},
       {1.79655626, 0.04273759, 14.85483596},
       0.036297862722186124,
       5.776773132270972,
       23.097911247088945,
       -21.83017034107664,
       0.20066192},
      {"v4",
       {-6.40267767, 0.21846902, 77.67873254, -1.99961585},
       {3.65920007, 0.11770149, 43.44019358, 1.56417973},
       0.026150901246188178,
       4.176623848560496,
       70.50195792461281,
       -5.786505330108355,
       0.99230356},
      {"v5",
       {-6.49041833, 0.22361846, 88.8273462, -2.5262067, 2.3390693},
       {3.5705118, 0.11473486, 44.00486528, 1.62905322, 2.30134733},
       0.01906316354789063,
       3.819397492493563,
       73.22866469615852,
       47.684488337356065,
       0.9931298},
  };
  for (const auto& row : rows) {
    const Data data = calibration(row.form);
    const LogisticFit found = fit_logistic(data.design, data.target);
    ASSERT_TRUE(found.converged) << row.form << found.reason;
    constexpr double kScipy = 2e-6;  // relative
    for (size_t j = 0; j < row.value.size(); ++j) {
      EXPECT_NEAR(found.fit.coefficients[j].value, row.value[j], kScipy * std::fabs(row.value[j])) << row.form << j;
      EXPECT_NEAR(*found.fit.coefficients[j].deviation, row.deviation[j], kScipy * row.deviation[j]) << row.form << j;
    }
    EXPECT_NEAR(found.fit.residual_sq, row.residual_sq, 1e-10 * row.residual_sq) << "of a least square";
    EXPECT_NEAR(found.fit.condition, row.condition, kScipy * row.condition);
    EXPECT_NEAR(*found.fit.aicc, row.aicc, 1e-9 * std::fabs(row.aicc) + 1e-8);
    EXPECT_NEAR(found.fit.leverage[1], row.leverage_of_second, 1e-6);
    double sum = 0, leverage = 0;
    for (size_t i = 0; i < data.target.size(); ++i) {
      sum += 100 * std::fabs(found.fit.fitted[i] - data.target[i]) / static_cast<double>(data.target.size());
      leverage += found.fit.leverage[i];
      EXPECT_GT(found.fit.fitted[i], 0);
      EXPECT_LT(found.fit.fitted[i], 1);
    }
    EXPECT_NEAR(sum, row.mape, 1e-5);
    EXPECT_NEAR(leverage, static_cast<double>(row.value.size()), 1e-9) << "the trace of a projection";
  }
}

// On the curve itself the fit finds the curve.
TEST(LogisticFit, OfItsOwnCurve) {
  Data data;
  for (int i = 0; i < 12; ++i) {
    data.design.push_back({1, i * 0.7 - 3, std::sin(i)});
    data.target.push_back(logistic(0.3 - 0.8 * data.design.back()[1] + 1.5 * data.design.back()[2]));
  }
  const LogisticFit found = fit_logistic(data.design, data.target);
  ASSERT_TRUE(found.converged) << found.reason;
  EXPECT_NEAR(found.fit.coefficients[0].value, 0.3, 1e-7);
  EXPECT_NEAR(found.fit.coefficients[1].value, -0.8, 1e-7);
  EXPECT_NEAR(found.fit.coefficients[2].value, 1.5, 1e-7);
}

TEST(LogisticFit, SaysWhereThereIsNone) {
  const std::vector<std::vector<double>> design{{1, 1}, {1, 2}, {1, 3}, {1, 4}};
  const LogisticFit far = fit_logistic(design, std::vector<double>{0, 0, 1, 1});
  EXPECT_FALSE(far.converged) << "the steeper the better";
  EXPECT_TRUE(far.fit.coefficients.empty());
  EXPECT_FALSE(far.fit.aicc);
  EXPECT_THAT(far.reason, ::testing::HasSubstr("no least squares found"));
  const LogisticFit lost =
      fit_logistic(std::vector<std::vector<double>>{{1, 2}, {1, 2}}, std::vector<double>{0.2, 0.3});
  EXPECT_FALSE(lost.converged);
  EXPECT_EQ(lost.fit.rank, 1);
  EXPECT_EQ(lost.reason, "not identified");
  EXPECT_FALSE(fit_logistic({}, {}).converged);
}

TEST(LogisticFit, TheCurveDoesNotOverflow) {
  EXPECT_EQ(logistic(0), 0.5);
  EXPECT_EQ(logistic(1e4), 1);
  EXPECT_EQ(logistic(-1e4), 0);
  EXPECT_NEAR(logistic(2) + logistic(-2), 1, 0x1p-52) << "two roundings below 1";
}

TEST(Forms, HaveTheColumnsOfThePublishedFormulas) {
  // v5's coefficients on its form are the published formula.
  const std::vector<double> row = row_of(*find_form("v5"), {24, 16, 1.1});
  const double c[] = {-0.20, 0.029, 12.3, -0.41, 0.38};
  double sum = 0;
  for (size_t j = 0; j < 5; ++j) sum += c[j] * row[j];
  EXPECT_NEAR(24 * sum, *predict(*find_formula("v5"), 24, 16, 1.1).l_star, 1e-12);
  EXPECT_EQ(row_of(*find_form("v3"), {24, 16, {}}), (std::vector<double>{1, 24, 1.0 / 16}));
  EXPECT_EQ(row_of(*find_form("constant"), {24, 16, {}}), std::vector<double>{1});
  EXPECT_EQ(find_form("v1"), nullptr) << "no sum of columns";
  for (const Form& form : forms()) EXPECT_EQ(form.needs_gain, form.name == "v5");
}

// Of another form than v3's: all 8! orders and as many drawn ones agree (numpy gives 0.0854 for v4).
TEST(FitNull, OfOtherForms) {
  const std::vector<ModelPoint> points = calibration_points();
  const auto v4 = fit_null(points, calibration("v4").design, 1);
  ASSERT_TRUE(v4);
  EXPECT_TRUE(v4->is_exact);
  EXPECT_NEAR(v4->mape, 4.325935990338159, 1e-9);
  EXPECT_NEAR(v4->permuted.p, 0.0854, 5e-5);
  const auto v3 = fit_null(points, calibration("v3").design, 1), as_ever = fit_null(points, 1);
  EXPECT_EQ(v3->permuted.p, as_ever->permuted.p);
  EXPECT_EQ(v3->random.p, as_ever->random.p);
}

}  // namespace
}  // namespace lstar
