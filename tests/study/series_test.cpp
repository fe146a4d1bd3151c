// What is measured beside the traces: by hand, from a pass, and from a store that does or does not have it.
#include "lstar/study/series.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/study/evaluate_run.h"
#include "lstar/study/measure_missing.h"
#include "lstar/study/store/store.h"
#include "lstar/study/study.h"
#include "tests/support/recorded.h"
#include "tests/support/study_fixture.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using ::testing::ElementsAre;

// Two prompts of 2 and 4 tokens, two layers, two heads: (1 + 3) / 2 / 2 = 1 and (8 + 8) / 2 / 4 = 2 in layer 0.
TEST(Series, ByHand) {
  Measurement m;
  m.shape.layers = 2;
  m.seen.tokens = {2, 4};
  m.seen.entropy = Array3<double>(2, 2, 2);
  m.seen.entropy(0, 0, 0) = 1, m.seen.entropy(0, 0, 1) = 3;
  m.seen.entropy(1, 0, 0) = 8, m.seen.entropy(1, 0, 1) = 8;
  m.seen.residual_norm = Array2<double>(2, 3);
  const double norms[2][3] = {{1, 2, 3}, {2, 2, 5}};
  for (size_t p = 0; p < 2; ++p)
    for (size_t l = 0; l < 3; ++l) m.seen.residual_norm(p, l) = norms[p][l];
  m.weights.w_v_sq = {4, 9};
  m.weights.w_o_sq = {16, 4};
  m.weights.w_v_spectral = {1, 2};
  const ModelSeries s = series_of(m);
  EXPECT_THAT(s.attention_entropy.by_layer, ElementsAre(1.5, 0));
  EXPECT_EQ(s.attention_entropy.mean, 0.75);
  EXPECT_THAT(s.w_v_frobenius.by_layer, ElementsAre(2, 3));
  EXPECT_THAT(s.w_o_frobenius.by_layer, ElementsAre(4, 2));
  EXPECT_THAT(s.w_v_over_w_o.by_layer, ElementsAre(0.5, 1.5));
  EXPECT_EQ(s.w_v_over_w_o.mean, 1) << "the mean of ratios, not the ratio of means";
  EXPECT_EQ(s.w_v_spectral.mean, 1.5);
  EXPECT_TRUE(s.w_o_spectral.by_layer.empty());
  EXPECT_FALSE(s.w_o_spectral.mean);
  EXPECT_THAT(s.residual_gain.by_layer, ElementsAre(1.5, 2));  // (2 + 1) / 2, (1.5 + 2.5) / 2
  EXPECT_EQ(s.greatest_gain_layer, 1);
  m.weights.w_o_sq[1] = 0;
  EXPECT_FALSE(series_of(m).w_v_over_w_o.mean) << "no mean of what is not finite";
}

TEST(Series, LabsAreMeansOverTheirModels) {
  const StudyResult result = testing::made_up_result();
  const StudySeries series = series_of(result);
  ASSERT_EQ(series.models.size(), result.models.size());
  ASSERT_EQ(series.labs.size(), 4u);
  EXPECT_EQ(series.labs[0].lab, "BigScience");
  const LabSeries& lab = series.labs[1];
  EXPECT_EQ(lab.lab, "EleutherAI");
  EXPECT_EQ(lab.models, 2);
  for (size_t i = 0; i < 4; ++i) {
    const auto of = [&](size_t model) { return *(series.models[model].*kSeriesMeans[i].series).mean; };
    EXPECT_DOUBLE_EQ(*lab.means[i], (of(0) + of(1)) / 2) << kSeriesMeans[i].name;
  }
  EXPECT_FALSE(lab.means[4]) << "no singular values were asked for";
  EXPECT_EQ(series.of_gain.models, 6);
  EXPECT_FALSE(series.of_gain.slope) << "12 and 24 layers";
}

