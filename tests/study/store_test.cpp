// What is put into a store comes out as it was measured, prompt by prompt or at once, whoever else has the file open.
#include "lstar/study/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <latch>
#include <thread>

#include "lstar/base/atomic_file.h"
#include "lstar/study/store/record.h"
#include "tests/study/store_support.h"

namespace lstar {
namespace {

using testing::asked_again;
using testing::expect_same;
using testing::expect_same_numbers;
using testing::id_prompts;
using testing::ids_of;
using testing::kEverything;
using testing::key_of;
using testing::made_up_of_everything;
using testing::made_up_provenance;
using testing::measured;
using testing::opened;
using testing::TemporaryFolder;

const std::vector<std::vector<int32_t>> kIds{{1, 2, 3, 4, 5}, {}, {7}, {9, 8, 7, 6}, {3, 3}};

TEST(Store, GivesBackWhatWasPut) {
  const TemporaryFolder folder;
  const Measurement real = measured("llama", id_prompts(kIds)), made_up = made_up_of_everything();
  for (const Measurement* m : {&real, &made_up}) {
    Measurement expected = *m;
    expected.prompts_read.reset();  // a run's
    expected.identity.path.clear();
    const std::string content(64, m == &real ? 'a' : 'b');
    ASSERT_TRUE(opened(folder / "store").put(key_of(*m, content), *m, made_up_provenance()));
    Store store = opened(folder / "store", StoreAccess::read);
    const Wants wants = m == &real ? kEverything : kEverything | Want::spectral;
    const auto back =
        store.read(key_of(*m, content), m->numerics.head_layout, asked_again(*m), wants, m == &real ? 3 : 0);
    ASSERT_TRUE(back) << back.error().message();
    if (m == &made_up) expected.seen.next_tokens.clear(), expected.next_pieces.clear();
    expect_same(*back, expected);
    const auto fewer = store.read(key_of(*m, content), m->numerics.head_layout, asked_again(*m), kEverything);
    ASSERT_TRUE(fewer) << fewer.error().message();
    EXPECT_TRUE(fewer->weights.w_v_spectral.empty()) << "nobody asked";
    EXPECT_EQ(store.read(key_of(*m, content), m->numerics.head_layout, {}, Want::spectral).has_value(), m != &real);
  }
}

// What the store is for: measured in any pieces and any order, the whole is the whole to the bit.
TEST(Store, PromptByPromptIsTheWhole) {
  const TemporaryFolder folder;
  const Measurement whole = measured("gpt2", id_prompts(kIds));
  Store store = opened(folder / "store");
  for (const size_t p : {3u, 0u, 4u, 2u}) {
    const auto known = store.known(key_of(whole), HeadLayout::actual, ids_of(whole), kEverything, 3);
    ASSERT_TRUE(known);
    EXPECT_FALSE(known->all());
    ASSERT_TRUE(store.put(key_of(whole), measured("gpt2", id_prompts({kIds[p]})), made_up_provenance()));
  }
  const auto known = store.known(key_of(whole), HeadLayout::actual, ids_of(whole), kEverything, 3);
  ASSERT_TRUE(known);
  EXPECT_TRUE(known->all());
  const auto back = store.read(key_of(whole), HeadLayout::actual, asked_again(whole), kEverything, 3);
  ASSERT_TRUE(back) << back.error().message();
  expect_same_numbers(*back, whole);
}

TEST(Store, KnowsWhatWasMeasuredAndNothingElse) {
  const TemporaryFolder folder;
  Store store = opened(folder / "store");
  const Measurement m = measured("gpt2", id_prompts({{1, 2, 3}, {4, 5}}), {.wants = Want::diagonal});
  const StoreKey key = key_of(m);
  const std::vector<std::vector<int32_t>> asked{{4, 5}, {5, 4}, {1, 2, 3}, {1, 2}, {}};
  const auto bits = [&](const StoreKey& of, HeadLayout layout, Wants wants, int next_tokens) {
    const auto known = store.known(of, layout, asked, wants, next_tokens);
    EXPECT_TRUE(known) << known.error().message();
    EXPECT_EQ(known->damaged, 0);
    std::string text(known->weights ? "W" : "-");
    for (const bool is_known : known->prompts) text += is_known ? '1' : '0';
    return text;
  };
  EXPECT_EQ(bits(key, HeadLayout::actual, Want::diagonal, 0), "-00000");
  ASSERT_TRUE(store.put(key, m, made_up_provenance()));
  EXPECT_EQ(bits(key, HeadLayout::actual, Want::diagonal, 0), "W10100");
  EXPECT_EQ(bits(key, HeadLayout::actual, Wants(), 0), "W10100");
  EXPECT_EQ(bits(key, HeadLayout::thirds, Want::diagonal, 0), "-10100") << "attention knows no head layout";
  for (const Want want : {Want::entropy, Want::rounded_sum, Want::residual_norm})
    EXPECT_EQ(bits(key, HeadLayout::actual, Want::diagonal | want, 0), "W00000");
  EXPECT_EQ(bits(key, HeadLayout::actual, Want::diagonal, 1), "W00000");
  StoreKey other = key;
  other.content[0] = 'd';
  EXPECT_EQ(bits(other, HeadLayout::actual, Want::diagonal, 0), "-00000");
  other = key;
  other.dtype = Dtype::bfloat16;
  EXPECT_EQ(bits(other, HeadLayout::actual, Want::diagonal, 0), "-00000");
  other = key;
  ++other.numerics;
  EXPECT_EQ(bits(other, HeadLayout::actual, Want::diagonal, 0), "-00000");
  other = key;
  other.backend = "Highway AVX2 or another";
  EXPECT_EQ(bits(other, HeadLayout::actual, Want::diagonal, 0), "-00000");

  const auto unknown = store.read(key, HeadLayout::actual, {{.ids = {1, 2}}}, Want::diagonal);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message(), folder / "store" + ": prompt 1: has not been measured");
  const auto without = store.read(key, HeadLayout::actual, {{.ids = {4, 5}}}, Want::entropy);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().message(),
            folder / "store" + ": prompt 1: was measured without what is asked for now: measure it again");
  EXPECT_FALSE(store.read(key, HeadLayout::thirds, {}, Want::diagonal));
}

