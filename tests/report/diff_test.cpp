// Two results of the same study: what the comparison says of them in words and as JSON.
#include "lstar/report/json/diff_json.h"
#include "lstar/report/text/diff_text.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "lstar/base/json.h"
#include "lstar/base/vector_target.h"
#include "lstar/report/json/study_json.h"
#include "tests/support/recorded.h"
#include "tests/support/study_fixture.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

ResultFile read_back(const StudyResult& result, const std::string& name) {
  auto parsed = parse_result(study_json_text(result), name);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return parsed ? *std::move(parsed) : ResultFile();
}

// The made-up study by other words, and with other measurements.
StudyResult asked(const std::function<void(Study&)>& change, const std::function<void(Measurement&)>& moved = {}) {
  Study study = testing::made_up_study();
  change(study);
  std::vector<Result<ModelResult>> models;
  for (size_t i = 0; i < study.models.size(); ++i) {
    Measurement m = testing::made_up_measurement(testing::made_up_models()[i], study.dtype);
    if (moved) moved(m);
    models.push_back(evaluate_model(study, study.models[i], std::move(m)));
  }
  return *evaluate(study, std::move(models), "t");
}

// Its lines joined: where they break is no matter here.
std::string joined(const ResultDiff& diff) {
  std::string text = diff_text(diff, false);
  for (size_t at; (at = text.find("\n    ")) != text.npos;) text.replace(at, 5, " ");
  return text;
}

TEST(Diff, OurOwnResultLacksNothing) {
  const ResultFile a = read_back(testing::made_up_result(), "a.json");
  EXPECT_EQ(a.models.size(), 7u);
  EXPECT_EQ(a.summaries.size(), 3u);
  EXPECT_EQ(a.summaries[0].estimator, "off_diagonal");
  const ResultDiff diff = compare(a, a);
  EXPECT_FALSE(diff.changed());
  EXPECT_TRUE(diff.lacking.empty()) << diff.lacking.begin()->first;
  for (const NumberDiff& kind : diff.numbers) EXPECT_GT(kind.compared, 0u) << kind.what;
  EXPECT_THAT(diff_text(diff, false), AllOf(StartsWith("A: a.json\nB: a.json\nNUMBERS\n"), EndsWith("\nno change\n")));
}

TEST(Diff, AnotherDetectorInWordsAndAsJson) {
  const ResultFile a = read_back(asked([](Study&) {}), "a.json"),
                   b = read_back(asked([](Study& s) { s.detector = "sign_change"; }), "b.json");
  const ResultDiff diff = compare(a, b);
  const std::string text = diff_text(diff, false);
  EXPECT_THAT(text, AllOf(HasSubstr("ASKED\n  detector: argmax_step -> sign_change\n"), HasSubstr("MODELS\n"),
                          HasSubstr("NUMBERS\n"), HasSubstr("what was asked changed; L* changed in ")));
  const auto document = JsonDocument::parse(write_json(diff_json(diff)), "diff");
  ASSERT_TRUE(document) << document.error().message();
  ASSERT_EQ(document->root()["asked"].size(), 1u);
  const Json detector = document->root()["asked"].at(0).value();
  EXPECT_EQ(detector.string("what"), "detector");
  EXPECT_EQ(detector.string("a"), "argmax_step");
  EXPECT_EQ(detector.string("b"), "sign_change");
  EXPECT_EQ(document->root().boolean("asked_changed"), true);
}

ResultFile parsed(const std::string& text) {
  auto result = parse_result(text, "r.json");
  EXPECT_TRUE(result) << result.error().message();
  return result ? *std::move(result) : ResultFile();
}

// What ran on one side alone has no L* that could be the same.
TEST(Diff, ModelsThatRanOnBothSides) {
  const std::string ran = R"({"model": "m", "L_star_empirical": 1})", failed = R"({"model": "x", "error": "gone"})";
  const ResultFile both = parsed(R"({"results": [)" + ran + R"(, {"model": "x"}]})"),
                   one = parsed(R"({"results": [)" + ran + R"(], "failed": [)" + failed + "]}"),
                   none = parsed(R"({"results": [], "failed": [{"model": "m", "error": "gone"}, )" + failed + "]}");
  EXPECT_THAT(joined(compare(both, one)), EndsWith("the same was asked; L* is the same in 1 model\n"));
  EXPECT_THAT(joined(compare(both, none)), EndsWith("the same was asked\n"));
}

// What is said of L* is said of L* alone.
TEST(Diff, SaysWhatOfAnLStarChanged) {
  const auto with = [](const char* mean, const char* resolved, const char* of_actual) {
    return parsed(
        fmt::format(R"({{"estimator": "e", "overall_mape": 5, "mape_of_actual": {}, "results": [{{"model": "m",
      "L_star_empirical": {}, "resolved": {}, "l_star_per_prompt": [3, 3], "resolved_per_prompt": [true, {}]}}]}})",
                    of_actual, mean, resolved, resolved));
  };
  const ResultFile a = with("3", "true", "7");
  EXPECT_THAT(joined(compare(a, with("3", "false", "7"))),
              AllOf(HasSubstr("e: L* 3 -> 3?, is no longer resolved; 1 of 2 prompts: #2 3 -> 3?"),
                    EndsWith("the same was asked; L* is the same in 1 model; only its resolution changed in 1\n")));
  EXPECT_THAT(
      joined(compare(a, with("3.0000000001", "true", "7"))),
      AllOf(HasSubstr("e: L* 3 -> 3.0000000001"), EndsWith("the same was asked; L* changed in 1 of 1 model\n")));
  EXPECT_THAT(joined(compare(a, with("3", "true", "9"))), HasSubstr("(MAPE 5.0%, of actual 7 -> 9; "));
}

