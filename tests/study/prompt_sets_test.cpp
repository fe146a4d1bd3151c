// The prompts that are built in, held to what docs/prompts.md says of them and to their files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "lstar/base/json.h"
#include "lstar/base/text_file.h"
#include "lstar/study/prompts.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kFolder = std::string(LSTAR_SOURCE_DIR) + "/data/prompts/";

std::vector<Prompt> set_of(std::string_view name) {
  auto prompts = prompt_set(name);
  EXPECT_TRUE(prompts) << prompts.error().message();
  return prompts ? *std::move(prompts) : std::vector<Prompt>();
}

size_t words_of(const std::string& text) {
  std::istringstream in(text);
  size_t words = 0;
  for (std::string word; in >> word;) ++words;
  return words;
}

std::string first_sentence(const std::string& text) {
  for (size_t i = 0; i < text.size(); ++i)
    if ((text[i] == '.' || text[i] == '?' || text[i] == '!') && (i + 1 == text.size() || text[i + 1] == ' '))
      return text.substr(0, i + 1);
  return text;
}

TEST(PromptSets, AreTheFilesAndAsManyAsTheTableSays) {
  std::vector<std::string> names;
  for (const PromptSet& set : prompt_sets()) {
    names.emplace_back(set.name);
    EXPECT_FALSE(set.description.empty()) << set.name;
    const std::vector<Prompt> prompts = set_of(set.name);
    EXPECT_EQ(prompts.size(), set.count) << set.name;
    if (set.name == "mixed") continue;
    const auto file = read_prompt_file(kFolder + std::string(set.name) + ".jsonl");
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ(file->format, "JSON Lines");
    ASSERT_EQ(file->prompts.size(), prompts.size()) << set.name;
    for (size_t i = 0; i < prompts.size(); ++i) {
      EXPECT_EQ(file->prompts[i].text, prompts[i].text) << set.name << " " << i;
      EXPECT_EQ(file->prompts[i].id, prompts[i].id) << set.name << " " << i;
    }
  }
  EXPECT_THAT(names,
              ElementsAre("notebook", "short", "sentence", "paragraph", "passage", "languages", "code", "mixed"));
}

TEST(PromptSets, NothingStandsInThemTwice) {
  std::set<std::string> texts, ids, beginnings;
  for (const PromptSet& set : prompt_sets()) {
    if (set.name == "mixed") continue;
    for (const Prompt& prompt : set_of(set.name)) {
      ASSERT_TRUE(prompt.text && prompt.id && prompt.ids.empty()) << set.name;
      EXPECT_TRUE(prompt.id->text.starts_with(std::string(set.name) + "-")) << prompt.id->text;
      EXPECT_TRUE(check_utf8(*prompt.text, prompt.id->text)) << prompt.id->text;
      EXPECT_TRUE(texts.insert(*prompt.text).second) << prompt.id->text;
      EXPECT_TRUE(ids.insert(prompt.id->text).second) << prompt.id->text;
      const bool repeats = set.name != "code" && !beginnings.insert(first_sentence(*prompt.text)).second;
      EXPECT_FALSE(repeats) << prompt.id->text;
    }
  }
}

TEST(PromptSets, LengthsInWords) {
  struct Range {
    size_t least, most;
  };
  const std::map<std::string, Range> ranges{{"notebook", {9, 15}},
                                            {"short", {4, 8}},
                                            {"sentence", {11, 17}},
                                            {"paragraph", {40, 66}},
                                            {"passage", {250, 720}}};
  for (const auto& [name, range] : ranges)
    for (const Prompt& prompt : set_of(name)) {
      EXPECT_GE(words_of(*prompt.text), range.least) << prompt.id->text;
      EXPECT_LE(words_of(*prompt.text), range.most) << prompt.id->text;
    }
  size_t long_ones = 0;
  for (const Prompt& prompt : set_of("passage")) long_ones += words_of(*prompt.text) >= 600;
  EXPECT_EQ(long_ones, 13u);
}

TEST(PromptSets, TheNotebooksFive) {
  std::vector<std::string> texts;
  for (const Prompt& prompt : set_of("notebook")) texts.push_back(*prompt.text);
  EXPECT_THAT(texts, ElementsAre("The capital of France is Paris, which is known for the Eiffel Tower.",
                                 "In mathematics, the derivative of x squared equals two times x.",
                                 "Climate change affects global temperatures and weather patterns significantly.",
                                 "The quick brown fox jumps over the lazy dog near the riverbank.",
                                 "Once upon a time in a land far away, there lived a wise old king."));
}