// What a norm behind W_O divides by is no number of a model that has none, and missing from one that has.
TEST(Store, AModelLacksOnlyWhatItCouldHave) {
  const TemporaryFolder folder;
  Store store = opened(folder / "store");
  const Wants asked = Want::diagonal | Want::output_scale;
  for (const auto& [name, has_norm] : {std::pair("gpt2", false), std::pair("gemma2", true)}) {
    const Measurement m = measured(name, id_prompts({{1, 2, 3}}), {.wants = Want::diagonal});
    const StoreKey key = key_of(m, std::string(64, name[1]));
    ASSERT_TRUE(store.put(key, m, made_up_provenance()));
    for (const HeadLayout layout : {HeadLayout::actual, HeadLayout::thirds})
      EXPECT_EQ(store.known(key, layout, testing::ids_of(m), asked)->prompts[0], !has_norm) << name;
    EXPECT_EQ(store.read(key, HeadLayout::actual, asked_again(m), asked).has_value(), !has_norm) << name;
    const Measurement whole = measured(name, id_prompts({{1, 2, 3}}), {.wants = asked});
    ASSERT_TRUE(store.put(key, whole, made_up_provenance()));
    EXPECT_EQ(store.known(key, HeadLayout::actual, testing::ids_of(m), asked)->count(), 1u);
    const auto back = store.read(key, HeadLayout::actual, asked_again(whole), asked);
    ASSERT_TRUE(back) << back.error().message();
    expect_same_numbers(*back, whole);
    EXPECT_EQ(back->seen.output_scale_sq.empty(), !has_norm);
  }
}

