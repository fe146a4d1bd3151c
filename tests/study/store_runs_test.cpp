// A run from a store is the run that was: evaluated again, every number is the same. Stores come together and are
// cleared up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lstar/base/atomic_file.h"
#include "tests/study/store_support.h"

namespace lstar {
namespace {

using testing::asked_again;
using testing::expect_same;
using testing::expect_same_numbers;
using testing::key_of;
using testing::kOfStudies;
using testing::made_up_provenance;
using testing::opened;
using testing::TemporaryFolder;

struct Ran {
  Study study;
  std::vector<RunModel> models;
};

// The made-up study with a model that failed and a prompt that did.
Ran made_up_run() {
  Ran ran{.study = testing::made_up_study()};
  for (size_t i = 0; i < ran.study.models.size(); ++i) {
    Measurement m = testing::made_up_measurement(testing::made_up_models()[i], ran.study.dtype);
    m.backend = "Highway AVX3";
    m.identity.path = ran.study.models[i].path;
    m.warnings = {"a warning of model " + std::to_string(i)};
    ran.models.push_back({key_of(m, std::string(64, static_cast<char>('0' + i))), std::move(m)});
  }
  ran.study.prompts.push_back({.text = ""});
  for (RunModel& model : ran.models)
    model.measurement->prompts.push_back({.text = "", .error = Error{.what = "an empty prompt"}});
  ran.study.models.push_back({.name = "missing", .path = "models/missing"});
  ran.models.push_back(
      {{}, fail(Error{.kind = ErrorKind::missing, .what = "no such folder", .file = "models/missing"})});
  return ran;
}

void put(Store& store, const Ran& ran, const std::string& time = "2026-11-29T12:00:00Z") {
  for (const RunModel& model : ran.models)
    if (model.measurement) {
      const auto done = store.put(model.key, *model.measurement, made_up_provenance(time));
      ASSERT_TRUE(done) << done.error().message();
    }
  const auto done = store.put_run(ran.study, ran.models, made_up_provenance(time));
  ASSERT_TRUE(done) << done.error().message();
}

TEST(StoreRuns, ComeBackAsTheyWere) {
  const TemporaryFolder folder;
  const Ran ran = made_up_run();
  {
    Store store = opened(folder / "store");
    put(store, ran);
  }
  Store store = opened(folder / "store", StoreAccess::read);
  const auto runs = store.runs();
  ASSERT_TRUE(runs) << runs.error().message();
  ASSERT_EQ(runs->size(), 1u);
  const StoredRun& run = runs->front();
  EXPECT_EQ(run.provenance, made_up_provenance());
  EXPECT_EQ(run.digest.size(), 64u);
  const auto back = store.read_run(run, kOfStudies);
  ASSERT_TRUE(back) << back.error().message();
  ASSERT_EQ(back->size(), ran.models.size());
  std::vector<Result<ModelResult>> before, after;
  for (size_t i = 0; i < back->size(); ++i) {
    ASSERT_EQ((*back)[i].has_value(), ran.models[i].measurement.has_value());
    if ((*back)[i])
      expect_same(*(*back)[i], *ran.models[i].measurement);
    else
      testing::expect_same((*back)[i].error(), ran.models[i].measurement.error());
    const auto evaluated = [&](const Study& study, const Result<Measurement>& m) {
      return m ? evaluate_model(study, study.models[i], *m) : Result<ModelResult>(fail(m.error()));
    };
    before.push_back(evaluated(ran.study, ran.models[i].measurement));
    after.push_back(evaluated(run.study, (*back)[i]));
  }
  const StudyResult was = *evaluate(ran.study, before, "t"), is = *evaluate(run.study, after, "t");
  ASSERT_EQ(is.summaries.size(), was.summaries.size());
  for (size_t e = 0; e < is.summaries.size(); ++e) {
    EXPECT_EQ(is.summaries[e].overall_mape, was.summaries[e].overall_mape);
    EXPECT_EQ(is.summaries[e].verdict, was.summaries[e].verdict);
  }
}

TEST(StoreRuns, TheSameAgainIsTheSameRun) {
  const TemporaryFolder folder;
  Store store = opened(folder / "store");
  Ran ran = made_up_run();
  put(store, ran);
  put(store, ran, "2026-11-30T12:00:00Z");
  EXPECT_EQ(store.runs()->size(), 1u);
  EXPECT_EQ(store.runs()->front().provenance.time, "2026-11-30T12:00:00Z");
  EXPECT_EQ(store.models()->size(), 6u);
  ran.study.detector = "central_difference";
  put(store, ran, "2026-11-30T11:00:00Z");
  ASSERT_EQ(store.runs()->size(), 2u);
  EXPECT_EQ(store.runs()->front().study.detector, "argmax_step") << "that which was asked last comes first";
}

TEST(StoreRuns, ARunOfAnotherStudyIsRefused) {
  const TemporaryFolder folder;
  Store store = opened(folder / "store");
  Ran ran = made_up_run();
  ran.study.prompts.pop_back();
  EXPECT_FALSE(store.put_run(ran.study, ran.models, made_up_provenance()));
  ran = made_up_run();
  const auto put = store.put_run(ran.study, ran.models, made_up_provenance());
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().what, "not stored: a run of measurements that are not in the store");
  ran.models.pop_back();
  EXPECT_FALSE(store.put_run(ran.study, ran.models, made_up_provenance()));
}

std::string dumped(Store& store) {
  std::string text;
  const auto models = store.models();
  for (const StoredModel& model : *models) {
    text += model.key.content + ' ' + std::to_string(model.prompts) + ' ' + std::to_string(model.bytes) + '\n';
    EXPECT_TRUE(store.each_prompt(model.key, [&](const PromptObservation& seen) -> Result<void> {
      text += prompt_record(seen);
      return {};
    }));
  }
  const auto runs = store.runs();
  for (const StoredRun& run : *runs) text += run.digest + ' ' + run.provenance.time + '\n';
  return text;
}

TEST(StoreMerge, BringsWhatIsMissingOnce) {
  const TemporaryFolder folder;
  const Ran ran = made_up_run();
  Store all = opened(folder / "all"), left = opened(folder / "left"), right = opened(folder / "right"),
        merged = opened(folder / "merged");
  put(all, ran);
  for (size_t i = 0; i < 6; ++i) {
    Store& into = i % 2 ? left : right;
    ASSERT_TRUE(into.put(ran.models[i].key, *ran.models[i].measurement, made_up_provenance()));
  }
  ASSERT_TRUE(merged.merge(left));
  const auto second = merged.merge(right);
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(second->models, 3);
  EXPECT_EQ(second->prompts, 15);
  EXPECT_EQ(second->known, 0);
  const auto third = merged.merge(all);
  ASSERT_TRUE(third) << third.error().message();
  EXPECT_EQ(third->models, 0);
  EXPECT_EQ(third->prompts, 0);
  EXPECT_EQ(third->known, 36);
  EXPECT_EQ(third->runs, 1);
  const std::string once = dumped(merged);
  const auto again = merged.merge(all);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->models + again->prompts + again->runs + again->differ + again->damaged, 0);
  EXPECT_EQ(dumped(merged), once);
  const auto back = merged.read_run(merged.runs()->front(), kOfStudies);
  ASSERT_TRUE(back) << back.error().message();
  for (size_t i = 0; i < 6; ++i) expect_same_numbers(*(*back)[i], *ran.models[i].measurement);
  EXPECT_FALSE(merged.merge(merged));
}