// All of another result's caveats are no more than a few lines, and no square of their number.
TEST(Diff, ManyCaveats) {
  constexpr size_t kMany = 60'000;
  const auto with = [](const char* word) {
    std::string caveats;
    for (size_t i = 0; i < kMany; ++i) caveats += fmt::format("{}\"{} {}\"", i ? "," : "", word, i);
    return parsed(R"({"results": [], "estimator": "e", "verdict": "GOOD", "verdict_caveats": ["both",)" + caveats +
                  "]}");
  };
  const std::string text = diff_text(compare(with("old"), with("new")), false);
  EXPECT_THAT(text,
              AllOf(HasSubstr("    - but old 0\n"), HasSubstr("    - and 59997 more\n"), HasSubstr("    + but new 2\n"),
                    HasSubstr("    + and 59997 more\n"), Not(HasSubstr("both")), Not(HasSubstr("new 3\n"))));
}

// Weights that differ in the last place are told, and are no change.
TEST(Diff, RoundingIsNoChange) {
  const auto nudged = [](double by) {
    return [by](Measurement& m) {
      for (double& norm : m.weights.w_v_sq) norm *= 1 + by;
    };
  };
  const auto same = [](Study& s) { s.dtype = Dtype::float32; };
  const ResultFile a = read_back(asked(same), "a.json"), b = read_back(asked(same, nudged(1e-7)), "b.json"),
                   c = read_back(asked(same, nudged(1e-2)), "c.json");
  const ResultDiff rounded = compare(a, b), moved = compare(a, c);
  EXPECT_FALSE(rounded.changed()) << diff_text(rounded, false);
  EXPECT_THAT(joined(rounded),
              AllOf(HasSubstr("norms of weights: differ by at most 1.0e-07, relative (108 of 216, most in "),
                    HasSubstr("which is rounding: no change up to 1e-05"), EndsWith("\nno change\n")));
  EXPECT_TRUE(moved.results_changed());
  EXPECT_THAT(joined(moved), AllOf(HasSubstr(": changed, rounding explains up to 1e-05"),
                                   EndsWith("the same was asked; L* is the same in 6 models\n")));
}

TEST(Diff, LayersInWordsAndAsJson) {
  const auto same = [](Study&) {};
  const auto stepped = [](Measurement& m) {
    if (m.identity.model == "openai-community/gpt2") m.weights.w_v_sq[4] *= 40;
  };
  const StudyResult after = asked(same, stepped);
  const ResultDiff diff = compare(read_back(asked(same), "a.json"), read_back(after, "b\x1b[31m.json"));
  const std::string text = diff_text(diff, false);
  EXPECT_THAT(text, AllOf(HasSubstr("MODELS\n  openai-community/gpt2\n    off_diagonal: L* "),
                          HasSubstr("; 5 of 5 prompts: #1 "), HasSubstr(", error "),
                          HasSubstr("L* changed in 1 of 6 models"), Not(HasSubstr("\x1b"))));
  const auto document = JsonDocument::parse(write_json(diff_json(diff)), "diff");
  ASSERT_TRUE(document) << document.error().message();
  const Json root = document->root();
  EXPECT_EQ(root.boolean("changed"), true);
  EXPECT_EQ(root.boolean("asked_changed"), false);
  const Json model = root["models"]["changed"].at(0).value_or(Json());
  EXPECT_EQ(model.string("b"), "openai-community/gpt2");
  const Json score = model["by_estimator"].at(0).value_or(Json());
  EXPECT_EQ(score.string("estimator"), "off_diagonal");
  EXPECT_EQ(score.integer("prompts_changed"), 5);
  EXPECT_EQ(score["prompts"].at(0)->find("b")->integer("prompt"), 1);
  EXPECT_EQ(score["b"]["l_star"].number(), after.models[5].scores[0].l_star);
  EXPECT_NE(score["a"]["l_star"].number(), after.models[5].scores[0].l_star);
}

// What the tolerances are for: the same models by each instruction set that this processor has. L* of rounding residue
// alone may be another. LSTAR_SHOW=1 prints what is said.
TEST(Diff, VectorTargetsDifferByRounding) {
  Study study;
  for (const char* model : {"gpt2-12x12", "neox-24x16", "bloom-24x16"})
    study.models.push_back({.name = model, .path = testing::source_path("zoo/" + std::string(model))});
  study.prompts = testing::made_up_prompts();
  study.estimators = {"off_diagonal", "ov_circuit", "multi_head", "as_written"};
  for (const Dtype dtype : {Dtype::float32, Dtype::float16, Dtype::bfloat16, Dtype::float64}) {
    study.dtype = dtype;
    std::vector<ResultFile> results;
    for (const int64_t target : vector_targets()) {
      set_vector_target(target);
      results.push_back(read_back(*run_study(study, {.threads = 2, .hash_files = false, .timestamp = "t"}),
                                  vector_target_name(target)));
    }
    set_vector_target(0);
    for (size_t i = 1; i < results.size(); ++i) {
      const ResultDiff diff = compare(results[0], results[i]);
      if (std::getenv("LSTAR_SHOW")) std::puts((std::string(name(dtype)) + "\n" + diff_text(diff, false)).c_str());
      EXPECT_TRUE(diff.backend);
      for (const ModelDiff& model : diff.models)
        for (const ScoreDiff& score : model.scores) EXPECT_EQ(score.estimator, "as_written") << name(dtype);
      for (const NumberDiff& kind : diff.numbers)
        EXPECT_TRUE(kind.is_rounding() || kind.what == "predictions and errors") << name(dtype) << "\n"
                                                                                 << diff_text(diff, false);
    }
  }
}

}  // namespace
}  // namespace lstar
