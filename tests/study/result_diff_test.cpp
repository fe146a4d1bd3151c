// Two results of which one thing is different: that is found, and nothing else is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include <fmt/format.h>

#include "lstar/study/result_diff.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

// Two models on three prompts, the last of which failed; a third model failed and a fourth is given twice.
const std::string kResult = R"({
  "experiment": "L*", "timestamp": "20260101_000000", "formula": "L* = L / 2", "formula_name": "half",
  "estimator": "off_diagonal", "detector": "argmax_step", "verdict": "GOOD",
  "by_estimator": {"off_diagonal": {
    "estimator": "off_diagonal", "n_asked": 3, "n_models": 2, "n_resolved": 2, "overall_mape": 8.5,
    "mape_of_actual": 9.5, "verdict": "GOOD", "verdict_caveats": ["one lab"],
    "results": [
      {"model": "one", "lab": "A", "L": 4, "H": 2, "family": "gpt2", "dtype": "float32", "L_star_predicted": 2.5,
       "L_star_empirical": 2.5, "L_star_std": 0.5, "error_pct": 5.5, "resolved": true, "reason": null,
       "l_star_per_prompt": [2, 3, null], "resolved_per_prompt": [true, true, false],
       "margin_per_prompt": [0.5, 0.25, null], "failed_prompts": [{"prompt": 3, "error": "empty"}],
       "decides": {"verdict": "weights"}, "gain": 1.5,
       "checkpoint": {"path": "models/one", "stored_dtype": "BF16", "revision": "r1", "files": [{"file": "m.safetensors", "sha256": "aaaa"}]}},
      {"model": "two", "lab": "B", "L": 4, "H": 2, "family": "gpt2", "dtype": "float32", "L_star_predicted": 2.0,
       "L_star_empirical": 1, "L_star_std": 0, "error_pct": 25.0, "resolved": true, "reason": null,
       "l_star_per_prompt": [1, 1, null], "resolved_per_prompt": [true, true, false], "decides": null, "gain": null,
       "margin_per_prompt": [0.75, 0.75, null], "failed_prompts": [{"prompt": 3, "error": "empty"}],
       "checkpoint": {"path": "models/two", "stored_dtype": null, "revision": null,
                      "files": [{"file": "m.safetensors", "sha256": "bbbb"}]}}]}},
  "failed": [{"model": "three", "lab": "C", "error": "no such folder"}],
  "duplicates": [{"model": "four", "lab": "A", "same_as": "one"}],
  "estimators": ["off_diagonal"], "in_sample": ["A"], "dtype": "float32", "head_layout": "true", "device": "cpu",
  "backend": "Highway AVX3", "seed": 7, "version": "1.0", "numerics": 1, "run": "12ab",
  "prompts": [{"id": 1, "text": "p", "token_ids": []}, {"id": 2, "text": "q", "token_ids": []},
              {"id": 3, "text": "", "token_ids": []}],
  "tokenizations": [{"models": ["one", "two"], "token_ids": [[1, 2], [3], []]}],
  "traces": [
    {"model": "one", "w_v_frobenius_sq": [10.0, 20.0, 30.0, 40.0], "residual_norm": [[1.0, 2.0], [3.0, 4.0]],
     "residual_norm_mean": [2.0, 3.0],
     "mean": {"off_diagonal": {"trace": [1.0, 2.0, 5.5, 9.0], "rounding_floor": [1e-7, 1e-7, 1e-7, 1e-7]}},
     "by_estimator": {"off_diagonal": [{"trace": [1.0, 2.0, 8.0, 9.0], "rounding_floor": [1e-7, 1e-7, 1e-7, 1e-7]},
                                       {"trace": [1.0, 2.0, 3.0, 9.0], "rounding_floor": [1e-7, 1e-7, 1e-7, 1e-7]}]}},
    {"model": "two", "residual_norm": null, "residual_norm_mean": [1.0, 2.0],
     "mean": {"off_diagonal": {"trace": [1.0, 3.0, 3.0, 3.0], "rounding_floor": [0.0, 0.0, 0.0, 0.0]}},
     "by_estimator": null}]
})";

using Edits = std::vector<std::pair<const char*, const char*>>;