TEST(StoreMerge, WhatDiffersStaysAndIsCounted) {
  const TemporaryFolder folder;
  Store here = opened(folder / "here"), there = opened(folder / "there");
  Measurement m = testing::made_up_of_everything();
  ASSERT_TRUE(here.put(key_of(m), m, made_up_provenance()));
  Measurement other = m;
  other.seen.entropy(0, 0, 0) += 1;
  other.weights.w_v_sq[1] += 1;
  ASSERT_TRUE(there.put(key_of(m), other, made_up_provenance()));
  const auto merged = here.merge(there);
  ASSERT_TRUE(merged);
  EXPECT_EQ(merged->differ, 2);
  EXPECT_EQ(merged->known, 1);
  const auto back = here.read(key_of(m), m.numerics.head_layout, asked_again(m), kOfStudies);
  EXPECT_EQ(back->seen.entropy(0, 0, 0), m.seen.entropy(0, 0, 0));
}

TEST(StoreMerge, PassesOverWhatIsDamagedThere) {
  const TemporaryFolder folder;
  const Ran ran = made_up_run();
  Store here = opened(folder / "here");
  {
    Store there = opened(folder / "there");
    put(there, ran);
  }
  {
    auto database = Database::open(folder / "there", StoreAccess::write, kStorePatience);
    ASSERT_TRUE((*database)->run("UPDATE prompt SET record = zeroblob(100) WHERE rowid = 3"));
    ASSERT_TRUE((*database)->run("UPDATE model SET record = zeroblob(3) WHERE rowid = 2"));
  }
  Store there = opened(folder / "there", StoreAccess::read);
  const auto merged = here.merge(there);
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_EQ(merged->damaged, 3) << "a prompt, a model, and the run that they are part of";
  EXPECT_EQ(merged->models, 5);
  EXPECT_EQ(merged->prompts, 29);
  EXPECT_EQ(merged->runs, 0);
  EXPECT_FALSE(there.models());
  EXPECT_TRUE(here.models());
  // Measuring again mends it.
  const StoreKey key = ran.models[0].key;
  Store mended = opened(folder / "there");
  const auto known = mended.known(key, HeadLayout::actual, testing::ids_of(*ran.models[0].measurement), kOfStudies);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->damaged, 1);
  EXPECT_EQ(known->count(), 4u);
  put(mended, ran);
  EXPECT_EQ(mended.models()->size(), 6u);
}

