#include "lstar/tokenizer/models/bpe.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "lstar/tokenizer/models/word_cache.h"
#include "tests/tokenizer/support.h"

namespace lstar {
namespace {

// The definition, word by word: merge the leftmost pair of lowest rank until no pair merges.
std::vector<std::string> merge_plainly(std::string_view word,
                                       const std::vector<std::pair<std::string, std::string>>& merges) {
  std::vector<std::string> parts;
  for (const char c : word) parts.emplace_back(1, c);
  while (true) {
    size_t best_rank = merges.size(), best_place = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i)
      for (size_t rank = 0; rank < best_rank; ++rank)
        if (merges[rank].first == parts[i] && merges[rank].second == parts[i + 1]) best_rank = rank, best_place = i;
    if (best_rank == merges.size()) return parts;
    parts[best_place] += parts[best_place + 1];
    parts.erase(parts.begin() + static_cast<ptrdiff_t>(best_place) + 1);
  }
}

TEST(Bpe, MergesAsTheDefinitionSaysForShortAndLongWords) {
  std::mt19937 random(11);
  for (int round = 0; round < 30; ++round) {
    // Random merges over three letters, each of two pieces that exist.
    std::vector<std::string> pieces{"a", "b", "c"};
    std::vector<std::pair<std::string, std::string>> merges;
    for (int i = 0; i < 40; ++i) {
      const std::string left = pieces[random() % pieces.size()], right = pieces[random() % pieces.size()];
      if (std::find(pieces.begin(), pieces.end(), left + right) != pieces.end()) continue;
      merges.emplace_back(left, right);
      pieces.push_back(left + right);
    }
    std::vector<VocabularyEntry> entries;
    for (const std::string& piece : pieces) entries.push_back({piece, static_cast<int64_t>(entries.size())});
    std::vector<BpeMerge> views;
    for (const auto& [left, right] : merges) views.push_back({left, right});
    const auto bpe = Bpe::make(*Vocabulary::make(entries), views, {});
    ASSERT_TRUE(bpe) << bpe.error().message();
    Bpe::Scratch scratch;
    for (const size_t length : {1, 2, 3, 7, 20, 47, 48, 49, 50, 120}) {
      std::string word;
      for (size_t i = 0; i < length; ++i) word.push_back(static_cast<char>('a' + random() % 3));
      std::vector<int32_t> ids;
      bpe->encode(word, scratch, ids);
      std::vector<std::string> parts;
      for (const int32_t id : ids) parts.emplace_back(bpe->vocabulary().piece(id));
      EXPECT_EQ(parts, merge_plainly(word, merges)) << word;
    }
  }
}

TEST(Vocabulary, FindsPiecesAndRefusesWildIds) {
  const std::vector<VocabularyEntry> good{{"a", 0}, {"bc", 7}, {"", 3}};
  const auto vocabulary = Vocabulary::make(good);
  ASSERT_TRUE(vocabulary);
  EXPECT_EQ(vocabulary->find("bc"), 7);
  EXPECT_EQ(vocabulary->find(""), 3);
  EXPECT_EQ(vocabulary->find("b"), -1);
  EXPECT_EQ(vocabulary->piece(7), "bc");
  EXPECT_EQ(vocabulary->piece(5), "");
  EXPECT_EQ(vocabulary->piece(-1), "");
  EXPECT_EQ(vocabulary->piece(8), "");
  EXPECT_EQ(vocabulary->size(), 8);
  EXPECT_EQ(vocabulary->count(), 3);
  EXPECT_EQ(Vocabulary::make({}).value().find("a"), -1);

  const auto error = [](std::vector<VocabularyEntry> entries) { return Vocabulary::make(entries).error().message(); };
  EXPECT_EQ(error({{"a", 1}, {"b", 1}}), "token b: token id appears twice: found 1");
  EXPECT_EQ(error({{"a", 1}, {"a", 2}}), "token a: token appears twice");
  EXPECT_EQ(error({{"a", 1'000'000'000'000}}),
            "token a: token id out of range: expected 0 to 65539, found 1000000000000");
  EXPECT_EQ(error({{"a", -2}}), "token a: token id out of range: expected 0 to 65539, found -2");
}

// More pieces than are looked up at a time, and more memory than a page of 2 MB.
TEST(Vocabulary, HoldsManyPieces) {
  std::vector<std::string> texts;
  for (int i = 0; i < 150'001; ++i) texts.push_back(std::to_string(i));
  std::vector<std::string_view> pieces(texts.begin(), texts.end());
  const auto vocabulary = Vocabulary::make_in_order(pieces);
  ASSERT_TRUE(vocabulary);
  EXPECT_EQ(vocabulary->count(), 150'001);
  for (size_t i = 0; i < texts.size(); ++i) {
    ASSERT_EQ(vocabulary->find(texts[i]), static_cast<int32_t>(i));
    ASSERT_EQ(vocabulary->find(vocabulary->prefetch(texts[i])), static_cast<int32_t>(i));
    ASSERT_EQ(vocabulary->piece(static_cast<int32_t>(i)), texts[i]);
  }
  EXPECT_EQ(vocabulary->find("150001"), -1);
  pieces.back() = pieces[7];
  EXPECT_EQ(Vocabulary::make_in_order(pieces).error().message(), "token 7: token appears twice");
}

TEST(WordCache, RemembersAndStaysBounded) {
  WordCache cache;
  const auto remember = [&](const std::string& word, const std::vector<int32_t>& ids) {
    uint64_t hash = 0;
    size_t count = 0;
    if (cache.find(word, hash, count)) return;
    cache.insert(word, hash, ids);
  };
  for (int32_t i = 0; i < 200'000; ++i) {
    const std::string word = std::to_string(i);
    remember(word, {i, i + 1});
    uint64_t hash = 0;
    size_t count = 0;
    const int32_t* ids = cache.find(word, hash, count);
    ASSERT_NE(ids, nullptr);
    ASSERT_EQ(count, 2u);
    ASSERT_EQ(ids[0], i);
  }
}

TEST(Tokenizer, ManyThreadsGetTheSameIds) {
  const auto tokenizer = test::open_folder(test::source_path("zoo/neox-12x12"));
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const std::vector<std::string> lines = test::recorded_lines();
  std::vector<std::vector<int32_t>> alone;
  for (size_t i = 0; i < 2000; ++i) alone.push_back(*tokenizer->encode(lines[i]));
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = static_cast<size_t>(t); i < 2000; i += 2) wrong += *tokenizer->encode(lines[i]) != alone[i];
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// Without NFC and without added tokens that eat spaces, the bytes of a byte-level tokenizer's pieces are the text.
TEST(Tokenizer, DecodingGivesTheTextBack) {
  const auto tokenizer = test::open_folder(test::source_path("zoo/gpt2-12x12"));
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  for (const std::string& line : test::recorded_lines()) EXPECT_EQ(tokenizer->decode(*tokenizer->encode(line)), line);
  EXPECT_EQ(tokenizer->piece(0), "<|endoftext|>");
  EXPECT_EQ(tokenizer->piece(-1), "");
  EXPECT_EQ(tokenizer->piece(4096), "");
  const auto the = tokenizer->encode(" the");
  ASSERT_EQ(the->size(), 1u);
  EXPECT_EQ(tokenizer->piece(the->front()), "Ġthe");
  EXPECT_EQ(*tokenizer->encode("caf\xe9"), *tokenizer->encode("caf\ufffd"));
}

TEST(Tokenizer, SpecialTokensOnlyWhereWanted) {
  const auto opt = test::open_folder(test::source_path("zoo/opt-12x12"));
  ASSERT_TRUE(opt) << opt.error().message();
  EXPECT_EQ(*opt->encode(""), std::vector<int32_t>{2});
  EXPECT_EQ(*opt->encode("", false), std::vector<int32_t>{});
  EXPECT_EQ(*opt->encode("</s>", false), std::vector<int32_t>{2});
}

}  // namespace
}  // namespace lstar