ResultFile parsed(const std::string& text) {
  auto result = parse_result(text, "r.json");
  EXPECT_TRUE(result) << result.error().message();
  return result ? *std::move(result) : ResultFile();
}

// The first place of each.
std::string edited(const Edits& edits) {
  std::string text = kResult;
  for (const auto& [from, to] : edits) {
    const size_t at = text.find(from);
    EXPECT_NE(at, text.npos) << from;
    text.replace(at, std::string_view(from).size(), to);
  }
  return text;
}

ResultDiff diff_of(const Edits& edits) { return compare(parsed(kResult), parsed(edited(edits))); }

std::vector<std::string> words(const std::vector<ValueDifference>& differences) {
  std::vector<std::string> all;
  for (const ValueDifference& d : differences)
    all.push_back(fmt::format("{}: {} -> {}", d.what, d.a.value_or("none"), d.b.value_or("none")));
  return all;
}

TEST(ResultDiff, TheSameIsNoChange) {
  const ResultDiff diff = diff_of({});
  EXPECT_FALSE(diff.changed());
  EXPECT_THAT(diff.lacking, IsEmpty());
}

TEST(ResultDiff, TimeAndPlaceAreNoChange) {
  const ResultDiff diff =
      diff_of({{"20260101_000000", "20270101_000000"}, {"models/one", "/elsewhere/one"}, {"12ab", "34cd"}});
  EXPECT_FALSE(diff.changed());
}

TEST(ResultDiff, EachThingThatWasAsked) {
  const std::pair<Edits, const char*> rows[] = {
      {{{"\"head_layout\": \"true\"", "\"head_layout\": \"thirds\""}}, "head layout: true -> thirds"},
      {{{"\"detector\": \"argmax_step\"", "\"detector\": \"central\""}}, "detector: argmax_step -> central"},
      {{{"\"formula_name\": \"half\"", "\"formula_name\": \"v3\""}}, "formula: half -> v3"},
      {{{"L* = L / 2", "L* = L / 3"}}, "formula's text: L* = L / 2 -> L* = L / 3"},
      {{{"\"seed\": 7", "\"seed\": 8"}}, "seed: 7 -> 8"},
      {{{"\"cpu\"", "\"gpu\""}}, "device: cpu -> gpu"},
      {{{"\"in_sample\": [\"A\"]", "\"in_sample\": []"}}, "in-sample labs: A -> "},
      {{{"\"version\": \"1.0\"", "\"version\": \"1.1\""}}, "lstar: 1.0 -> 1.1"},
      {{{"\"numerics\": 1", "\"numerics\": 2"}}, "numerics: 1 -> 2"},
      {{{"\"dtype\": \"float32\", \"head", "\"dtype\": \"float16\", \"head"}}, "dtype: float32 -> float16"},
      {{{"\"estimators\": [\"off_diagonal\"]", "\"estimators\": [\"off_diagonal\", \"x\"]"}},
       "estimators: off_diagonal -> off_diagonal, x"},
  };
  for (const auto& [edits, line] : rows) {
    const ResultDiff diff = diff_of(edits);
    EXPECT_THAT(words(diff.asked), ElementsAre(line));
    EXPECT_TRUE(diff.asked_changed()) << line;
    EXPECT_FALSE(diff.results_changed()) << line;
  }
}

TEST(ResultDiff, ADeviceOfNoModelIsNone) { EXPECT_FALSE(diff_of({{"\"cpu\"", "null"}}).changed()); }

TEST(ResultDiff, EachThingOfAModel) {
  const std::pair<Edits, const char*> rows[] = {
      {{{"aaaa", "cccc"}}, "sha256 of m.safetensors: aaaa -> cccc"},
      {{{"\"r1\"", "\"r2\""}}, "revision: r1 -> r2"},
      {{{"\"r1\"", "null"}}, "revision: r1 -> none"},
      {{{"\"BF16\"", "\"F16\""}}, "stored dtype: BF16 -> F16"},
      {{{"\"lab\": \"A\"", "\"lab\": \"Z\""}}, "lab: A -> Z"},
      {{{"{\"file\": \"m.safetensors\", \"sha256\": \"aaaa\"}", ""}}, "weight files: 1 -> 0"},
  };
  for (const auto& [edits, line] : rows) {
    const ResultDiff diff = diff_of(edits);
    ASSERT_EQ(diff.models.size(), 1u) << line;
    EXPECT_EQ(diff.models[0].a, "one");
    EXPECT_THAT(words(diff.models[0].asked), ElementsAre(line));
    EXPECT_FALSE(diff.results_changed()) << line;
  }
  const ResultDiff failed = diff_of({{"no such folder", "out of memory"}});
  EXPECT_THAT(words(failed.models.at(0).outcome),
              ElementsAre("outcome: failed: no such folder -> failed: out of memory"));
  EXPECT_TRUE(failed.results_changed());
  EXPECT_FALSE(failed.asked_changed());
  EXPECT_EQ(diff_of({{"[1, 2]", "[1, 9]"}}).models.at(0).other_tokens, 1u);
}