TEST(StorePrune, RemovesWhatIsMeantAndSaysSoBefore) {
  const TemporaryFolder folder;
  const Ran ran = made_up_run();
  Store store = opened(folder / "store");
  put(store, ran);
  Measurement old = *ran.models[0].measurement;
  StoreKey outdated = ran.models[0].key;
  outdated.numerics = kNumericsVersion - 1;
  ASSERT_TRUE(store.put(outdated, old, made_up_provenance("2025-01-01T00:00:00Z")));
  Measurement more = testing::made_up_of_everything();
  ASSERT_TRUE(store.put(key_of(more), more, made_up_provenance()));
  const std::string before = dumped(store);

  auto pruned = store.prune({.outdated = true}, false);
  ASSERT_TRUE(pruned) << pruned.error().message();
  EXPECT_EQ(pruned->models, 1);
  EXPECT_EQ(pruned->prompts, 5);
  EXPECT_EQ(pruned->runs, 0);
  EXPECT_GT(pruned->bytes, 5 * 1000);
  EXPECT_EQ(dumped(store), before);
  pruned = store.prune({.outdated = true}, true);
  EXPECT_EQ(pruned->prompts, 5);
  EXPECT_EQ(store.models()->size(), 7u);

  pruned = store.prune({.unused = true}, true);
  EXPECT_EQ(pruned->models, 1);
  EXPECT_EQ(pruned->prompts, 2);
  EXPECT_EQ(pruned->runs, 0);
  EXPECT_EQ(store.models()->size(), 6u);
  EXPECT_TRUE(store.read_run(store.runs()->front(), kOfStudies));

  pruned = store.prune({.names = {"facebook/opt-125m", "00000000"}}, true);
  EXPECT_EQ(pruned->models, 2);
  EXPECT_EQ(pruned->runs, 1) << "which cannot be evaluated any more";
  EXPECT_TRUE(store.runs()->empty());
  pruned = store.prune({.outdated = true, .names = {"nobody"}}, true);
  ASSERT_FALSE(pruned);
  EXPECT_EQ(pruned.error().kind, ErrorKind::argument);
  EXPECT_EQ(pruned.error().at, "nobody");
  EXPECT_EQ(store.models()->size(), 4u);
}

TEST(StorePrune, GivesItsRoomBack) {
  const TemporaryFolder folder;
  Store store = opened(folder / "store");
  Ran ran = made_up_run();
  put(store, ran);
  ASSERT_TRUE(store.prune({}, true));
  const auto full = std::filesystem::file_size(folder / "store");
  ASSERT_TRUE(store.prune({.names = {"EleutherAI/pythia-410m", "bigscience/bloom-560m", "facebook/opt-350m"}}, true));
  EXPECT_LT(std::filesystem::file_size(folder / "store"), full / 2);
}

}  // namespace
}  // namespace lstar
