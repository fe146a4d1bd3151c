#include "lstar/tokenizer/pipeline/pre_tokenizer.h"

#include "lstar/tokenizer/pipeline/gpt2_pattern.h"
#include "tests/tokenizer/support.h"

namespace lstar {
namespace {

class Words final : public WordSink {
 public:
  void word(std::string_view word) override { all.emplace_back(word); }
  std::vector<std::string> all;
};

Result<std::vector<std::string>> words_of(const PreTokenizer& pre_tokenizer, std::string_view text) {
  Words words;
  TextBudget budget(text.size());
  LSTAR_TRY(pre_tokenizer.split(text, true, words, budget));
  return words.all;
}

// The hand-written split against Oniguruma with the pattern itself.
TEST(Gpt2Split, AgreesWithThePattern) {
  PreTokenizer by_hand, by_pattern;
  by_hand.steps.push_back(Gpt2Split{});
  by_pattern.steps.push_back(PatternSplit{.pattern = *Regex::compile(kGpt2Pattern)});
  size_t count = 0;
  for (const std::string& line : test::recorded_lines()) {
    const auto expected = words_of(by_pattern, line);
    ASSERT_TRUE(expected);
    EXPECT_EQ(*words_of(by_hand, line), *expected) << line;
    count += expected->size();
  }
  EXPECT_GT(count, 50000u);
}

TEST(Gpt2Split, KeepsContractionsAndSpaces) {
  PreTokenizer split;
  split.steps.push_back(Gpt2Split{});
  EXPECT_EQ(*words_of(split, "I'll say 'tis  42%\n\n x"),
            (std::vector<std::string>{"I", "'ll", " say", " '", "tis", " ", " 42", "%", "\n\n", " x"}));
  EXPECT_EQ(*words_of(split, "I'LL  "), (std::vector<std::string>{"I", "'", "LL", "  "}));
}

TEST(Regex, LettersAndNumbersAreOfUnicode16) {
  const auto letter = Regex::compile(R"(\p{L})");
  const auto number = Regex::compile(R"([^\P{N}])");
  TextBudget budget(0);
  ASSERT_TRUE(letter && number);
  EXPECT_TRUE(letter->search("\U00010d4a", 0, budget)->has_value());
  EXPECT_TRUE(number->search("\U00010d40", 0, budget)->has_value());
  EXPECT_FALSE(letter->search("1!\u0301", 0, budget)->has_value());
}

TEST(Regex, BadPatternsAreErrors) {
  EXPECT_EQ(Regex::compile("(a").error().message(),
            "pattern is not valid: found end pattern with unmatched parenthesis");
  EXPECT_EQ(Regex::compile(R"(\p{Nonsense})").error().message(),
            "pattern is not valid: found invalid character property name {Nonsense}");
  EXPECT_EQ(Regex::compile(std::string(70000, 'a')).error().message(),
            "pattern too long: expected at most 65536 bytes, found 70000");
  EXPECT_FALSE(Regex::compile(std::string(60000, '(')));
}

TEST(Regex, AnExplodingPatternGivesUp) {
  PreTokenizer split;
  split.steps.push_back(PatternSplit{.pattern = *Regex::compile("(a|aa|b|ab)+[cd]")});
  const auto words = words_of(split, std::string(200, 'a') + "e");
  ASSERT_FALSE(words);
  EXPECT_EQ(words.error().message(), "the tokenizer takes too long over the text");
}

}  // namespace
}  // namespace lstar