TEST(ResultDiff, ModelsThatComeAndGo) {
  ResultDiff diff = diff_of({{"\"model\": \"three\"", "\"model\": \"five\""}});
  EXPECT_THAT(diff.models_removed, ElementsAre("three"));
  EXPECT_THAT(diff.models_added, ElementsAre("five"));
  EXPECT_TRUE(diff.asked_changed());
  // Under another name the same weights are the same model.
  diff = diff_of({{"\"model\": \"one\"", "\"model\": \"/b/one\""},
                  {"{\"model\": \"one\"", "{\"model\": \"/b/one\""},
                  {"[\"one\"", "[\"/b/one\""}});
  EXPECT_THAT(diff.models_removed, IsEmpty());
  EXPECT_THAT(words(diff.models.at(0).asked), ElementsAre("name: one -> /b/one"));
  EXPECT_FALSE(diff.results_changed());
}

TEST(ResultDiff, Prompts) {
  ResultDiff diff = diff_of({{", {\"id\": 2, \"text\": \"q\", \"token_ids\": []}", ""},
                             {"[[1, 2], [3], []]", "[[1, 2], []]"},
                             {"[2, 3, null]", "[2, null]"},
                             {"[true, true, false]", "[true, false]"},
                             {"[0.5, 0.25, null]", "[0.5, null]"},
                             {"[1, 1, null]", "[1, null]"},
                             {"[true, true, false]", "[true, false]"},
                             {"[0.75, 0.75, null]", "[0.75, null]"}});
  ASSERT_EQ(diff.prompts.changed.size(), 1u);
  EXPECT_EQ(diff.prompts.changed[0].a, 1u);
  EXPECT_FALSE(diff.prompts.changed[0].b);
  EXPECT_THAT(diff.prompts.b_of_a, ElementsAre(0u, std::nullopt, 1u));
  diff = diff_of({{"\"id\": 2, \"text\": \"q\"", "\"id\": 2, \"text\": \"Q\""}});
  ASSERT_EQ(diff.prompts.changed.size(), 1u);
  EXPECT_EQ(diff.prompts.changed[0].before.text, "q");
  EXPECT_EQ(diff.prompts.changed[0].after.text, "Q");
  EXPECT_TRUE(diff.asked_changed());
  EXPECT_FALSE(diff.results_changed()) << "what is of another prompt is not compared";
}

TEST(MatchPrompts, InAnotherOrderWithSomeLeft) {
  const auto prompt = [](const char* id, const char* text) { return ReportedPrompt{.id = id, .text = text}; };
  const PromptsDiff moved = match_prompts({prompt("", "a"), prompt("", "b"), prompt("", "a")},
                                          {prompt("", "b"), prompt("", "a"), prompt("", "a")});
  EXPECT_TRUE(moved.is_reordered);
  EXPECT_THAT(moved.changed, IsEmpty());
  EXPECT_THAT(moved.b_of_a, ElementsAre(1u, 0u, 2u));
  const PromptsDiff more =
      match_prompts({prompt("", "a"), prompt("", "b")}, {prompt("", "a"), prompt("", "c"), prompt("", "b")});
  EXPECT_FALSE(more.is_reordered);
  ASSERT_EQ(more.changed.size(), 1u);
  EXPECT_EQ(more.changed[0].b, 1u);
  // An id tells which prompt was written anew, wherever it stands; without ids it is the place.
  const PromptsDiff by_id = match_prompts({prompt("x", "a"), prompt("y", "b")}, {prompt("y", "B"), prompt("x", "A")});
  ASSERT_EQ(by_id.changed.size(), 2u);
  EXPECT_EQ(by_id.changed[0].b, 1u);
  const PromptsDiff by_place = match_prompts({prompt("", "a"), prompt("", "b")}, {prompt("", "A"), prompt("", "b")});
  ASSERT_EQ(by_place.changed.size(), 1u);
  EXPECT_EQ(by_place.changed[0].b, 0u);
}

