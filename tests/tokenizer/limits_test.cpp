// What a tokenizer may ask for beyond what its file's size pays for (lstar/base/limits.h): just within each limit, and
// just beyond.
#include <algorithm>

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "lstar/base/limits.h"
#include "lstar/tokenizer/pipeline/pipeline.h"
#include "lstar/tokenizer/pipeline/text_budget.h"
#include "tests/tokenizer/support.h"

namespace lstar {
namespace {

std::string with_model(const std::string& rest) {
  return R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})" + rest + "}";
}

std::string repeated(const std::string& text, size_t times, const std::string& between = ",") {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += (i ? between : "") + text;
  return all;
}

std::string in_sequence(const std::string& step, size_t times) {
  return R"({"type":"Sequence","pretokenizers":[)" + repeated(step, times) + "]}";
}

Result<std::vector<int32_t>> encode(const std::string& json, std::string_view text) {
  LSTAR_ASSIGN(const PipelinePointer pipeline, parse_tokenizer_json(json, "t.json"));
  LSTAR_TRY(pipeline->finish());
  return pipeline->encode(text, true);
}

std::string error_of(const std::string& json, std::string_view text = "ab") {
  const auto ids = encode(json, text);
  return ids ? "no error" : ids.error().message();
}

TEST(TokenizerLimits, Steps) {
  const std::string digits = R"({"type":"Digits"})";
  const auto error = [](const std::string& pre) { return error_of(with_model(R"(,"pre_tokenizer":)" + pre)); };
  const std::string too_many =
      "t.json: pre_tokenizer: too many steps: expected at most 64, the Sequences around them included";
  EXPECT_EQ(error(in_sequence(digits, limits::kSteps - 1)), "no error");
  EXPECT_EQ(error(in_sequence(digits, limits::kSteps)), too_many);
  EXPECT_EQ(error(in_sequence(in_sequence(digits, 6), 9)), "no error");  // 1 + 9 + 54
  EXPECT_EQ(error(in_sequence(in_sequence(digits, 7), 8)), too_many);    // 1 + 8 + 56
}

// What stands in Sequences inside Sequences is done in the order in which it is written.
TEST(TokenizerLimits, OrderOfSteps) {
  const auto replace = [](const std::string& from, const std::string& to) {
    return R"({"type":"Replace","pattern":{"String":")" + from + R"("},"content":")" + to + R"("})";
  };
  const auto sequence = [](const std::string& steps) { return R"({"type":"Sequence","normalizers":[)" + steps + "]}"; };
  const auto ids =
      encode(with_model(R"(,"normalizer":)" + sequence(replace("x", "y") + "," +
                                                       sequence(replace("y", "z") + "," + sequence(replace("z", "a"))) +
                                                       "," + replace("a", "ab"))),
             "x");
  ASSERT_TRUE(ids) << ids.error().message();
  EXPECT_EQ(*ids, std::vector<int32_t>{2});
}

TEST(TokenizerLimits, TokensAroundAText) {
  const auto json = [](size_t entries, size_t ids) {
    return with_model(R"(,"post_processor":{"type":"TemplateProcessing","single":[)" +
                      repeated(R"({"SpecialToken":{"id":"x"}})", entries) +
                      R"(,{"Sequence":{"id":"A"}}],"special_tokens":{"x":{"ids":[)" + repeated("0", ids) + "]}}}");
  };
  const auto most = encode(json(1, limits::kTokensAround), "ab");
  ASSERT_TRUE(most) << most.error().message();
  EXPECT_EQ(most->size(), limits::kTokensAround + 1);
  const std::string too_many =
      "t.json: post_processor TemplateProcessing: too many special tokens around a text: "
      "expected at most 1000";
  EXPECT_EQ(error_of(json(1, limits::kTokensAround + 1)), too_many);
  EXPECT_EQ(error_of(json(2, 501)), too_many);
  EXPECT_EQ(error_of(json(limits::kTokensAround, 0)), too_many);  // entries, the text's included
}

