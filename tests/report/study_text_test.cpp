#include "lstar/report/text/study_text.h"

#include <limits>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/base/text.h"
#include "lstar/report/text/notes.h"
#include "lstar/report/text/text_layout.h"
#include "tests/support/study_fixture.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string full_summary(const StudyResult& result) { return study_summary(result, false, Detail::every_prompt); }

std::string everything(const StudyResult& result, bool colour) {
  std::string out = study_banner(result.study, colour);
  for (const ModelResult& model : result.models) out += model_text(result.study, model.entry, model, colour);
  for (const FailedModel& failed : result.failed)
    out += model_text(result.study, failed.entry, fail(failed.error), colour);
  return out + study_summary(result, colour, Detail::every_prompt);
}

TEST(StudyText, SaysWhatTheNotebookSays) {
  const std::string text = everything(testing::made_up_result(), false);
  for (const char* piece :
       {"L* CROSS-HERITAGE VALIDATION\n",
        "Model: EleutherAI/pythia-160m\nLab: EleutherAI | L=12 | H=12\n",
        "Architecture: gpt_neox (the notebook's \"pythia\")",
        "Read: 5 prompts; the first: \"The capital of France is Paris.\"",
        "    Prompt 1: L* = 8",
        "    L* predicted:  7.9\n",
        "    L* empirical:  8.0 ± 0.0\n",
        "    Error:         0.4%\n",
        "COMPLETE: 6/7 models",
        "CROSS-HERITAGE L* VALIDATION RESULTS",
        "SUMMARY BY LAB",
        "EleutherAI: n=2, MAPE=2.5%",
        "OVERALL MAPE: 8.6%",
        "In-sample (EleutherAI): MAPE = 2.5%",
        "Out-of-sample (other labs): MAPE = 11.7%",
        "FINAL VERDICT",
        "Formula v3: L* = L × (0.11 + 0.012×L + 4.9/H)",
        "Asked:    v3 against L* by off_diagonal, argmax_step, in float16; 6 models of 4 labs, 5 prompts",
        "Found:    v3 is off by 8.6% of the depth",
        "Notebook: its rule says FORMULA GENERALIZES"})
    EXPECT_THAT(text, HasSubstr(piece));
}

TEST(StudyText, SaysWhatTheNotebookDoesNot) {
  const std::string text = everything(testing::made_up_result(), false);
  EXPECT_THAT(text, HasSubstr("as_written is rounding residue: softmax rows sum to 1"));
  EXPECT_THAT(text, HasSubstr("off_diagonal depends on how a model's weights are written (its gauge)"));
  EXPECT_THAT(text, HasSubstr("Decided by:    the weights (weights alone L* = 18, attention alone 12.8 ± 6.7, log"));
  EXPECT_THAT(text, HasSubstr("nobody/missing: models/nobody/missing: no such folder"));
  EXPECT_THAT(text, HasSubstr("two_thirds: L* = 2L/3"));
  EXPECT_THAT(text, HasSubstr("constant fraction, leave one out"));
}

TEST(StudyText, AnUnresolvedLStarIsNeverAPlainNumber) {
  StudyResult result = testing::made_up_result();
  std::swap(result.study.estimators[0], result.study.estimators[2]);  // as_written as the headline
  std::swap(result.summaries[0], result.summaries[2]);
  for (ModelResult& model : result.models) std::swap(model.scores[0], model.scores[2]);
  const std::string text = everything(result, false);
  EXPECT_THAT(text, HasSubstr("Prompt 1: L* = 8? not resolved: "));
  EXPECT_THAT(text, HasSubstr("L* empirical:  9.6? ± 1.0  (not resolved)"));
  EXPECT_THAT(text, HasSubstr("  9.60?"));
  EXPECT_THAT(text, Not(HasSubstr("  9.60 ")));
  EXPECT_THAT(text, HasSubstr("but no L* is resolved: this is rounding noise"));
}

