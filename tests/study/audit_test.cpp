// The audit of what was published, against figures recomputed elsewhere (docs/mathematics.md; scipy and numpy), and of
// measured models that are made up.
#include "lstar/study/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lstar/study/audit_claims.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr double kThreeDigits = 5e-4, kSixDigits = 5e-7;  // known to so many

const Published& published() {
  static const Published all = *bundled_published();
  return all;
}

const std::vector<Claim>& audited() {
  static const std::vector<Claim> all = audit(published());
  return all;
}

const Claim& find(const std::vector<Claim>& claims, std::string_view id) {
  static const Claim none;
  const auto found = std::find_if(claims.begin(), claims.end(), [&](const Claim& c) { return c.id == id; });
  EXPECT_NE(found, claims.end()) << id;
  return found == claims.end() ? none : *found;
}

double number(const Claim& claim, std::string_view what) {
  for (const ClaimNumber& one : claim.numbers)
    if (one.what == what && one.value) return *one.value;
  ADD_FAILURE() << claim.id << " has no number " << what;
  return NAN;
}
Interval interval(const Claim& claim, std::string_view what) {
  for (const ClaimNumber& one : claim.numbers)
    if (one.what == what && one.interval) return *one.interval;
  ADD_FAILURE() << claim.id << " has no interval of " << what;
  return {};
}

TEST(Audit, HasEveryPublishedClaimAndMore) {
  const std::vector<Claim>& claims = audited();
  for (const PublishedClaim& one : published().claims) find(claims, one.id);
  for (const char* id : {"noise-null", "assignment", "seen", "shape-bound", "lab-bootstrap", "fit-null"})
    find(claims, id);
  std::set<std::string> ids;
  for (const Claim& claim : claims) {
    EXPECT_TRUE(ids.insert(claim.id).second) << claim.id << " twice";
    EXPECT_FALSE(claim.reason.empty()) << claim.id;
    EXPECT_FALSE(claim.claim.empty()) << claim.id;
    EXPECT_TRUE(claim.recomputed) << claim.id;
    EXPECT_NE(claim.verdict, ClaimVerdict::cannot_be_checked) << claim.id;
    EXPECT_NE(claim.chance.has_value(), !claim.no_chance.empty()) << claim.id << ": chance, or why there is none";
  }
}

TEST(Audit, TheKnownAnswers) {
  using enum ClaimVerdict;
  const struct {
    const char* id;
    double recomputed, within;
    ClaimVerdict verdict;
  } rows[] = {
      {"formula-mape", 5.150, kThreeDigits, differs},
      {"prediction-column", 6.337, kThreeDigits, differs},
      {"naive-mape", 25.217, kThreeDigits, agrees},
      {"two-thirds", 10.894, kThreeDigits, differs},
      {"fit-null", 5.334, kThreeDigits, agrees},
      {"leave-one-shape-out", 14.957, kThreeDigits, differs},
      {"cross-heritage-mape", 15.701389, kSixDigits, agrees},
      {"cross-heritage-predictions", 6, 0, agrees},
      {"cross-heritage-sign-change", 55.690278, kSixDigits, agrees},
      {"noise-null", 18.995858, kSixDigits, differs},
      {"assignment", 14.304167, kSixDigits, differs},
      {"seen", 16.675, kThreeDigits, differs},
      {"shape-bound", 9.5833, 5e-5, agrees},
      {"lab-bootstrap", 1.951, kThreeDigits, differs},
      {"depth-gain", -0.878, kThreeDigits, differs},
      {"depth-gain-p", 0.004092387220618696, 1e-12, differs},
      {"gain-bound", 6, 0, differs},
      {"heritage", 0.0357, 5e-5, differs},
      {"heritage-dampening", 80, 1e-12, agrees},
      {"heritage-expansion", 900.0 / 11, 1e-12, differs},
      {"heritage-all", 0.089, kThreeDigits, differs},
      {"trace-ratio", 26.48, 5e-3, agrees},
      {"calibration-l-star", 6, 0, differs},
      {"calibration-models", 9, 0, differs},
      {"detectors-off-diagonal", 27.035, kThreeDigits, differs},
      {"detectors-multi-head", 32.591, kThreeDigits, differs},
  };
  const std::vector<Claim>& claims = audited();
  for (const auto& row : rows) {
    const Claim& claim = find(claims, row.id);
    EXPECT_NEAR(*claim.recomputed, row.recomputed, row.within) << row.id;
    EXPECT_EQ(claim.verdict, row.verdict) << row.id;
  }
}