TEST(ResultDiff, LayersExactly) {
  ResultDiff diff =
      diff_of({{"[2, 3, null]", "[2, 2, null]"}, {"\"L_star_empirical\": 2.5", "\"L_star_empirical\": 2"}});
  ASSERT_EQ(diff.models.size(), 1u);
  ASSERT_EQ(diff.models[0].scores.size(), 1u);
  const ScoreDiff& score = diff.models[0].scores[0];
  EXPECT_TRUE(score.l_star);
  EXPECT_FALSE(score.resolved);
  EXPECT_FALSE(score.error);
  EXPECT_EQ(score.prompts_compared, 3u);
  ASSERT_EQ(score.prompts.size(), 1u);
  EXPECT_EQ(score.prompts[0].prompt_a, 1u);
  EXPECT_EQ(score.prompts[0].a, 3);
  EXPECT_EQ(score.prompts[0].b, 2);
  EXPECT_FALSE(diff.asked_changed());
  diff = diff_of({{"[true, true, false]", "[true, false, false]"}, {"\"resolved\": true", "\"resolved\": false"}});
  EXPECT_TRUE(diff.models.at(0).scores.at(0).resolved);
  EXPECT_FALSE(diff.models[0].scores[0].l_star);
  EXPECT_EQ(diff.models[0].scores[0].prompts.size(), 1u);
  EXPECT_TRUE(diff_of({{"\"verdict\": \"weights\"", "\"verdict\": \"both\""}}).models.at(0).scores.at(0).decided);
  EXPECT_TRUE(diff_of({{"\"error_pct\": 5.5", "\"error_pct\": 5.6"}}).models.at(0).scores.at(0).error);
  EXPECT_TRUE(diff_of({{"\"reason\": null", "\"reason\": \"flat\""}}).models.at(0).scores.at(0).reason);
}

// As with an error: of another L* it is another, and no matter of rounding.
TEST(ResultDiff, TheDeviationFollowsTheLayers) {
  ResultDiff diff = diff_of({{"\"L_star_std\": 0.5", "\"L_star_std\": 0.6"}});
  EXPECT_TRUE(diff.models.at(0).scores.at(0).deviation);
  EXPECT_FALSE(diff.models[0].scores[0].l_star);
  EXPECT_FALSE(diff.numbers[4].is_rounding());
  EXPECT_FALSE(diff_of({{"\"L_star_std\": 0.5", "\"L_star_std\": 0.5000001"}}).changed());
  diff = diff_of({{"\"L_star_std\": 0.5", "\"L_star_std\": 1.5"}, {"[2, 3, null]", "[1, 4, null]"}});
  EXPECT_TRUE(diff.models.at(0).scores.at(0).deviation);
  EXPECT_TRUE(diff.numbers[4].is_rounding());
}

TEST(ResultDiff, GainIsOfThePrompts) {
  const std::pair<const char*, const char*> gain{"\"gain\": 1.5", "\"gain\": 1.6"};
  EXPECT_THAT(words(diff_of({gain}).models.at(0).outcome), ElementsAre("gain: 1.5 -> 1.6"));
  EXPECT_TRUE(diff_of({gain}).results_changed());
  EXPECT_FALSE(diff_of({{"\"gain\": 1.5", "\"gain\": 1.5000001"}}).changed());
  EXPECT_FALSE(diff_of({gain, {"\"id\": 2, \"text\": \"q\"", "\"id\": 2, \"text\": \"Q\""}}).results_changed());
}

