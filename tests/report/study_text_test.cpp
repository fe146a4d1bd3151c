#include "lstar/report/study_text.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/report/text_layout.h"
#include "tests/support/study_fixture.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string everything(const StudyResult& result, bool colour) {
  std::string out = study_banner(result.study, colour);
  for (const ModelResult& model : result.models) out += model_text(result.study, model.entry, model, colour);
  for (const FailedModel& failed : result.failed)
    out += model_text(result.study, failed.entry, fail(failed.error), colour);
  return out + study_summary(result, colour);
}

TEST(StudyText, SaysWhatTheNotebookSays) {
  const std::string text = everything(testing::made_up_result(), false);
  for (const char* piece : {"L* CROSS-HERITAGE VALIDATION\n",
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
                            "Formula: L* = L × (0.11 + 0.012×L + 4.9/H)",
                            "Models tested: 6",
                            "Labs tested:   4",
                            "Overall MAPE:  8.6%",
                            "VERDICT: FORMULA GENERALIZES"})
    EXPECT_THAT(text, HasSubstr(piece));
}

TEST(StudyText, SaysWhatTheNotebookDoesNot) {
  const std::string text = everything(testing::made_up_result(), false);
  EXPECT_THAT(text, HasSubstr("as_written is rounding residue: softmax rows sum to 1"));
  EXPECT_THAT(text, HasSubstr("off_diagonal depends on how a model's weights are written (its gauge)"));
  EXPECT_THAT(text, HasSubstr("Decided by:    the weights (weights alone L* = 18, attention alone 16"));
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
  const std::string end = study_summary(evaluate(study, {model}, "now"), false);
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
  EXPECT_THAT(study_summary(evaluate(study, {model}, "now"), false),
              HasSubstr("EleutherAI/pythia-160m, prompt 5: prompt is empty"));
}

TEST(StudyText, NothingMeasured) {
  Study study = testing::made_up_study();
  study.models.resize(1);
  const StudyResult result = evaluate(study, {fail(Error{.what = "no such folder", .file = "x"})}, "now");
  EXPECT_THAT(study_summary(result, false), HasSubstr("No results!"));
  EXPECT_THAT(study_summary(result, false), HasSubstr("x: no such folder"));
}

TEST(StudyText, KeepsTo100ColumnsAndToOneLine) {
  StudyResult result = testing::made_up_result();
  result.models[0].entry.name = "模型/" + std::string(150, 'x') + "\n\x1b[31m\xff";
  result.models[1].entry.lab = std::string(80, 'y');
  std::istringstream lines(study_summary(result, false));
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