TEST(Audit, TheKnownNumbersBesideThem) {
  const std::vector<Claim>& claims = audited();
  const Claim& formula = find(claims, "formula-mape");
  EXPECT_NEAR(number(formula, "a constant fraction, leaving out one model"), 12.512, kThreeDigits);
  EXPECT_NEAR(number(formula, "the least of any function of L and H"), 4.036, kThreeDigits);
  const Claim& shapes = find(claims, "leave-one-shape-out");
  EXPECT_NEAR(number(shapes, "a constant fraction, leaving out the same shapes"), 13.699, kThreeDigits);
  EXPECT_NEAR(number(shapes, "v3's form, leaving out one model"), 8.313, kThreeDigits);
  const Claim& fit = find(claims, "fit-null");
  EXPECT_NEAR(number(fit, "F of both coefficients together"), 7.114, kThreeDigits);
  EXPECT_NEAR(number(fit, "its p"), 0.0345, 5e-5);
  EXPECT_NEAR(fit.chance->p, 0.050, kThreeDigits);
  EXPECT_EQ(fit.chance->p_error, 0) << "all orders";
  const Claim& across = find(claims, "cross-heritage-mape");
  EXPECT_NEAR(number(across, "2L/3"), 13.75, 5e-3);
  EXPECT_NEAR(number(across, "L/2"), 15.97, 5e-3);

  const Claim& noise = find(claims, "noise-null");
  EXPECT_NEAR(noise.chance->p, 0.243, 5e-4 + 4 * noise.chance->p_error);
  EXPECT_LT(noise.chance->p_error, 0.0015);
  EXPECT_NEAR(number(noise, "noise, expected error of L/2"), 9.724614, kSixDigits);
  EXPECT_NEAR(number(noise, "noise, expected error of 2L/3"), 17.552391, kSixDigits);
  EXPECT_NEAR(number(noise, "share of noise studies where L/2 is below 10 %"), 0.557, 0.006);  // four errors, as above
  EXPECT_NEAR(number(noise, "share of noise studies where L/2 is below 15 %"), 0.954, 0.003);

  const Claim& assigned = find(claims, "assignment");
  EXPECT_EQ(number(assigned, "assignments"), 20);
  EXPECT_NEAR(number(assigned, "least error of an assignment"), 12.906944, kSixDigits);
  EXPECT_NEAR(number(assigned, "greatest error of an assignment"), 15.701389, kSixDigits);
  EXPECT_EQ(assigned.chance->p, 1);
  EXPECT_EQ(assigned.chance->least_p, 0.05);

  const Claim& seen = find(claims, "seen");
  EXPECT_EQ(number(seen, "models seen"), 4);
  EXPECT_EQ(number(seen, "models unseen"), 2);
  EXPECT_NEAR(number(seen, "seen"), 15.215, kThreeDigits);

  const Claim& labs = find(claims, "lab-bootstrap");
  EXPECT_NEAR(interval(labs, "v3").low, 11.154, kThreeDigits);
  EXPECT_NEAR(interval(labs, "v3").high, 23.087, kThreeDigits);
  EXPECT_NEAR(interval(labs, "v3 less 2L/3").low, 1.098, kThreeDigits);
  EXPECT_NEAR(interval(labs, "v3 less 2L/3").high, 2.927, kThreeDigits);
  EXPECT_NEAR(number(labs, "v3 less L/2"), -0.271, kThreeDigits);
  EXPECT_NEAR(interval(labs, "v3 less L/2").low, -14.014, kThreeDigits);
  EXPECT_NEAR(interval(labs, "v3 less L/2").high, 13.472, kThreeDigits);
  // All 6^6 draws of the models; the known shares were drawn, to about 0.001.
  EXPECT_NEAR(number(labs, "share of draws of models with FORMULA GENERALIZES"), 0.016, 0.002);
  EXPECT_NEAR(number(labs, "... with PARTIAL GENERALIZATION"), 0.387, 0.004);
  EXPECT_NEAR(number(labs, "... with CALIBRATION NEEDED"), 0.597, 0.004);

  const Claim& depth = find(claims, "depth-gain");
  EXPECT_NEAR(number(depth, "Spearman's correlation"), -0.747, kThreeDigits);
  EXPECT_NEAR(number(find(claims, "trace-ratio"), "GPT-2, mean over layers"), 62'695.87, 5e-3);
  EXPECT_NEAR(number(find(claims, "trace-ratio"), "OPT-125m, mean over layers"), 2'367.53, 5e-3);
  const Claim& off_diagonal = find(claims, "detectors-off-diagonal");
  EXPECT_NEAR(number(off_diagonal, "error of v3 by central_difference"), 13.083, kThreeDigits);
  EXPECT_NEAR(number(find(claims, "detectors-multi-head"), "error of v3 by central_difference"), 29.915, kThreeDigits);
  // With numpy's rule, by numpy.
  EXPECT_NEAR(number(off_diagonal, "error of v3 by central_difference, numpy's NaN rule"), 6.615972222, 1e-8);
  EXPECT_NEAR(number(off_diagonal, "error of v3 by argmax_step, numpy's NaN rule"), 24.214583333, 1e-8);
}

// numpy.argmax(numpy.abs(numpy.gradient(trace))) of each, with NaN and of the layers before it.
TEST(Audit, TwoOfTheCalibrationsLStarAreNaN) {
  const Claim claim = find(audited(), "calibration-l-star");
  EXPECT_THAT(claim.reason, AllOf(HasSubstr("pythia-2.8b (26 is one before its first NaN; without it 3 and 0)"),
                                  HasSubstr("pythia-6.9b (21 is one before its first NaN; without it 4 and 4)"),
                                  HasSubstr("NaN rule 8 (7 in off_diagonal_trace, 5 in multi_head_trace)")));
  EXPECT_EQ(number(claim, "gemma-2b, published 17, multi_head: numpy's rule"), 17);
  EXPECT_EQ(number(claim, "gemma-2b, published 17, off_diagonal: numpy's rule"), 0);
  EXPECT_THAT(find(audited(), "calibration-models").reason, HasSubstr("Mistral-7B-v0.1 (L* = 0)"));
}

TEST(Audit, AgreesToThePublishedDigits) {
  EXPECT_TRUE(rounds_to(15.7014, 15.7));
  EXPECT_TRUE(rounds_to(25.217, 25));
  EXPECT_TRUE(rounds_to(26.48, 26));
  EXPECT_FALSE(rounds_to(26.51, 26));
  EXPECT_FALSE(rounds_to(5.15, 4.8));
  EXPECT_FALSE(rounds_to(-0.878, -0.81));
  EXPECT_TRUE(rounds_to(-0.814, -0.81));
  EXPECT_FALSE(rounds_to(NAN, 1));
}

TEST(Published, BareNames) {
  EXPECT_EQ(bare_name("EleutherAI/pythia-160m"), "pythia-160m");
  EXPECT_EQ(bare_name("gpt2"), "gpt2");
  EXPECT_EQ(bare_name("/models/gpt2/"), "gpt2");
  EXPECT_EQ(bare_name(""), "");
}

TEST(Published, WhatIsMissingIsNamed) {
  const auto none =
      parse_published(R"({"calibration": {"rows": [{"model": "a", "lab": "b", "L": 0, "H": 2}]}})", "p.json");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().file, "p.json");
  EXPECT_FALSE(parse_published("[", "p.json"));
  EXPECT_FALSE(parse_published(R"({"traces": [{"model": "a", "lab": "b", "layers": 2, "heads": 1, "l_star_published": 1,
    "off_diagonal_trace": [1], "multi_head_trace": [1, 2]}]})",
                               "p.json"))
      << "a trace of another number of layers";
}

