// Fitted forms in words, as JSON and as a figure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "lstar/base/atomic_file.h"
#include "lstar/report/figures/figure_residuals.h"
#include "lstar/report/json/fit_json.h"
#include "lstar/report/text/fit_text.h"
#include "lstar/report/text/text_layout.h"
#include "lstar/report/write_fit.h"
#include "lstar/study/published.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

FitStudy calibration() {
  MeasuredPoints measured{.sources = {"r\n.json"}, .estimator = "off_diagonal", .detector = "central_difference"};
  const Published published = *bundled_published();
  for (const PublishedRow& row : published.calibration)
    measured.models.push_back({.model = row.model, .point = row.point});
  measured.models[0].is_resolved = true;
  measured.models[1].model = "a/very/long/name/of/a/model/\x1b[31m" + std::string(200, 'x');
  measured.left_out = {{.model = "gone", .reason = "failed: nothing there"}};
  return *fit_study(std::move(measured), {}, 0);
}

TEST(FitText, SaysWhatIsKnownOfEachForm) {
  const FitStudy study = calibration();
  for (const bool in_full : {false, true}) {
    const std::string text = fit_text(study, in_full, false);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), kColumns) << line;
    EXPECT_THAT(text, AllOf(HasSubstr("8 models of 4 labs and 5 shapes"), HasSubstr("Without gone: failed"),
                            HasSubstr("v3: without EleutherAI: not identified: rank 2 of 3"),
                            HasSubstr("v5: no gain of pythia-160m was measured"), HasSubstr("2L/3"),
                            HasSubstr("[0.0013731, 0.028555]  2.2"), HasSubstr("Least AICc: constant\n"),
                            HasSubstr("F(2, 5) = 7.114, p = 0.0345"), Not(HasSubstr("\x1b"))));
    EXPECT_EQ(text.find("leverage 0.891") != text.npos, true) << "who decides alone is said in any case";
    EXPECT_EQ(text.find("shape L = 18, H = 8") != text.npos, in_full);
    EXPECT_EQ(text.find("residual, % of L") != text.npos, !in_full);
  }
}

TEST(FitJson, HoldsEverything) {
  const JsonValue json = fit_json(calibration());
  EXPECT_EQ(json["models"].size(), 8u);
  EXPECT_TRUE(json["models"][0]["G"].is_null());
  EXPECT_EQ(json["least_aicc"]["form"], "constant");
  EXPECT_NEAR(json["baselines"]["two_thirds"].get<double>(), 10.894, 5e-4);
  EXPECT_TRUE(json["baselines"]["v5"].is_null());
  for (const JsonValue& fit : json["fits"]) {
    const bool is_fitted = fit["reason"].is_null();
    EXPECT_EQ(is_fitted, fit["form"] != "v5");
    EXPECT_EQ(fit["coefficients"].empty(), !is_fitted);
    EXPECT_EQ(fit["mape"].is_null(), !is_fitted);
    EXPECT_EQ(fit["converged"].is_null(), !fit["bounded"].get<bool>());
    if (!is_fitted) continue;
    double leverage = 0;
    for (const JsonValue& model : fit["models"]) leverage += model["leverage"].get<double>();
    EXPECT_NEAR(leverage, fit["rank"].get<double>(), 1e-9);
    EXPECT_EQ(fit["leave_out"]["shape"]["fits"].size(), 5u);
  }
  EXPECT_TRUE(json["fits"][1]["leave_out"]["lab"]["mape"].is_null());
  EXPECT_TRUE(json["fits"][1]["leave_out"]["lab"]["fits"][0]["condition"].is_null());
}

TEST(FitFigure, HasAPanelAForm) {
  const FitStudy study = calibration();
  const auto svg = draw(residuals_figure(study), FigureFormat::svg);
  ASSERT_TRUE(svg) << svg.error().message();
  EXPECT_THAT(*svg, AllOf(HasSubstr(">constant<"), HasSubstr(">v3, bounded<"), HasSubstr(">v4<"), HasSubstr("gemma-2b"),
                          HasSubstr("EleutherAI"), Not(HasSubstr(">v5<")), Not(HasSubstr("\x1b"))));
  EXPECT_EQ(*svg, *draw(residuals_figure(study), FigureFormat::svg));
}

TEST(FitFiles, AreNamedByTimeAndReplaceNoOthers) {
  const testing::TemporaryFolder folder;
  const FitStudy study = calibration();
  const auto first = write_fit(study, folder / "out", "t/1", {FigureFormat::svg});
  ASSERT_TRUE(first) << first.error().message();
  ASSERT_EQ(first->written.size(), 2u);
  EXPECT_TRUE(first->written[0].ends_with("/l_star_fit_t_1.json")) << first->written[0];
  EXPECT_TRUE(first->written[1].ends_with("/l_star_residuals_t_1.svg"));
  EXPECT_EQ(write_fit(study, folder / "out", "t/1", {FigureFormat::svg})->written, first->written) << "the same again";
  MeasuredPoints other = study.measured;
  other.models[0].point.l_star = 1;
  const auto second = write_fit(*fit_study(other, {}, 0), folder / "out", "t/1", {});
  ASSERT_EQ(second->written.size(), 1u);
  EXPECT_TRUE(second->written[0].ends_with("/l_star_fit_t_1_2.json"));
  EXPECT_EQ(second->other_run, first->written[0]);
}

}  // namespace
}  // namespace lstar