TEST(StudyText, FlagsAPredictionBeyondTheLayers) {
  Study study = testing::made_up_study();
  study.models.resize(1);
  testing::MadeUpModel deep = testing::made_up_models()[0];
  deep.layers = 30;
  deep.heads = 9;
  deep.kv_heads = 3;
  const auto model = evaluate_model(study, study.models[0], testing::made_up_measurement(deep, Dtype::float32));
  ASSERT_TRUE(model);
  EXPECT_THAT(model_text(study, study.models[0], model, false),
              HasSubstr("v3 predicts L* = 30.4, outside the model's layers 0 to 29."));
  const std::string end = full_summary(*evaluate(study, {model}, "now"));
  EXPECT_THAT(end, HasSubstr("30.433!"));
  EXPECT_THAT(end, HasSubstr("outside the model's layers 0 to 29."));
}

TEST(StudyText, FailedPromptsAreNamed) {
  Study study = testing::made_up_study();
  study.models.resize(1);
  Measurement m = testing::made_up_measurement(testing::made_up_models()[0], Dtype::float32, 4);
  m.prompts.push_back({.text = "long", .ids = {}, .row = std::nullopt, .error = Error{.what = "prompt is empty"}});
  const auto model = evaluate_model(study, study.models[0], std::move(m));
  ASSERT_TRUE(model);
  EXPECT_THAT(model_text(study, study.models[0], model, false), HasSubstr("Prompt 5: FAILED: prompt is empty"));
  EXPECT_THAT(full_summary(*evaluate(study, {model}, "now")),
              HasSubstr("EleutherAI/pythia-160m, prompt 5: prompt is empty"));
}

// One layer has nothing to change to, two have one step: neither is a matter of rounding, and neither is said to be.
TEST(StudyText, TooFewLayersAreNoRounding) {
  for (const int layers : {1, 2}) {
    Study study = testing::made_up_study();
    study.models.resize(1);
    testing::MadeUpModel shallow = testing::made_up_models()[0];
    shallow.layers = layers;
    const auto model = evaluate_model(study, study.models[0], testing::made_up_measurement(shallow, Dtype::float32));
    ASSERT_TRUE(model);
    const std::string text = everything(*evaluate(study, {model}, "now"), false);
    EXPECT_THAT(text, Not(HasSubstr("rounding noise"))) << text;
    EXPECT_THAT(text, Not(HasSubstr("within the floor")));
    EXPECT_THAT(
        text, HasSubstr(layers == 1 ? "L* empirical:  none: the model has one layer, and L* is a change between layers"
                                    : "(marked ?): two layers have one step."));
    if (layers == 2) {
      EXPECT_THAT(text, HasSubstr("but no L* is resolved: two layers have one step"));
    } else {
      EXPECT_THAT(text, HasSubstr("Found:    no model has both an L* and a prediction"));
    }
  }
}