// The published table as if it had been measured.
MeasuredPoints as_measured(const std::vector<PublishedRow>& rows, const std::string& detector) {
  MeasuredPoints measured{.sources = {"r.json"}, .estimator = "as_written", .detector = detector};
  for (const PublishedRow& row : rows) measured.models.push_back({.model = row.model, .point = row.point});
  return measured;
}

TEST(Audit, MeasuredAsItWasPublished) {
  const std::vector<Claim>& own = audited();
  const std::vector<Claim> claims = audit(published(), as_measured(published().by_argmax_step, "argmax_step"));
  ASSERT_EQ(claims.size(), own.size());
  for (size_t i = 0; i < own.size(); ++i) EXPECT_EQ(claims[i].id, own[i].id);
  for (const char* id : {"cross-heritage-mape", "noise-null", "assignment", "seen", "shape-bound", "lab-bootstrap"}) {
    EXPECT_EQ(find(claims, id).recomputed, find(own, id).recomputed) << id;
    EXPECT_EQ(find(claims, id).verdict, find(own, id).verdict) << id;
    EXPECT_EQ(find(claims, id).chance.has_value(), find(own, id).chance.has_value()) << id;
  }
  EXPECT_EQ(find(claims, "noise-null").chance->p, find(own, "noise-null").chance->p) << "the same draws";
  const Claim& formula = find(claims, "formula-mape");
  EXPECT_EQ(formula.verdict, ClaimVerdict::cannot_be_checked);
  EXPECT_THAT(formula.reason, HasSubstr("of the calibration's 8 models 4 were measured"));
  EXPECT_EQ(find(claims, "cross-heritage-sign-change").verdict, ClaimVerdict::cannot_be_checked);
  EXPECT_EQ(find(claims, "fit-null").verdict, ClaimVerdict::cannot_be_checked) << "two shapes";
  EXPECT_THAT(find(claims, "fit-null").reason, HasSubstr("not identified"));

  // Another model of the same name, behind the others, is no seventh one of the table.
  MeasuredPoints seven = as_measured(published().by_argmax_step, "argmax_step");
  seven.models.push_back(seven.models.back());
  seven.models.back().model = "somebody/gpt2";
  seven.models.back().point.l_star = 1;
  EXPECT_EQ(find(audit(published(), seven), "cross-heritage-mape").recomputed,
            find(own, "cross-heritage-mape").recomputed);

  const std::vector<Claim> turned = audit(published(), as_measured(published().by_sign_change, "sign_change"));
  EXPECT_EQ(find(turned, "cross-heritage-sign-change").verdict, ClaimVerdict::agrees);
  const Claim& across = find(turned, "cross-heritage-mape");
  EXPECT_EQ(across.verdict, ClaimVerdict::cannot_be_checked) << "another detector's";
  EXPECT_NEAR(*across.recomputed, 55.690278, kSixDigits);

  const std::vector<Claim> calibration = audit(published(), as_measured(published().calibration, "central_difference"));
  EXPECT_NEAR(*find(calibration, "formula-mape").recomputed, 5.150, kThreeDigits);
  EXPECT_EQ(find(calibration, "formula-mape").verdict, ClaimVerdict::differs);
  EXPECT_EQ(find(calibration, "naive-mape").verdict, ClaimVerdict::agrees);
  EXPECT_EQ(find(calibration, "fit-null").recomputed, find(own, "fit-null").recomputed);
  EXPECT_EQ(find(calibration, "calibration-l-star").verdict, ClaimVerdict::agrees);
  EXPECT_THAT(find(calibration, "seen").reason, HasSubstr("had seen all 8 models"));
}

