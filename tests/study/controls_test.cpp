// Controls of a study: a shadow in another dtype, untrained twins, and lengths, measured and read back from a store.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/text.h"
#include "lstar/study/evaluate_run.h"
#include "lstar/study/measure_controls.h"
#include "lstar/study/store/store.h"
#include "lstar/study/study.h"
#include "tests/support/recorded.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

Study study_of(const char* model, const std::string& text) {
  Study study;
  study.models.push_back({.name = model, .path = testing::source_path(model), .lab = "zoo"});
  study.prompts.push_back({.text = text, .ids = {}});
  study.estimators = {"off_diagonal", "ov_circuit"};
  study.in_sample = {};
  return study;
}

StudyResult ran(const Study& study, Store* store = nullptr) {
  RunOptions options{.timestamp = "t"};
  options.keep.store = store;
  options.keep.provenance.time = "2026-01-01T00:00:00Z";
  auto result = run_study(study, options);
  EXPECT_TRUE(result) << result.error().message();
  EXPECT_TRUE(result->failed.empty());
  return *std::move(result);
}

// One prompt whose L* another dtype has elsewhere: float64 and float32 say 3, float16 14, bfloat16 22 (recomputed with
// transformers).
TEST(Controls, AShadowElsewhereIsNotResolved) {
  Study study = study_of("zoo/bloom-24x16", "bloom splits text with");
  const struct {
    Dtype dtype;
    int l_star;
  } rows[] = {{Dtype::float16, 14}, {Dtype::bfloat16, 22}};
  for (const auto& row : rows) {
    study.dtype = row.dtype;
    study.controls.shadow = usual_shadow(row.dtype);
    ASSERT_EQ(study.controls.shadow, Dtype::float32);
    const ModelScore s = ran(study).models.at(0).scores[0];
    EXPECT_EQ(s.l_star, row.l_star);
    EXPECT_TRUE(s.resolved_by_summation);
    EXPECT_EQ(s.resolved_by_pass, false);
    EXPECT_FALSE(s.resolved);
    ASSERT_TRUE(s.shadow);
    EXPECT_EQ(s.shadow->l_star_per_prompt, std::vector<std::optional<int>>{3});
    EXPECT_EQ(s.shadow->same, 0);
    EXPECT_EQ(s.decides->verdict, "");
    EXPECT_EQ(s.decides->reason, "in float32 it is 3");
  }
  study.dtype = Dtype::float32;
  study.controls.shadow = Dtype::float64;
  const ModelScore exact = ran(study).models.at(0).scores[0];
  EXPECT_EQ(exact.l_star, 3);
  EXPECT_EQ(exact.resolved_by_pass, true);
  EXPECT_TRUE(exact.resolved);
}

TEST(Controls, WithoutAShadowSixteenBitsResolveNothing) {
  Study study = study_of("zoo/gpt2-12x12", "Once upon a time in a land far away");
  study.dtype = Dtype::float16;
  const StudyResult alone = ran(study);
  EXPECT_TRUE(alone.models[0].scores[0].resolved_by_summation);
  EXPECT_EQ(alone.models[0].scores[0].resolved_by_pass, false);
  EXPECT_FALSE(alone.models[0].scores[0].resolved);
  study.controls.shadow = Dtype::float32;
  EXPECT_TRUE(ran(study).models[0].scores[0].resolved);
  study.dtype = Dtype::float32;
  study.controls.shadow.reset();
  const StudyResult usual = ran(study);
  EXPECT_TRUE(usual.models[0].scores[0].resolved) << "the floor of float32 covers its pass";
  EXPECT_EQ(usual.models[0].scores[0].resolved_by_pass, std::nullopt) << "and nobody asked";
}

