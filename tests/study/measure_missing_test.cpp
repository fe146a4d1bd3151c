// A study with a store measures what is missing, and gives what it would have given without one, to the bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>

#include "lstar/base/atomic_file.h"
#include "lstar/study/measure_missing.h"
#include "lstar/study/store/store.h"
#include "lstar/study/study.h"
#include "tests/support/recorded.h"
#include "tests/support/same_measurement.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

class MeasureMissing : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"gpt2", "gpt_neox"}) {
      fs::copy(testing::source_path("tests/data/checkpoints/" + std::string(name)), folder_ / name);
      for (const auto& file : fs::directory_iterator(folder_ / name)) fs::permissions(file, fs::perms::owner_all);
      study_.models.push_back({.name = name, .path = folder_ / name});
    }
    for (std::vector<int32_t> ids : {std::vector<int32_t>{1, 2, 3, 4}, {5, 6}, {1, 2, 3, 4}, {}, {7}})
      study_.prompts.push_back({.text = {}, .ids = std::move(ids)});
  }

  struct Ran {
    std::vector<Kept> kept;
    std::vector<Error> not_kept;
    StudyResult result;
  };
  Ran run(const Study& study, const std::string& file, bool again = false) {
    Ran ran;
    std::optional<Store> store;
    if (!file.empty()) {
      auto opened = Store::open(file, StoreAccess::create);
      EXPECT_TRUE(opened) << opened.error().message();
      store = std::move(*opened);
    }
    RunOptions options{.threads = 2, .timestamp = "t"};
    options.keep = {.store = store ? &*store : nullptr,
                    .again = again,
                    .provenance = {.time = "2026-01-01T00:00:00Z", .command = "lstar run"}};
    options.kept = [&](const Kept& kept) { ran.kept.push_back(kept); };
    options.not_kept = [&](const Error& error) { ran.not_kept.push_back(error); };
    ran.result = *run_study(study, options);
    return ran;
  }

  static void expect_same(const StudyResult& a, const StudyResult& b) {
    ASSERT_EQ(a.models.size(), b.models.size());
    for (size_t i = 0; i < a.models.size(); ++i) {
      testing::expect_same(a.models[i].measurement, b.models[i].measurement);
      for (size_t e = 0; e < a.models[i].scores.size(); ++e) {
        EXPECT_EQ(a.models[i].scores[e].l_star_per_prompt, b.models[i].scores[e].l_star_per_prompt);
        EXPECT_EQ(a.models[i].scores[e].error_pct, b.models[i].scores[e].error_pct);
      }
    }
  }
  // Prompts of each model that were known, of those that can run.
  static std::vector<std::pair<size_t, size_t>> known(const Ran& ran) {
    std::vector<std::pair<size_t, size_t>> counts;
    for (const Kept& kept : ran.kept) {
      EXPECT_FALSE(kept.fault) << kept.fault->message();
      counts.emplace_back(kept.known, kept.asked);
    }
    EXPECT_TRUE(ran.not_kept.empty()) << ran.not_kept[0].message();
    return counts;
  }
  using Counts = std::vector<std::pair<size_t, size_t>>;

  testing::TemporaryFolder folder_;
  std::string store_ = folder_ / "store";
  Study study_;
};

TEST_F(MeasureMissing, TheSameAgainMeasuresNothing) {
  const Ran without = run(study_, ""), first = run(study_, store_), second = run(study_, store_);
  EXPECT_EQ(known(first), (Counts{{0, 4}, {0, 4}}));
  EXPECT_EQ(known(second), (Counts{{4, 4}, {4, 4}}));
  expect_same(first.result, without.result);
  expect_same(second.result, without.result);
  EXPECT_EQ(known(run(study_, store_, /*again=*/true)), (Counts{{0, 4}, {0, 4}}));
}