TEST(Audit, MeasuredGains) {
  MeasuredPoints measured{.sources = {"r.json"}, .estimator = "off_diagonal", .detector = "argmax_step"};
  for (const PublishedGain& row : published().pythia_gains)
    measured.models.push_back({.model = row.model,
                               .point = {.layers = row.layers, .heads = 8, .l_star = 3, .lab = row.lab},
                               .gain = row.gain});
  // A model without an L* has its gain all the same.
  measured.left_out.push_back(
      {.model = "facebook/opt-125m", .reason = "no L*", .lab = "Meta", .layers = 12, .gain = 1.26});
  const std::vector<Claim> claims = audit(published(), measured);
  EXPECT_NEAR(*find(claims, "depth-gain").recomputed, -0.8784280431089984, 1e-12);
  EXPECT_EQ(*find(claims, "gain-bound").recomputed, 2) << "pythia-1b and opt-125m";
  const Claim& heritage = find(claims, "heritage");
  EXPECT_EQ(number(heritage, "EleutherAI, all"), 8);
  EXPECT_EQ(number(heritage, "others, all"), 1);
  EXPECT_NEAR(*heritage.recomputed, 4.0 / 9 + 5.0 / 9, 1e-12) << "one of nine: no table is less likely than this";
}

TEST(Audit, NothingMeasured) {
  const MeasuredPoints none{.sources = {"r.json"}, .estimator = "off_diagonal", .detector = "argmax_step"};
  for (const Claim& claim : audit(published(), none)) {
    EXPECT_EQ(claim.verdict, ClaimVerdict::cannot_be_checked) << claim.id;
    EXPECT_FALSE(claim.recomputed) << claim.id;
    EXPECT_FALSE(claim.reason.empty()) << claim.id;
  }
}

