// Forms fitted to measured points: the published calibration table as if it had been measured, against numpy and the
// known answers, and what is not identified.
#include "lstar/study/fit_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/analysis/formulas.h"
#include "lstar/study/published.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;

MeasuredPoints calibration() {
  MeasuredPoints measured{.sources = {"r.json"}, .estimator = "off_diagonal", .detector = "central_difference"};
  const Published published = *bundled_published();
  for (const PublishedRow& row : published.calibration)
    measured.models.push_back({.model = row.model, .point = row.point, .gain = 1.0 + 0.01 * row.point.l_star});
  return measured;
}

const FittedForm& form(const FitStudy& study, std::string_view name, bool is_bounded = false) {
  for (const FittedForm& one : study.forms)
    if (one.form->name == name && one.is_bounded == is_bounded) return one;
  ADD_FAILURE() << name;
  return study.forms.front();
}

TEST(FitStudy, CalibrationTable) {
  const FitStudy study = *fit_study(calibration(), {}, 0);
  EXPECT_EQ(study.shapes, 5);
  EXPECT_EQ(study.labs, 4);
  ASSERT_EQ(study.forms.size(), 7u);
  const FittedForm& constant = form(study, "constant");
  EXPECT_NEAR(*constant.left_out[0].mape, 12.512, 5e-4);
  EXPECT_NEAR(*constant.left_out[2].mape, 13.699, 5e-4);
  EXPECT_FALSE(constant.null);
  const FittedForm& v3 = form(study, "v3");
  EXPECT_NEAR(v3.fit.coefficients[1].value, 0.01496417, 5e-9);
  EXPECT_NEAR(*v3.mape, 5.334, 5e-4);
  EXPECT_NEAR(*v3.left_out[0].mape, 8.313, 5e-4);
  EXPECT_NEAR(*v3.left_out[2].mape, 14.957, 5e-4);
  EXPECT_NEAR(v3.null->permuted.p, 0.050, 5e-4);
  ASSERT_EQ(v3.left_out[2].groups.size(), 5u);
  EXPECT_EQ(v3.left_out[2].groups[0].group, "L = 12, H = 12");
  EXPECT_EQ(v3.left_out[2].groups[0].models, 3);
  EXPECT_EQ(v3.left_out[2].groups[0].rank, 3);
  EXPECT_NEAR(*form(study, "v4").left_out[2].mape, 6.521990740740758, 1e-6);  // numpy
  EXPECT_NEAR(*form(study, "v4").left_out[0].mape, 8.01822502906665, 1e-6);
  // Without EleutherAI there are two shapes: of the others the errors stand, and of all of them there is none.
  EXPECT_FALSE(v3.left_out[1].mape);
  EXPECT_EQ(v3.left_out[1].reason, "without EleutherAI: not identified: rank 2 of 3");
  EXPECT_FALSE(v3.left_out[1].groups[0].condition);
  EXPECT_EQ(v3.left_out[1].groups[0].rank, 2);
  EXPECT_TRUE(v3.left_out[1].groups[1].mape);
  EXPECT_NEAR(*form(study, "v3", true).mape, 5.776773132270972, 1e-5);  // scipy, as the curve's own test has it
  ASSERT_NE(study.best(), nullptr);
  EXPECT_EQ(study.best()->form->name, "constant") << "its three coefficients cost v3 more than they explain";
  for (const UnfittedFormula& formula : study.unfitted) {
    if (formula.name == "half") {
      EXPECT_NEAR(*formula.mape, 25.217, 5e-4);
    } else if (formula.name == "two_thirds") {
      EXPECT_NEAR(*formula.mape, 10.894, 5e-4);
    } else if (formula.name == "v3") {
      EXPECT_NEAR(*formula.mape, 5.150, 5e-4);
    }
  }
}

TEST(FitStudy, BoundedFormsStayInside) {
  MeasuredPoints measured = calibration();
  // A curve in L with its end inside the models: the line is above L where the curve has levelled off.
  const double fraction[] = {0.010, 0.887, 0.103, 0.999, 0.997, 0.008, 0.012, 0.201};
  for (size_t i = 0; i < 8; ++i) measured.models[i].point.l_star = fraction[i] * measured.models[i].point.layers;
  const FitStudy study = *fit_study(std::move(measured), std::vector<std::string>{"v3"}, 0);
  ASSERT_EQ(study.forms.size(), 3u) << "the constant stands beside the form that was asked for";
  EXPECT_EQ(form(study, "v3").out_of_range, 2) << "1.068 of L at 32 layers, by numpy";
  const FittedForm& bounded = form(study, "v3", true);
  ASSERT_EQ(bounded.reason, "");
  EXPECT_EQ(bounded.out_of_range, 0);
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_GT(bounded.predicted[i], 0);
    EXPECT_LT(bounded.predicted[i], study.measured.models[i].point.layers);
  }
}

TEST(FitStudy, WhatIsNotIdentifiedSaysSo) {
  MeasuredPoints two_shapes = calibration();
  std::erase_if(two_shapes.models, [](const MeasuredPoint& m) { return m.point.layers != 12 && m.point.layers != 24; });
  ASSERT_EQ(two_shapes.models.size(), 4u);
  const FitStudy study = *fit_study(two_shapes, {}, 0);
  for (const char* name : {"v3", "v4"})
    for (const bool is_bounded : {false, true}) {
      const FittedForm& one = form(study, name, is_bounded);
      EXPECT_THAT(one.reason, HasSubstr("not identified: rank 2 of"));
      EXPECT_TRUE(one.predicted.empty());
      EXPECT_FALSE(one.mape);
      EXPECT_EQ(one.left_out[2].groups.size(), 2u) << "each with its rank all the same";
      EXPECT_EQ(one.left_out[2].groups[0].rank, 1);
    }
  EXPECT_TRUE(form(study, "constant").mape);

  two_shapes.models[1].gain.reset();
  const FitStudy no_gain = *fit_study(two_shapes, {}, 0);
  EXPECT_THAT(form(no_gain, "v5").reason, HasSubstr("no gain of " + two_shapes.models[1].model));
  for (const UnfittedFormula& formula : no_gain.unfitted)
    EXPECT_EQ(formula.mape.has_value(), !find_formula(formula.name)->needs_gain) << formula.name;

  MeasuredPoints one = two_shapes;
  one.models.resize(1);
  const FitStudy alone = *fit_study(one, {}, 0);
  EXPECT_EQ(alone.best(), nullptr);
  EXPECT_EQ(alone.forms[0].left_out[0].groups[0].reason, "no other model");
  one.models.clear();
  one.left_out = {{.model = "x", .reason = "no L*: NaN"}};
  const auto none = fit_study(one, {}, 0);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message(), HasSubstr("no L*: NaN"));
}

}  // namespace
}  // namespace lstar