TEST(ResultDiff, VerdictsAndTheirCaveats) {
  ResultDiff diff =
      diff_of({{"\"mape_of_actual\": 9.5, \"verdict\": \"GOOD\"", "\"mape_of_actual\": 9.5, \"verdict\": \"BAD\""}});
  ASSERT_EQ(diff.summaries.size(), 1u);
  EXPECT_TRUE(diff.summaries[0].verdict);
  EXPECT_FALSE(diff.summaries[0].numbers || diff.summaries[0].caveats);
  EXPECT_TRUE(diff.results_changed());
  EXPECT_TRUE(diff_of({{"one lab", "two labs"}}).summaries.at(0).caveats);
  EXPECT_TRUE(diff_of({{"\"n_resolved\": 2", "\"n_resolved\": 1"}}).summaries.at(0).numbers);
  EXPECT_TRUE(diff_of({{"\"overall_mape\": 8.5", "\"overall_mape\": 8.6"}}).summaries.at(0).numbers);
}

const NumberDiff& kind(const ResultDiff& diff, const std::string& what) {
  for (const NumberDiff& one : diff.numbers)
    if (one.what == what) return one;
  ADD_FAILURE() << what;
  return diff.numbers[0];
}

// A rounding difference is told and is no change; a larger one is one; neither is a change of L*.
TEST(ResultDiff, NumbersThatRound) {
  EXPECT_EQ(kind(diff_of({}), "traces").unequal, 0u);
  EXPECT_EQ(kind(diff_of({}), "traces").compared, 12u) << "two prompts of a model, and the mean of another";
  ResultDiff diff = diff_of({{"[1.0, 2.0, 8.0, 9.0]", "[1.0, 2.0, 8.00001, 9.0]"}, {"AVX3", "AVX2"}});
  EXPECT_FALSE(diff.changed());
  EXPECT_EQ(kind(diff, "traces").unequal, 1u);
  EXPECT_NEAR(kind(diff, "traces").largest, (1e-5 - 2e-7) / 8, 1e-9) << "beyond the floors of both";
  EXPECT_EQ(kind(diff, "traces").where, "one, off_diagonal");
  EXPECT_EQ(diff.backend->b, "Highway AVX2");
  diff = diff_of({{"[1.0, 2.0, 8.0, 9.0]", "[1.0, 2.0, 8.00000005, 9.0]"}});
  EXPECT_EQ(kind(diff, "traces").unequal, 1u);
  EXPECT_EQ(kind(diff, "traces").largest, 0) << "within the floors";
  diff = diff_of({{"[1.0, 2.0, 8.0, 9.0]", "[1.0, 2.0, 8.001, 9.0]"}});
  EXPECT_TRUE(diff.results_changed());
  EXPECT_THAT(diff.models, IsEmpty()) << "no L* moved";
  diff = diff_of({{"[1.0, 2.0, 8.0, 9.0]", "[1.0, 2.0, null, 9.0]"}});
  EXPECT_TRUE(diff.results_changed());
  EXPECT_TRUE(diff_of({{"[10.0, 20.0", "[10.0, 20.1"}}).results_changed());
  EXPECT_FALSE(diff_of({{"[10.0, 20.0", "[10.0, 20.00001"}}).results_changed());
  EXPECT_TRUE(diff_of({{"[3.0, 4.0]", "[3.0, 4.1]"}}).results_changed());
  EXPECT_TRUE(diff_of({{"[0.5, 0.25, null]", "[0.5, 0.35, null]"}}).results_changed());
  EXPECT_FALSE(diff_of({{"[0.5, 0.25, null]", "[0.5, 0.2500001, null]"}}).results_changed());
  EXPECT_TRUE(diff_of({{"[1.0, 3.0, 3.0, 3.0]", "[1.0, 3.0, 3.1, 3.0]"}}).results_changed()) << "the mean of many";
  EXPECT_TRUE(
      diff_of({{"null, \"residual_norm_mean\": [1.0", "null, \"residual_norm_mean\": [1.1"}}).results_changed());
  EXPECT_FALSE(diff_of({{"[1.0, 3.0, 3.0, 3.0]", "[1.0, 3.0, 3.1, 3.0]"}, {"[[1, 2]", "[[1, 5]"}}).numbers[0].unequal)
      << "which is compared where all prompts are the same";
  EXPECT_TRUE(diff_of({{"\"L_star_predicted\": 2.5", "\"L_star_predicted\": 2.6"}}).results_changed());
  EXPECT_FALSE(diff_of({{"\"L_star_predicted\": 2.5", "\"L_star_predicted\": 2.5000001"}}).results_changed());
}