// Rounded at random the same prompt has the layer that float32 and float64 have (3) in some of the seeds, and the one
// of rounding to the nearest (14) in others; in float32, of which twice as wide a format rounds at random, in none.
TEST(Controls, RoundedAtRandomIsNotResolved) {
  Study study = study_of("zoo/bloom-24x16", "bloom splits text with");
  study.controls.mca = 20;
  study.dtype = Dtype::float16;
  const ModelScore s = ran(study).models.at(0).scores[0];
  EXPECT_EQ(s.l_star, 14);
  EXPECT_TRUE(s.resolved_by_summation);
  EXPECT_EQ(s.resolved_by_pass, false);
  EXPECT_FALSE(s.resolved);
  ASSERT_TRUE(s.mca);
  EXPECT_EQ(s.mca->seeds, 20);
  EXPECT_FALSE(s.shadow) << "asked for in its place";
  const McaScore::OfPrompt& prompt = s.mca->per_prompt.at(0);
  EXPECT_THAT(prompt.layers, ::testing::Contains(3));
  EXPECT_EQ(std::accumulate(prompt.seeds.begin(), prompt.seeds.end(), 0), 20);
  EXPECT_LT(prompt.same, kLeastSeedShare * 20);
  EXPECT_EQ(s.mca->same, prompt.same / 20.0);
  EXPECT_THAT(s.decides->reason, ::testing::StartsWith("rounded at random it is elsewhere in "));
  study.dtype = Dtype::float32;
  const ModelScore exact = ran(study).models.at(0).scores[0];
  EXPECT_EQ(exact.mca->per_prompt.at(0).layers, std::vector<int>{3});
  EXPECT_EQ(exact.mca->same, 1);
  EXPECT_EQ(exact.mca->l_star_std, 0);
  EXPECT_EQ(exact.resolved_by_pass, true);
  EXPECT_TRUE(exact.resolved);
  study.dtype = Dtype::float64;
  const auto refused = check(study);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::argument);
}