TEST(PromptSets, TheSameTwentySentencesInFiveLanguages) {
  std::map<std::string, std::vector<std::string>> by_language;
  for (const Prompt& prompt : set_of("languages"))
    by_language[prompt.id->text.substr(0, prompt.id->text.size() - 2)].push_back(
        prompt.id->text.substr(prompt.id->text.size() - 2));
  ASSERT_EQ(by_language.size(), 5u);
  for (const auto& [language, numbers] : by_language) {
    EXPECT_EQ(numbers.size(), 20u) << language;
    EXPECT_EQ(numbers, by_language.begin()->second) << language;
  }
}

TEST(PromptSets, MixedIsEveryOtherSetButPassage) {
  std::set<std::string> mixed, others;
  for (const Prompt& prompt : set_of("mixed")) mixed.insert(prompt.id->text);
  for (const PromptSet& set : prompt_sets())
    if (set.name != "mixed" && set.name != "passage")
      for (const Prompt& prompt : set_of(set.name)) others.insert(prompt.id->text);
  EXPECT_EQ(mixed.size(), 500u);
  EXPECT_EQ(mixed, others);
}

TEST(PromptSets, SeveralAreOneBehindTheOtherAndNothingTwice) {
  const auto two = prompts_of_sets(std::vector<std::string>{"short", "notebook", "short"});
  ASSERT_TRUE(two) << two.error().message();
  EXPECT_EQ(two->prompts.size(), 110u);
  EXPECT_EQ(two->prompts.front().id, PromptId{"short-001"});
  EXPECT_EQ(two->prompts.back().id, PromptId{"notebook-5"});
  EXPECT_EQ(two->read.file, "prompt sets short, notebook");
  EXPECT_EQ(two->read.format, "built in");
  EXPECT_EQ(two->read.count, 110u);
  const auto overlapping = prompts_of_sets(std::vector<std::string>{"code", "mixed"});
  ASSERT_TRUE(overlapping);
  EXPECT_EQ(overlapping->prompts.size(), 500u);
  EXPECT_EQ(overlapping->prompts.front().id, PromptId{"code-001"});
  EXPECT_EQ(prompts_of_sets(std::vector<std::string>{"code"})->read.file, "prompt set code");
}

TEST(PromptSets, AnUnknownNameIsAnArgumentAndNamesTheKnown) {
  const auto none = prompt_set("sentences");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::argument);
  EXPECT_EQ(
      none.error().message(),
      "unknown prompt set: expected one of notebook, short, sentence, paragraph, passage, languages, code, mixed, "
      "found sentences");
  EXPECT_FALSE(prompts_of_sets(std::vector<std::string>{}));
  EXPECT_FALSE(prompts_of_sets(std::vector<std::string>{"short", ""}));
}

// The document's table has a row for each set, with its number.
TEST(PromptSets, AreDocumented) {
  const auto document = read_text_file(std::string(LSTAR_SOURCE_DIR) + "/docs/prompts.md");
  ASSERT_TRUE(document);
  for (const PromptSet& set : prompt_sets())
    EXPECT_THAT(*document, HasSubstr("| `" + std::string(set.name) + "` | " + std::to_string(set.count) + " |"));
}

// Every work that a prompt is taken from is named there, and is old enough.
TEST(PromptSets, SourcesAreNamed) {
  const auto document = read_text_file(std::string(LSTAR_SOURCE_DIR) + "/docs/prompts.md");
  ASSERT_TRUE(document);
  std::map<std::string, size_t> taken;
  for (const PromptSet& set : prompt_sets()) {
    if (set.name == "mixed") continue;
    const auto content = read_text_file(kFolder + std::string(set.name) + ".jsonl");
    ASSERT_TRUE(content);
    for (std::string_view rest = *content; !rest.empty();) {
      const auto line = JsonDocument::parse(next_line(rest), "");
      ASSERT_TRUE(line) << set.name;
      const auto source = line->root().find("source");
      if (!source) continue;
      ++taken[std::string(set.name)];
      EXPECT_THAT(*document, HasSubstr(std::string(*source->string())));
    }
  }
  EXPECT_EQ(taken, (std::map<std::string, size_t>{{"paragraph", 40}, {"passage", 13}}));
}

}  // namespace
}  // namespace lstar