// A list that is shorter on one side is a change, and one that is empty is nothing said.
TEST(ResultDiff, ListsOfAnotherLength) {
  const std::pair<Edits, const char*> changes[] = {
      {{{"[1.0, 2.0, 8.0, 9.0]", "[1.0, 2.0, 8.0]"}}, "traces"},
      {{{"[1.0, 3.0, 3.0, 3.0]", "[1.0, 3.0]"}}, "traces"},
      {{{"[10.0, 20.0, 30.0, 40.0]", "[10.0, 20.0, 30.0]"}}, "norms of weights"},
      {{{"[[1.0, 2.0], [3.0, 4.0]]", "[[1.0, 2.0], [3.0]]"}}, "residual norms"},
      {{{"[[1.0, 2.0], [3.0, 4.0]]", "[[1.0, 2.0]]"}}, "residual norms"},
      {{{"null, \"residual_norm_mean\": [1.0, 2.0]", "null, \"residual_norm_mean\": [1.0]"}}, "residual norms"},
  };
  for (const auto& [edits, what] : changes) {
    const ResultDiff diff = diff_of(edits);
    EXPECT_TRUE(diff.results_changed()) << edits[0].second;
    EXPECT_EQ(kind(diff, what).unequal, 1u) << edits[0].second;
    EXPECT_THAT(diff.lacking, IsEmpty()) << edits[0].second;
  }
  const std::pair<Edits, const char*> silences[] = {
      {{{"[1.0, 2.0, 8.0, 9.0]", "[]"}}, "traces"},
      {{{"[1.0, 3.0, 3.0, 3.0]", "[]"}}, "traces"},
      {{{"[10.0, 20.0, 30.0, 40.0]", "null"}}, "norms of weights"},
      {{{"[[1.0, 2.0], [3.0, 4.0]]", "null"}, {"\"residual_norm_mean\": [2.0, 3.0]", "\"residual_norm_mean\": null"}},
       "residual norms"},
      {{{"{\"off_diagonal\": {\"trace\": [1.0, 3.0", "{\"other\": {\"trace\": [1.0, 3.0"}}, "traces by off_diagonal"},
  };
  for (const auto& [edits, what] : silences) {
    const ResultDiff diff = diff_of(edits);
    EXPECT_FALSE(diff.changed()) << edits[0].second;
    ASSERT_TRUE(diff.lacking.contains(what)) << edits[0].second;
    EXPECT_EQ(diff.lacking.at(what), std::pair(false, true)) << edits[0].second;
    const ResultDiff turned = compare(parsed(edited(edits)), parsed(kResult));
    EXPECT_EQ(turned.lacking.at(what), std::pair(true, false)) << edits[0].second;
  }
}

TEST(ResultDiff, WhatOneDoesNotSayIsNotComparable) {
  ResultDiff diff = diff_of({{"\"seed\": 7, ", ""}, {"\"numerics\": 1, ", ""}, {"\"revision\": \"r1\", ", ""}});
  EXPECT_FALSE(diff.changed());
  EXPECT_THAT(diff.lacking, ElementsAre(Pair("numerics", Pair(false, true)), Pair("revision", Pair(false, true)),
                                        Pair("seed", Pair(false, true))));
  diff = diff_of({{"\"sha256\": \"aaaa\"", "\"sha256\": null"}});
  EXPECT_FALSE(diff.changed());
  EXPECT_THAT(diff.lacking, ElementsAre(Pair("sha256 of weights", Pair(false, true))));
  // The notebook's own JSON.
  const ResultFile notebook = parsed(R"({"experiment": "x", "timestamp": "t", "formula": "f", "n_models": 1,
    "results": [{"model": "one", "lab": "A", "L": 4, "H": 2, "arch": "gpt2", "L_star_predicted": 2.5,
                 "L_star_empirical": 2.5, "L_star_std": 0.5, "error_pct": 5.5}]})");
  const ResultDiff old = compare(notebook, notebook);
  EXPECT_FALSE(old.changed());
  EXPECT_EQ(old.lacking.at("prompts"), std::pair(true, true));
  EXPECT_EQ(old.models_compared, 1u);
}