TEST_F(MeasureMissing, OnlyWhatIsMissing) {
  run(study_, store_);
  Study more = study_;
  more.prompts.insert(more.prompts.begin() + 1, {.text = {}, .ids = {8, 9, 10}});
  Ran ran = run(more, store_);
  EXPECT_EQ(known(ran), (Counts{{4, 5}, {4, 5}}));
  expect_same(ran.result, run(more, "").result);
  // It is the run that measuring all at once would have been.
  EXPECT_EQ(ran.result.run.size(), 64u);
  EXPECT_EQ(run(more, folder_ / "at once").result.run, ran.result.run);
  EXPECT_NE(run(study_, store_).result.run, ran.result.run);
  EXPECT_EQ(run(more, "").result.run, "");
  // Other estimators and the notebook's head layout ask for nothing new; another dtype for everything.
  Study other = more;
  other.estimators = {"as_written", "multi_head"};
  other.head_layout = HeadLayout::thirds;
  ran = run(other, store_);
  EXPECT_EQ(known(ran), (Counts{{5, 5}, {5, 5}}));
  expect_same(ran.result, run(other, "").result);
  other.dtype = Dtype::float64;
  EXPECT_EQ(known(run(other, store_)), (Counts{{0, 5}, {0, 5}}));
}

// A checkpoint is what is in it: the same under another name is known, and another configuration is another one.
TEST_F(MeasureMissing, WhatACheckpointIs) {
  run(study_, store_);
  fs::rename(folder_ / "gpt2", folder_ / "renamed");
  study_.models[0].path = folder_ / "renamed";
  EXPECT_EQ(known(run(study_, store_)), (Counts{{4, 4}, {4, 4}}));
  std::string config = *read_file(folder_ / "renamed/config.json");
  config.replace(config.find("1e-05"), 5, "1e-03");
  ASSERT_TRUE(write_file(folder_ / "renamed/config.json", config));
  const Ran changed = run(study_, store_);
  EXPECT_EQ(known(changed), (Counts{{0, 4}, {4, 4}}));
  expect_same(changed.result, run(study_, "").result);
}

// The heads' overlap is measured for who asks, and then known; who does not ask gets what he got before.
TEST_F(MeasureMissing, EdgeEnergyIsMeasuredWhenItIsAskedFor) {
  const Ran before = run(study_, store_);
  Study asks = study_;
  asks.estimators = {"edge_energy"};
  const Ran first = run(asks, store_);
  EXPECT_EQ(known(first), (Counts{{0, 4}, {0, 4}}));
  expect_same(first.result, run(asks, "").result);
  ASSERT_FALSE(first.result.models[0].measurement.seen.overlap.empty());
  ASSERT_TRUE(first.result.models[0].scores[0].l_star);
  const Ran again = run(asks, store_);
  EXPECT_EQ(known(again), (Counts{{4, 4}, {4, 4}}));
  expect_same(again.result, first.result);
  const Ran without = run(study_, store_);
  EXPECT_EQ(known(without), (Counts{{4, 4}, {4, 4}}));
  expect_same(without.result, before.result);
  EXPECT_TRUE(without.result.models[0].measurement.seen.overlap.empty());
  EXPECT_TRUE(without.result.models[0].measurement.weights.ov_products.empty());
}

// Where the store fails under the study, the study is whole and says so.
TEST_F(MeasureMissing, AStoreThatFails) {
  const Ran without = run(study_, "");
  run(study_, store_);
  auto store = Store::open(store_, StoreAccess::read);
  ASSERT_TRUE(store);
  Study more = study_;
  more.prompts.push_back({.text = {}, .ids = {11, 12}});
  auto model = OpenModel::open(folder_ / "gpt2", {.name = "gpt2", .threads = 1});
  ASSERT_TRUE(model);
  const KeepOptions keep{.store = &*store, .provenance = {.time = "2026-01-01T00:00:00Z", .command = "lstar run"}};
  const auto kept = measure_missing(*model, more.prompts, {.wants = Want::diagonal}, keep);
  ASSERT_TRUE(kept) << kept.error().message();
  ASSERT_TRUE(kept->kept.fault);
  EXPECT_THAT(kept->kept.fault->message(), HasSubstr(store_));
  EXPECT_TRUE(kept->key.content.empty());
  EXPECT_EQ(kept->measurement.seen.diagonal.values(),
            measure(folder_ / "gpt2", more.prompts, {.wants = Want::diagonal})->seen.diagonal.values());
}

}  // namespace
}  // namespace lstar