// One that has more completes what is there; what is read has what is asked for and no more.
TEST(Store, ArraysComeTogether) {
  const TemporaryFolder folder;
  Store store = opened(folder / "store");
  const auto prompts = id_prompts({{1, 2, 3}, {4, 5}});
  const Measurement whole = measured("gpt2", prompts);
  const StoreKey key = key_of(whole);
  ASSERT_TRUE(
      store.put(key, measured("gpt2", prompts, {.wants = Want::diagonal, .next_tokens = 2}), made_up_provenance()));
  ASSERT_TRUE(
      store.put(key, measured("gpt2", prompts, {.wants = Want::entropy | Want::residual_norm}), made_up_provenance()));
  ASSERT_TRUE(store.put(key, measured("gpt2", prompts, {.wants = Want::rounded_sum | Want::overlap, .next_tokens = 3}),
                        made_up_provenance()));
  const auto back = store.read(key, HeadLayout::actual, asked_again(whole), kEverything, 3);
  ASSERT_TRUE(back) << back.error().message();
  expect_same_numbers(*back, whole);
  const auto less = store.read(key, HeadLayout::actual, asked_again(whole), Want::entropy, 1);
  ASSERT_TRUE(less);
  EXPECT_TRUE(less->seen.diagonal.empty());
  EXPECT_TRUE(less->seen.residual_norm.empty());
  EXPECT_TRUE(testing::same_array(less->seen.entropy, whole.seen.entropy));
  ASSERT_EQ(less->seen.next_tokens.size(), 2u);
  EXPECT_EQ(less->seen.next_tokens[0].size(), 1u);
  EXPECT_EQ(less->next_pieces[0].size(), whole.next_pieces[0].empty() ? 0u : 1u);
}

TEST(Store, OtherNumbersReplaceTheOldOnesWhole) {
  const TemporaryFolder folder;
  Store store = opened(folder / "store");
  Measurement m = made_up_of_everything();
  ASSERT_TRUE(store.put(key_of(m), m, made_up_provenance()));
  m.seen.entropy(0, 0, 0) += 1;
  m.seen.residual_norm = {};
  m.weights.w_v_sq[0] += 1;
  ASSERT_TRUE(store.put(key_of(m), m, made_up_provenance()));
  const auto back = store.read(key_of(m), m.numerics.head_layout, asked_again(m), Want::entropy);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->seen.entropy(0, 0, 0), m.seen.entropy(0, 0, 0));
  EXPECT_EQ(back->weights.w_v_sq[0], m.weights.w_v_sq[0]);
  const auto known = store.known(key_of(m), m.numerics.head_layout, ids_of(m), Want::residual_norm);
  EXPECT_EQ(known->prompts, std::vector<bool>({false, true})) << "the first one's are not of one computation any more";
}

TEST(Store, NormsAreKeptForEachHeadLayout) {
  const TemporaryFolder folder;
  Store store = opened(folder / "store");
  const auto prompts = id_prompts({{1, 2, 3}});
  const Measurement actual = measured("gpt_neox", prompts),
                    thirds = measured("gpt_neox", prompts,
                                      {.numerics = {.head_layout = HeadLayout::thirds}, .wants = kEverything});
  ASSERT_FALSE(thirds.weights.w_v_cut_sq.empty());
  ASSERT_TRUE(store.put(key_of(actual), actual, made_up_provenance()));
  ASSERT_TRUE(store.put(key_of(thirds), thirds, made_up_provenance()));
  EXPECT_EQ(store.read(key_of(actual), HeadLayout::actual, {}, Wants())->weights.w_v_cut_sq, actual.weights.w_v_cut_sq);
  EXPECT_EQ(store.read(key_of(actual), HeadLayout::thirds, {}, Wants())->weights.w_v_cut_sq, thirds.weights.w_v_cut_sq);
  const auto models = store.models();
  ASSERT_EQ(models->size(), 2u);
  EXPECT_EQ((*models)[0].prompts, 1);
}