size_t count_of(const std::string& text, const std::string& piece) {
  size_t count = 0;
  for (size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++count;
  return count;
}

// Whatever a verdict says, the good ones first of all: what stands against one stands against all it applies to.
TEST(StudyText, CaveatsStandWithEveryVerdict) {
  Study study = testing::made_up_study(Dtype::float32);
  study.models.resize(1);
  study.in_sample = {"EleutherAI"};
  const auto model = evaluate_model(study, study.models[0],
                                    testing::made_up_measurement(testing::made_up_models()[0], Dtype::float32));
  ASSERT_TRUE(model);
  const StudyResult result = *evaluate(study, {model}, "now");
  ASSERT_EQ(result.summaries[1].verdict, "FORMULA GENERALIZES");
  std::string end = full_summary(result);
  end = end.substr(end.find("FINAL VERDICT"));
  for (const char* caveat : {"one lab cannot show that a formula generalizes",
                             "the formula was fitted on labs of 1 of 1 models (EleutherAI)"}) {
    EXPECT_EQ(count_of(end, caveat), result.summaries.size()) << end;
    EXPECT_THAT(verdict_line(result), HasSubstr(caveat));
    for (size_t e = 0; e < result.summaries.size(); ++e)
      EXPECT_THAT(verdict_caveats(result, e), ::testing::Contains(caveat));
  }
  EXPECT_THAT(verdict_caveats(result, 0),
              ::testing::Contains("off_diagonal depends on how the weights are written (gauge)"));
  EXPECT_THAT(verdict_caveats(result, 2),
              ::testing::Contains("as_written is rounding residue, zero in exact arithmetic"));
  // Nowhere else does a verdict stand without them.
  EXPECT_EQ(count_of(full_summary(result), "GENERALIZ"), count_of(end, "GENERALIZ"));
}

TEST(StudyText, WhatDoesBetterWithoutAFitIsNamed) {
  StudyResult result = testing::made_up_result();
  EXPECT_THAT(verdict_line(result), Not(HasSubstr("simpler predictions")));
  for (Baseline& baseline : result.summaries[0].baselines) {
    if (baseline.name == "half") baseline.mape = 7.5;
    if (baseline.name == "two_thirds") baseline.mape = 3.25;
    if (baseline.name == "v4") baseline.mape = 1;  // fitted: not simpler
  }
  EXPECT_THAT(verdict_line(result), HasSubstr("; but simpler predictions do better: 2L/3 (3.2%), L/2 (7.5%)\n"));
  EXPECT_THAT(full_summary(result), HasSubstr("but simpler predictions do better: 2L/3 (3.2%), L/2 (7.5%)"));
}

// A model that overflows, or one whose trace is zero, has no L*; the score is of the others and says so.
TEST(StudyText, AModelWithoutAnLStarIsNamed) {
  Study study = testing::made_up_study(Dtype::float32);
  study.models.resize(3);
  std::vector<Result<ModelResult>> models;
  for (size_t i = 0; i < 3; ++i) {
    Measurement m = testing::made_up_measurement(testing::made_up_models()[i], Dtype::float32);
    if (i == 1) m.weights.w_v_sq[8] = std::numeric_limits<double>::quiet_NaN();
    if (i == 2) m.seen.off_diagonal = Array3<double>(5, 12, 12);
    models.push_back(evaluate_model(study, study.models[i], std::move(m)));
  }
  const StudyResult result = *evaluate(study, std::move(models), "now");
  EXPECT_FALSE(is_complete(result));
  const EstimatorSummary& s = result.summaries[0];
  EXPECT_EQ(s.asked, 3);
  EXPECT_EQ(s.models, 1);
  ASSERT_EQ(s.left_out.size(), 2u);
  EXPECT_EQ(s.left_out[1].reason, "no L*: the trace is zero in every layer");
  EXPECT_THAT(
      verdict_line(result),
      HasSubstr("by off_diagonal, 1 of 3 models, 1 lab); by the notebook's rule FORMULA GENERALIZES; but without "
                "EleutherAI/pythia-410m (no L*: NaN from layer 8 on); facebook/opt-125m (no L*: the trace is "
                "zero in every layer)"));
  const std::string text = full_summary(result);
  for (const char* piece : {"COMPLETE: 1/3 models; no L*: EleutherAI/pythia-410m, facebook/opt-125m\n",
                            "Resolved: 1 of 1 models", "Meta: without facebook/opt-125m: no L*: the trace is zero"})
    EXPECT_THAT(text, HasSubstr(piece));
  EXPECT_THAT(model_text(study, study.models[2], result.models[2], false),
              HasSubstr("L* empirical:  none: the trace is zero in every layer\n    Error:         -\n"));
}

TEST(StudyText, OfActualSaysHowManyModelsItIsOf) {
  StudyResult result = testing::made_up_result();
  EXPECT_EQ(result.summaries[0].models_of_actual, 6);
  result.summaries[0].models_of_actual = 1;  // the others have L* = 0
  EXPECT_THAT(full_summary(result), HasSubstr("% (1 of 6)"));
}

// "Decided by" is of the L* that stands above it.
TEST(StudyText, DecidesExplainsTheStudysLStar) {
  const StudyResult result = testing::made_up_result();
  for (const ModelResult& model : result.models)
    for (const ModelScore& score : model.scores) {
      if (!score.decides) continue;
      EXPECT_DOUBLE_EQ(score.decides->l_star->mean, *score.l_star) << model.entry.name << score.estimator;
      EXPECT_DOUBLE_EQ(score.decides->l_star->deviation, *score.l_star_std);
      EXPECT_EQ(score.decides->verdict.empty(), !score.resolved);
    }
}

Measurement particular(bool ModelShape::*what) {
  Measurement m = testing::made_up_measurement(testing::made_up_models()[0], Dtype::float32);
  m.shape.*what = true;
  return m;
}

// GPT-OSS: the rows do not sum to 1, and as_written is what the sinks took.
TEST(StudyText, OneNoteOnAsWrittenWhereThereAreSinks) {
  Study study = testing::made_up_study();
  study.models.resize(1);
  const auto model = evaluate_model(study, study.models[0], particular(&ModelShape::has_sinks));
  const StudyResult result = *evaluate(study, {model}, "now");
  const std::string text = full_summary(result);
  EXPECT_THAT(text, Not(HasSubstr("as_written is rounding residue")));
  EXPECT_EQ(count_of(text, "not rounding residue"), 1u);
  EXPECT_THAT(verdict_caveats(result, 2), ::testing::Contains("as_written is what attention sinks take, no trace"));
}

TEST(StudyText, ANormBehindTheOutputProjectionIsTakenIn) {
  Study study = testing::made_up_study();
  study.models.resize(1);
  Measurement measured = particular(&ModelShape::has_output_norm);
  measured.weights.has_output_norm = true;
  const auto without = evaluate_model(study, study.models[0], measured);
  EXPECT_EQ(without->scores[1].estimator, "ov_circuit");
  EXPECT_EQ(without->scores[1].reason, "not measured") << "what the norm divided by is not known";
  measured.seen.output_scale_sq = Array2<double>(measured.seen.tokens.size(), measured.seen.diagonal.dim1());
  for (size_t p = 0; p < measured.seen.tokens.size(); ++p)
    for (size_t l = 0; l < measured.seen.diagonal.dim1(); ++l) measured.seen.output_scale_sq(p, l) = 2;
  const auto model = evaluate_model(study, study.models[0], measured);
  const StudyResult result = *evaluate(study, {model}, "now");
  ASSERT_TRUE(model->scores[1].l_star);
  EXPECT_THAT(verdict_caveats(result, 1), Not(::testing::Contains(HasSubstr("how the weights are written"))));
  EXPECT_THAT(study_notes(result), ::testing::Contains(HasSubstr("ov_circuit takes in the norm's gain")));
  EXPECT_THAT(study_notes(testing::made_up_result()), Not(::testing::Contains(HasSubstr("takes in the norm's gain"))));
}

TEST(StudyText, TheSameCheckpointIsCountedOnce) {
  Study study = testing::made_up_study();
  study.models.resize(3);
  std::vector<Result<ModelResult>> models;
  for (size_t i = 0; i < 3; ++i)
    models.push_back(evaluate_model(
        study, study.models[i], testing::made_up_measurement(testing::made_up_models()[i ? 1 : 0], Dtype::float32)));
  const StudyResult result = *evaluate(study, std::move(models), "now");
  EXPECT_EQ(result.models.size(), 2u);
  ASSERT_EQ(result.duplicates.size(), 1u);
  EXPECT_EQ(result.duplicates[0].same_as, "EleutherAI/pythia-410m");
  EXPECT_EQ(result.summaries[0].models, 2);
  EXPECT_THAT(full_summary(result),
              HasSubstr("facebook/opt-125m: the same checkpoint as EleutherAI/pythia-410m, counted once."));
}

TEST(StudyText, NothingMeasured) {
  Study study = testing::made_up_study();
  study.models.resize(1);
  const StudyResult result = *evaluate(study, {fail(Error{.what = "no such folder", .file = "x"})}, "now");
  EXPECT_THAT(full_summary(result), HasSubstr("No results!"));
  EXPECT_THAT(full_summary(result), HasSubstr("x: no such folder"));
}

TEST(StudyText, KeepsTo100ColumnsAndToOneLine) {
  StudyResult result = testing::made_up_result();
  result.models[0].entry.name = "模型/" + std::string(150, 'x') + "\n\x1b[31m\xff";
  result.models[1].entry.lab = std::string(80, 'y');
  result.study.spectral = true;
  std::istringstream lines(full_summary(result));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(display_width(line), 100) << line;
    EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
    EXPECT_EQ(line, valid_utf8(line));
  }
}

TEST(StudyText, ColourAddsCodesAndNothingElse) {
  const StudyResult result = testing::made_up_result();
  std::string coloured = everything(result, true);
  EXPECT_THAT(coloured, HasSubstr("\x1b[1m"));
  for (size_t at; (at = coloured.find('\x1b')) != std::string::npos;)
    coloured.erase(at, coloured.find('m', at) - at + 1);
  EXPECT_EQ(coloured, everything(result, false));
}

}  // namespace
}  // namespace lstar