TEST(TokenizerLimits, Growth) {
  const auto prepend = [](size_t bytes) {
    return with_model(R"(,"normalizer":{"type":"Prepend","prepend":")" + std::string(bytes, 'b') + "\"}");
  };
  EXPECT_EQ(error_of(prepend(limits::kTextSlack + 2 * 31)), "no error");
  EXPECT_EQ(error_of(prepend(limits::kTextSlack + 2 * 31 + 1)),
            "t.json: the tokenizer makes the text too long: expected at most 4160 bytes");
  // The text's stretches between added tokens are one text.
  const std::string added = R"(,"added_tokens":[{"id":3,"content":"<>","special":true,"normalized":false}])";
  std::string json = prepend(1500);
  json.insert(json.size() - 1, added);
  EXPECT_EQ(error_of(json, "a<>a"), "no error");
  EXPECT_EQ(error_of(json, "a<>a<>a"), "t.json: the tokenizer makes the text too long: expected at most 4320 bytes");
  // And all added tokens are another.
  const std::string normalized = R"(,"added_tokens":[{"id":3,"content":"x"},{"id":4,"content":"y"}])";
  json = prepend(2500);
  json.insert(json.size() - 1, normalized);
  EXPECT_EQ(error_of(json), "t.json: the tokenizer makes the text too long: expected at most 4160 bytes");
}

TEST(TokenizerLimits, MarksOfPieces) {
  const auto json = [](const std::string& model, const char* key, size_t bytes) {
    return fmt::format(R"({{"model":{{{},"{}":"{}"}}}})", model, key, std::string(bytes, '#'));
  };
  const std::string bpe = R"("type":"BPE","vocab":{"a":0},"merges":[])",
                    words = R"("type":"WordPiece","vocab":{"[UNK]":0})";
  for (const auto& [model, key] : {std::pair(bpe, "continuing_subword_prefix"),
                                   {bpe, "end_of_word_suffix"},
                                   {words, "continuing_subword_prefix"}}) {
    EXPECT_EQ(error_of(json(model, key, limits::kPieceMark)), "no error");
    EXPECT_EQ(error_of(json(model, key, limits::kPieceMark + 1)),
              fmt::format("t.json: model, key {}: too long: expected at most 256 bytes, found 257", key));
  }
}

Result<std::optional<Match>> find(std::string_view pattern, std::string_view text, size_t from = 0) {
  LSTAR_ASSIGN(const Regex regex, Regex::compile(pattern));
  TextBudget budget(text.size());
  return regex.search(text, from, budget);
}

// A match that is far away or long is found whole, also by a pattern that goes back at every letter.
TEST(TokenizerLimits, MatchesFarAway) {
  for (const size_t distance : {0, 1, 255, 511, 512, 513, 2047, 2048, 5000, 70000, 200'000}) {
    const std::string text = std::string(distance, 'a') + "ab!" + std::string(1000, 'a');
    for (const char* pattern : {"(?:a|b)b!", "(?:a{1,3}|[ab])b!", "(?<!c)[ab]b(?=!)!", "(?:a|b)+!"}) {
      const auto match = find(pattern, text);
      ASSERT_TRUE(match) << pattern << ", " << distance << ": " << match.error().message();
      ASSERT_TRUE(match->has_value()) << pattern << ", " << distance;
      const size_t before = std::string_view(pattern).ends_with("+!") ? distance
                            : pattern[4] == '{'                       ? std::min<size_t>(distance, 2)
                                                                      : 0;
      EXPECT_EQ((*match)->begin, distance - before) << pattern;
      EXPECT_EQ((*match)->end, distance + 3) << pattern;
    }
  }
  const auto none = find("(?:a|b)c", std::string(100'000, 'a'));
  ASSERT_TRUE(none) << none.error().message();
  EXPECT_FALSE(none->has_value());
}

TEST(TokenizerLimits, WorkOnAText) {
  TextBudget budget(10);
  EXPECT_TRUE(budget.spend(10 * limits::kTextWork + limits::kTextWorkSlack));
  EXPECT_FALSE(budget.is_spent());
  EXPECT_FALSE(budget.spend(1));
  EXPECT_TRUE(budget.is_spent());
  EXPECT_FALSE(budget.spend(0)) << "once is for good";
  EXPECT_EQ(budget.error().message(), "the tokenizer takes too long over the text");
}

}  // namespace
}  // namespace lstar