TEST(Store, WhatDoesNotBelongTogetherIsRefused) {
  const TemporaryFolder folder;
  Store store = opened(folder / "store");
  const auto refusal = [&](auto change) {
    Measurement m = made_up_of_everything();
    StoreKey key = key_of(m);
    change(key, m);
    const auto put = store.put(key, m, made_up_provenance());
    return put ? std::string("put") : put.error().what;
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(refusal([](StoreKey& key, Measurement&) { key.content.clear(); }), HasSubstr("content"));
  EXPECT_THAT(refusal([](StoreKey& key, Measurement&) { key.dtype = Dtype::float64; }), HasSubstr("dtype"));
  EXPECT_THAT(refusal([](StoreKey& key, Measurement&) { key.backend = "x"; }), HasSubstr("backend"));
  EXPECT_THAT(refusal([](StoreKey&, Measurement& m) { m.weights.ov_sq = {}; }), HasSubstr("norms"));
  EXPECT_THAT(refusal([](StoreKey&, Measurement& m) { m.prompts.pop_back(); }), HasSubstr("contradicts"));
  EXPECT_TRUE(store.models()->empty());
}

// Nothing of this machine or of who used it.
TEST(Store, KeepsNoPathsThatNobodyNamed) {
  const TemporaryFolder folder;
  const std::string place = "/home/somebody/.cache/hub/snapshots/abc";
  Measurement m = made_up_of_everything();
  m.identity.path = place;
  m.warnings = {place + "/config.json: a key"};
  Study study{.models = {{.name = m.identity.model, .path = m.identity.model},
                         {.name = "b", .path = "/home/somebody/b", .written_path = "${HOME}/b"}}};
  study.prompts.resize(3);
  m.prompts[1].error->file = place + "/tokenizer.json";
  {
    Store store = opened(folder / "store");
    ASSERT_TRUE(store.put(key_of(m), m, made_up_provenance()));
    const std::vector<RunModel> ran{
        {key_of(m), m}, {{}, fail(Error{.what = "no /home/somebody/b here", .file = "/home/somebody/b/config.json"})}};
    ASSERT_TRUE(store.put_run(study, ran, made_up_provenance()));
    const auto runs = store.runs();
    ASSERT_TRUE(runs) << runs.error().message();
    EXPECT_EQ((*runs)[0].outcomes[0].warnings[0], m.identity.model + "/config.json: a key");
    EXPECT_EQ((*runs)[0].outcomes[0].prompts[1].error->file, "tokenizer.json");
    EXPECT_EQ((*runs)[0].outcomes[1].error->message(), "${HOME}/b/config.json: no ${HOME}/b here");
  }
  const std::string bytes = *read_file(folder / "store");
  EXPECT_EQ(bytes.find("somebody"), bytes.npos);
  EXPECT_NE(bytes.find("${HOME}/b"), bytes.npos);
}

// Each thread with a connection of its own, as processes have.
TEST(Store, ManyWriteAndReadAtOnce) {
  const TemporaryFolder folder;
  constexpr int kWriters = 4, kEach = 12;
  Measurement m = made_up_of_everything();
  std::latch start(kWriters + 1);
  std::atomic<int> failed = 0, writing = kWriters;
  std::string said;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer)
    threads.emplace_back([&, writer] {
      start.arrive_and_wait();
      auto store = Store::open(folder / "store", StoreAccess::create);  // all of them make it
      for (int i = 0; store && i < kEach; ++i) {
        Measurement mine = m;
        for (MeasuredPrompt& prompt : mine.prompts)
          if (prompt.row) prompt.ids[0] = writer % 2 * 1000 + i;  // two and two write the same
        if (!store->put(key_of(mine), mine, made_up_provenance())) ++failed;
      }
      if (!store) ++failed;
      --writing;
    });
  // Meanwhile whatever is there is whole.
  threads.emplace_back([&] {
    start.arrive_and_wait();
    while (writing > 0) {
      auto store = Store::open(folder / "store", StoreAccess::read);
      if (!store) continue;  // not there yet
      const auto models = store->models();
      if (!models || (models->size() == 1 && models->front().prompts % 2 != 0)) ++failed;
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(opened(folder / "store").models()->front().prompts, 2 * 2 * kEach);
}

TEST(Store, AReaderWaitsForNoWriter) {
  const TemporaryFolder folder;
  const Measurement m = made_up_of_everything();
  ASSERT_TRUE(opened(folder / "store").put(key_of(m), m, made_up_provenance()));
  auto writer = Database::open(folder / "store", StoreAccess::write, kStorePatience);
  ASSERT_TRUE(writer);
  auto transaction = Transaction::begin(**writer);
  ASSERT_TRUE(transaction);
  ASSERT_TRUE((*writer)->run("DELETE FROM prompt"));
  auto reader = Store::open(folder / "store", StoreAccess::read, std::chrono::milliseconds(0));
  ASSERT_TRUE(reader) << reader.error().message();
  EXPECT_EQ(reader->models()->front().prompts, 2);
  ASSERT_TRUE(transaction->commit());
  EXPECT_EQ(reader->models()->front().prompts, 0);
}

}  // namespace
}  // namespace lstar