// The first results had ids and errors with each model, and traces of every prompt.
TEST(ResultFile, AsItWasFirst) {
  const ResultFile first = parsed(R"({"detector": "d", "results": [{"model": "m",
    "prompts": [{"text": "", "token_ids": [], "error": "empty"}, {"text": "q", "token_ids": [3, 4], "error": null}]}],
    "traces": [{"model": "m", "by_estimator": {"e": [{"trace": [1.0, null], "rounding_floor": [0.5, 0.5]}]}}]})");
  ASSERT_EQ(first.models.size(), 1u);
  const ReportedModel& model = first.models[0];
  ASSERT_TRUE(model.ids.value);
  EXPECT_THAT((*model.ids.value)->at(1), ::testing::Optional(ElementsAre(3, 4)));
  EXPECT_THAT(model.failed_prompts, ElementsAre(0u));
  ASSERT_EQ(model.traces.at("e").prompts.size(), 1u);
  EXPECT_EQ(model.traces.at("e").prompts[0].trace[0], 1.0);
  EXPECT_THAT(model.traces.at("e").mean.trace, IsEmpty());
}

TEST(ResultFileErrors, OneLineOfWhatIsNoResult) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const std::pair<std::string, const char*> rows[] = {
      {"", "not valid JSON"},
      {"results", "not valid JSON"},
      {"[1, 2]", "no result of lstar run"},
      {"{}", "no result of lstar run"},
      {R"({"model": "x", "prompts": [{"layers": []}]})", "what lstar trace prints"},
      {deep, "r.json"},
      {"{\"results\": " + deep + "}", "r.json"},
      {R"({"results": 7})", "key results: not as lstar run writes it: expected a list, found 7"},
      {R"({"results": [7]})", "expected a list of objects, found 7"},
      {R"({"results": [{"lab": "x"}]})", "key model: not as lstar run writes it: expected a model's name"},
      {R"({"results": [{"model": "m", "L_star_empirical": 1e400}]})",
       "m, key L_star_empirical: not as lstar run writes it: expected a finite number, found 1e400"},
      {R"({"results": [{"model": "m", "l_star_per_prompt": [1.5]}]})",
       "expected a list with a value or null of each prompt"},
      {R"({"results": [{"model": "\u001b[31m", "resolved": "yes"}]})", "expected true or false"},
      {R"({"results": [], "seed": -1})", "key seed"},
      {R"({"results": [], "estimators": "all"})", "key estimators"},
      {R"({"results": [], "by_estimator": []})", "key by_estimator"},
      {R"({"results": [], "by_estimator": {"e": 1}})", "key e: not as lstar run writes it: expected an object"},
      {R"({"results": [{"model": "m"}], "traces": [{"model": "m", "by_estimator": {"e": [{"trace": ["x"]}]}}]})",
       "m, key trace"},
      {R"({"results": [{"model": "m"}], "traces": [{"model": "m", "residual_norm": [[NaN]]}]})", "key residual_norm"},
      {R"({"prompts": [{"text": "p"}, {"text": "q"}], "results": [{"model": "m", "l_star_per_prompt": [1]}]})",
       "m, key l_star_per_prompt: not as lstar run writes it: expected a list with a value or null of each prompt"},
      {R"({"results": [], "prompts": [{"text": "p"}], "tokenizations": [{"models": ["m"], "token_ids": [[1], [2]]}]})",
       "key token_ids: not as lstar run writes it: expected a list for each prompt"},
      {R"({"results": [], "prompts": [{"text": "p"}], "tokenizations": [{"models": ["m"], "token_ids": [[1, 2.5]]}]})",
       "key token_ids: not as lstar run writes it: expected a list of whole numbers or null for each prompt, found [1"},
      {R"({"results": [], "prompts": [{"text": "p"}], "tokenizations": [{"models": ["m"], "token_ids": [7]}]})",
       "key token_ids: not as lstar run writes it: expected a list of whole numbers or null for each prompt, found 7"},
  };
  for (const auto& [text, line] : rows) {
    const auto result = parse_result(text, "r.json");
    ASSERT_FALSE(result) << text.substr(0, 80);
    EXPECT_THAT(result.error().message(), AllOf(HasSubstr(line), Not(HasSubstr("\n")))) << text.substr(0, 80);
  }
}

}  // namespace
}  // namespace lstar