// What every prompt of three says: one that has another layer in the shadow, one that has the same, and one that
// cannot be run. And of a study's L* how many seeds have each, of that of the run alone.
TEST(Controls, PromptByPrompt) {
  Study study = study_of("zoo/bloom-24x16", "bloom splits text with");
  study.prompts.push_back({.text = "Climate change affects global temperatures and weather patterns significantly."});
  study.prompts.push_back({.text = {}, .ids = {999'999}});
  study.dtype = Dtype::float16;
  study.controls.shadow = Dtype::float32;
  study.controls.mca = 4;
  const ModelScore s = ran(study).models.at(0).scores[0];
  ASSERT_EQ(s.l_star_per_prompt.size(), 3u);
  EXPECT_EQ(s.shadow->prompts, 2);
  EXPECT_EQ(s.shadow->same, 1);
  EXPECT_EQ(s.shadow->l_star_per_prompt[0], 3);
  EXPECT_EQ(s.shadow->l_star_per_prompt[2], std::nullopt);
  ASSERT_EQ(s.mca->per_prompt.size(), 3u);
  EXPECT_TRUE(s.mca->per_prompt[2].layers.empty());
  double same = 0;
  for (size_t p = 0; p < 2; ++p) {
    const McaScore::OfPrompt& prompt = s.mca->per_prompt[p];
    const auto own = std::find(prompt.layers.begin(), prompt.layers.end(), s.l_star_per_prompt[p].value());
    EXPECT_EQ(prompt.same, own == prompt.layers.end() ? 0 : prompt.seeds[own - prompt.layers.begin()]) << p;
    EXPECT_LE(prompt.layers.size(), 4u);
    same += prompt.same;
  }
  EXPECT_EQ(s.mca->same, same / 8);
}

// An L* that both dtypes have is still not resolved where what they compute otherwise is larger than its margin: here
// the shadow's trace is the run's but for the second largest step.
TEST(Controls, ADifferenceBeyondTheMarginResolvesNothing) {
  Study study = study_of("zoo/gpt2-12x12", "a b c d e f g h");
  study.estimators = {"off_diagonal"};
  study.controls.shadow = Dtype::float64;
  const auto measured = measure(study.models[0].path, study.prompts);
  ASSERT_TRUE(measured);
  const size_t heads = measured->seen.off_diagonal.dim2();
  // Traces of 12 layers: (n - tr A) ||W_V||^2, made by setting one factor to 1.
  const auto with = [&](double runner_up) {
    Measurement m = *measured;
    std::fill(m.weights.w_v_sq.begin(), m.weights.w_v_sq.end(), 1.0);
    const double trace[12] = {1, 1, 1, 1, 2, 2, 2, 2, 2 + runner_up, 2 + runner_up, 2 + runner_up, 2 + runner_up};
    for (size_t l = 0; l < 12; ++l)
      for (size_t h = 0; h < heads; ++h) m.seen.off_diagonal(0, l, h) = trace[l];
    return m;
  };
  const auto resolved = [&](double own, double shadow) {
    std::vector<ControlMeasurement> controls;
    controls.push_back({{ControlKind::shadow}, with(shadow)});
    const auto model = evaluate_model(study, study.models[0], with(own), controls);
    EXPECT_TRUE(model);
    EXPECT_EQ(model->scores[0].l_star, 4);
    EXPECT_TRUE(model->scores[0].resolved_by_summation);
    return model->scores[0].resolved_by_pass;
  };
  EXPECT_EQ(resolved(0.9, 0.9), true);
  EXPECT_EQ(resolved(0.9, 0.88), true) << "off by a fifth of the margin";
  EXPECT_EQ(resolved(0.9, 0.7), false) << "off by more than the margin";
}

// How far the formula is off each twin's own L*, and how clear the L* of cuts are: of each mean what it is the mean of.
TEST(Controls, ErrorsOfTwinsAndMarginsOfCuts) {
  Study study = study_of("zoo/gpt2-12x12", "Once upon a time in a land far away, there lived a wise old king of many");
  study.controls = {.untrained = 1, .lengths = {8}};
  const StudyResult result = ran(study);
  const ModelScore& s = result.models[0].scores[0];
  ASSERT_TRUE(s.untrained && s.untrained->l_star);
  EXPECT_NEAR(s.untrained->error_pct.value(), 100 * std::fabs(0.11 + 0.012 * 12 + 4.9 / 12 - *s.untrained->l_star / 12),
              1e-9);
  // The cut as a prompt of its own.
  ASSERT_FALSE(s.lengths.empty());
  Study alone = study;
  alone.controls = {};
  std::vector<int32_t> ids = result.models[0].measurement.prompts[0].ids;
  ids.resize(8);
  alone.prompts = {{.text = {}, .ids = ids}};
  const StudyResult cut = ran(alone);
  const auto& traces = cut.models[0].traces;
  const auto named = [](const ModelTraces& one) { return one.estimator == "off_diagonal"; };
  EXPECT_EQ(s.lengths[0].margin, std::find_if(traces.begin(), traces.end(), named)->prompts[0].detections[0].margin);
  EXPECT_EQ(s.lengths[0].l_star, cut.models[0].scores[0].l_star);
}

// A mean of prompts that disagree is no layer.
TEST(Controls, PromptsThatDisagreeResolveNothing) {
  Study study = study_of("zoo/bloom-24x16", "");
  study.prompts = {};
  for (const char* text : {"The capital of France is Paris, which is known for the Eiffel Tower.",
                           "In mathematics, the derivative of x squared equals two times x.",
                           "Climate change affects global temperatures and weather patterns significantly."})
    study.prompts.push_back({.text = text, .ids = {}});
  const ModelScore s = ran(study).models[0].scores[0];
  ASSERT_TRUE(s.agreement);
  EXPECT_LT(s.agreement->modal_share, kLeastModalShare);
  EXPECT_TRUE(s.resolved_by_summation);
  EXPECT_EQ(s.resolved_by_prompts, false);
  EXPECT_FALSE(s.resolved);
}

// L* by length, of the zoo's own description (recomputed with transformers in float64).
TEST(Controls, LadderOfLengths) {
  const std::string text = *read_file(testing::source_path("zoo/README.md"));
  const struct {
    const char* model;
    size_t estimator;
    std::vector<int> l_star;
  } rows[] = {{"zoo/neox-24x16", 0, {8, 19, 1, 1, 1, 1, 1}},
              {"zoo/neox-24x16", 1, {19, 19, 19, 19, 19, 19, 1}},
              {"zoo/bloom-24x16", 0, {1, 1, 11, 14, 14, 14, 14}},
              {"zoo/neox-12x12", 0, {4, 5, 1, 1, 1, 1, 1}}};
  for (const auto& row : rows) {
    Study study = study_of(row.model, text.substr(0, 2'000));
    study.controls.lengths = {4, 8, 16, 32, 64, 128, 224};
    const StudyResult result = ran(study);
    std::vector<int> found;
    for (const LengthScore& length : result.models[0].scores[row.estimator].lengths)
      if (!length.has_begin) found.push_back(static_cast<int>(length.l_star.value_or(-1)));
    EXPECT_EQ(found, row.l_star) << row.model << " " << row.estimator;
  }
}

// The cuts are the text's first tokens; with a beginning, that token and one fewer.
TEST(Controls, BeginningOfSequence) {
  Study study = study_of("zoo/neox-12x12", "one two three four five six seven eight nine ten eleven twelve thirteen");
  study.controls.lengths = {4, 8};
  const StudyResult result = ran(study);
  const auto& lengths = result.models[0].scores[0].lengths;
  ASSERT_EQ(lengths.size(), 4u);
  EXPECT_EQ(lengths[1].tokens, 4);
  EXPECT_TRUE(lengths[1].has_begin);
  EXPECT_EQ(lengths[1].prompts, 1);
}

// A GGUF's configuration has that token under the name that llama.cpp gives it; this file's is 1.
TEST(Controls, BeginningOfSequenceOfAGguf) {
  auto model = OpenModel::open(testing::source_path("tests/data/gguf/llama-f32.gguf"));
  ASSERT_TRUE(model) << model.error().message();
  Study study;
  study.prompts.push_back({.text = {}, .ids = {5, 6, 7, 8, 9, 10, 11, 12}});
  study.controls.lengths = {4, 8};
  const auto cuts = length_cuts(*model, study);
  ASSERT_TRUE(cuts) << cuts.error().message();
  ASSERT_EQ(cuts->size(), 4u);
  EXPECT_FALSE(cuts->at(0).has_begin);
  EXPECT_THAT(cuts->at(0).prompts.at(0).ids, ::testing::ElementsAre(5, 6, 7, 8));
  EXPECT_TRUE(cuts->at(1).has_begin);
  EXPECT_THAT(cuts->at(1).prompts.at(0).ids, ::testing::ElementsAre(1, 5, 6, 7));
  EXPECT_TRUE(cuts->at(3).has_begin);
  EXPECT_THAT(cuts->at(3).prompts.at(0).ids, ::testing::ElementsAre(1, 5, 6, 7, 8, 9, 10, 11));
}

// What is kept is what was measured: the study from its store, without a model, is the study to the last number.
TEST(Controls, FromTheStoreAsFresh) {
  const testing::TemporaryFolder folder;
  auto store = Store::open(folder / "s.sqlite", StoreAccess::create);
  ASSERT_TRUE(store) << store.error().message();
  Study study = study_of("zoo/gpt2-12x12", "Once upon a time in a land far away, there lived a wise old king of many");
  study.controls = {.shadow = Dtype::float64, .mca = 2, .untrained = 3, .lengths = {4, 8}};
  const StudyResult fresh = ran(study), kept = ran(study, &*store);
  const auto run = store->find_run("");
  ASSERT_TRUE(run) << run.error().message();
  EXPECT_EQ(run->study.controls, study.controls);
  ASSERT_EQ(run->outcomes[0].controls.size(), 1u + 2 + 3 + 4);
  const auto models = evaluate_models(*store, *run, run->study);
  ASSERT_TRUE(models) << models.error().message();
  for (size_t e = 0; e < 2; ++e) {
    const ModelScore &a = fresh.models[0].scores[e], &b = kept.models[0].scores[e], &c = (*models)[0]->scores[e];
    for (const ModelScore* other : {&b, &c}) {
      EXPECT_EQ(a.untrained->l_star, other->untrained->l_star);
      EXPECT_EQ(a.untrained->error_pct, other->untrained->error_pct);
      EXPECT_EQ(a.untrained->seeds, 3);
      EXPECT_EQ(a.mca->seeds, 2);
      EXPECT_EQ(a.mca->same, other->mca->same);
      EXPECT_EQ(a.mca->per_prompt.at(0).layers, other->mca->per_prompt.at(0).layers);
      EXPECT_EQ(a.shadow->l_star_per_prompt, other->shadow->l_star_per_prompt);
      EXPECT_EQ(a.resolved_by_pass, other->resolved_by_pass);
      ASSERT_EQ(a.lengths.size(), other->lengths.size());
      for (size_t i = 0; i < a.lengths.size(); ++i) {
        EXPECT_EQ(a.lengths[i].l_star, other->lengths[i].l_star);
        EXPECT_EQ(a.lengths[i].margin, other->lengths[i].margin);
        EXPECT_EQ(a.lengths[i].has_begin, other->lengths[i].has_begin);
      }
    }
  }
  // Again nothing is measured; and what a run is made of stays when the rest is cleared.
  size_t known = 0, asked = 0;
  RunOptions options{.timestamp = "t"};
  options.keep.store = &*store;
  options.kept = [&](const Kept& one) {
    known += one.known;
    asked += one.asked;
  };
  ASSERT_TRUE(run_study(study, options));
  EXPECT_EQ(known, asked);
  EXPECT_EQ(asked, 1u + 1 + 2 + 3 + 4);
  ASSERT_TRUE(store->prune({.unused = true}, true));
  const auto still = evaluate_models(*store, *store->find_run(""), study);
  ASSERT_TRUE(still) << still.error().message();
  EXPECT_EQ((*still)[0]->scores[0].untrained->l_star, fresh.models[0].scores[0].untrained->l_star);
}

TEST(Controls, TextsThatAreTooShort) {
  Study study = study_of("zoo/gpt2-12x12", "short");
  study.controls.lengths = {4, 100'000};
  const StudyResult result = ran(study);
  const auto& lengths = result.models[0].scores[0].lengths;
  ASSERT_EQ(lengths.size(), 2u);
  EXPECT_THAT(lengths[0].reason, ::testing::HasSubstr("no text of 100000 tokens to cut from"));
}

}  // namespace
}  // namespace lstar