ResultFile result_with(const char* text) { return *parse_result(text, "r.json"); }

TEST(MeasuredPoints, OfResults) {
  const ResultFile a = result_with(R"({"detector": "argmax_step", "by_estimator": {"off_diagonal": {"results": [
    {"model": "x", "lab": "A", "L": 12, "H": 8, "L_star_empirical": 5.5, "gain": 0.9, "resolved": true,
     "l_star_per_prompt": [5, 6, null]},
    {"model": "y", "L": 12, "H": 8, "L_star_empirical": null, "reason": "NaN", "gain": 1.5},
    {"model": "z", "L": 99999999, "H": 8, "L_star_empirical": 3},
    {"model": "w", "L": 4, "H": 8, "L_star_empirical": 30}]}},
    "results": [], "failed": [{"model": "f", "error": "gone"}]})");
  const auto points = measured_points(std::vector{a, a}, "");
  ASSERT_TRUE(points) << points.error().message();
  EXPECT_EQ(points->estimator, "off_diagonal");
  ASSERT_EQ(points->models.size(), 1u) << "a model counts once";
  const MeasuredPoint& x = points->models[0];
  EXPECT_EQ(x.point.l_star, 5.5);
  EXPECT_EQ(x.point.prompts, 2);
  EXPECT_EQ(x.point.lab, "A");
  EXPECT_EQ(x.gain, 0.9);
  EXPECT_TRUE(x.is_resolved);
  ASSERT_EQ(points->left_out.size(), 4u);
  EXPECT_EQ(points->left_out[0].reason, "no L*: NaN");
  EXPECT_EQ(points->left_out[0].gain, 1.5);
  EXPECT_THAT(points->left_out[1].reason, HasSubstr("layers"));
  EXPECT_THAT(points->left_out[2].reason, HasSubstr("no layer"));
  EXPECT_EQ(points->left_out[3].reason, "failed: gone");

  EXPECT_FALSE(measured_points(std::vector{a}, "ov_circuit"));
  const ResultFile b = result_with(R"({"detector": "sign_change", "by_estimator": {"off_diagonal": {"results": []}},
    "results": []})");
  const auto mixed = measured_points(std::vector{a, b}, "");
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error().kind, ErrorKind::argument);
}

}  // namespace
}  // namespace lstar