Study zoo_study(bool spectral) {
  Study study;
  study.models.push_back({.name = "gpt2", .path = testing::source_path("zoo/gpt2-12x12"), .lab = "zoo"});
  for (const char* text : {"The capital of France is Paris.", "Two times x equals y.", "Once upon a time in a land"})
    study.prompts.push_back({.text = text, .ids = {}});
  study.in_sample = {};
  study.spectral = spectral;
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

ModelSeries evaluated_again(Store& store, const StoredRun& run) {
  const auto models = evaluate_models(store, run, run.study);
  EXPECT_TRUE(models) << models.error().message();
  return series_of(models->at(0)->measurement);
}

TEST(Series, ARunHasThem) {
  const ModelSeries s = series_of(ran(zoo_study(false)).models.at(0).measurement);
  ASSERT_EQ(s.attention_entropy.by_layer.size(), 12u);
  for (const double entropy : s.attention_entropy.by_layer) {
    EXPECT_GT(entropy, 0);
    EXPECT_LT(entropy, std::log(32));  // of fewer tokens than that
  }
  EXPECT_TRUE(s.w_v_spectral.by_layer.empty());
  const ModelSeries with = series_of(ran(zoo_study(true)).models.at(0).measurement);
  ASSERT_EQ(with.w_v_spectral.by_layer.size(), 12u);
  for (size_t l = 0; l < 12; ++l) {  // s_max <= ||W||_F <= sqrt(rank) s_max
    EXPECT_LE(with.w_v_spectral.by_layer[l], with.w_v_frobenius.by_layer[l]);
    EXPECT_GE(with.w_v_spectral.by_layer[l] * std::sqrt(96.0), with.w_v_frobenius.by_layer[l]);
    EXPECT_LE(with.w_o_spectral.by_layer[l], with.w_o_frobenius.by_layer[l]);
  }
  EXPECT_EQ(with.attention_entropy.by_layer, s.attention_entropy.by_layer);
}

// Singular values that were not asked for before are measured and kept beside the rest; who does not ask has none.
TEST(Series, SingularValuesAreKeptWhereAsked) {
  const testing::TemporaryFolder folder;
  auto store = Store::open(folder / "s.sqlite", StoreAccess::create);
  ASSERT_TRUE(store) << store.error().message();
  const ModelSeries fresh = series_of(ran(zoo_study(true)).models.at(0).measurement);
  ran(zoo_study(false), &*store);
  const StoredRun without = *store->find_run("");
  const StudyResult again = ran(zoo_study(true), &*store);
  EXPECT_EQ(series_of(again.models.at(0).measurement).w_v_spectral.by_layer, fresh.w_v_spectral.by_layer);
  const auto runs = store->runs();
  ASSERT_EQ(runs->size(), 2u) << "another question is another run";
  for (const StoredRun& run : *runs) {
    const ModelSeries kept = evaluated_again(*store, run);
    EXPECT_EQ(kept.w_v_spectral.by_layer, run.study.spectral ? fresh.w_v_spectral.by_layer : std::vector<double>{});
    EXPECT_EQ(kept.w_o_spectral.by_layer, run.study.spectral ? fresh.w_o_spectral.by_layer : std::vector<double>{});
    EXPECT_EQ(kept.attention_entropy.by_layer, fresh.attention_entropy.by_layer);
  }
}

// A measurement that was kept without entropy is told as it is, without; a run measures it anew.
TEST(Series, KeptWithoutEntropy) {
  const testing::TemporaryFolder folder;
  auto store = Store::open(folder / "s.sqlite", StoreAccess::create);
  ASSERT_TRUE(store) << store.error().message();
  const Study study = zoo_study(false);
  const StudyResult fresh = ran(study);
  auto model = OpenModel::open(study.models[0].path);
  ASSERT_TRUE(model) << model.error().message();
  KeepOptions keep{.store = &*store};
  MeasureOptions old;
  old.wants = wants_of(study.estimators);
  auto kept = measure_missing(*model, study.prompts, old, keep);
  ASSERT_TRUE(kept) << kept.error().message();
  ASSERT_FALSE(kept->kept.fault);
  EXPECT_TRUE(kept->measurement.seen.entropy.empty());
  const RunModel of_old[] = {{.key = kept->key, .measurement = kept->measurement}};
  ASSERT_TRUE(store->put_run(study, of_old, {.time = "2026-01-01T00:00:00Z"}));
  const StoredRun run = *store->find_run("");
  const auto models = evaluate_models(*store, run, run.study);
  ASSERT_TRUE(models) << models.error().message();
  EXPECT_EQ(models->at(0)->scores[0].l_star, fresh.models[0].scores[0].l_star);
  EXPECT_TRUE(series_of(models->at(0)->measurement).attention_entropy.by_layer.empty());

  size_t known = 9;
  RunOptions options{.timestamp = "t"};
  options.keep.store = &*store;
  options.kept = [&](const Kept& of) { known = of.known; };
  const auto result = run_study(study, options);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(known, 0u);
  EXPECT_EQ(series_of(result->models.at(0).measurement).attention_entropy.by_layer,
            series_of(fresh.models.at(0).measurement).attention_entropy.by_layer);
  // The same run: it has entropy now.
  EXPECT_EQ(evaluated_again(*store, *store->find_run("")).attention_entropy.by_layer,
            series_of(fresh.models.at(0).measurement).attention_entropy.by_layer);
}

}  // namespace
}  // namespace lstar
