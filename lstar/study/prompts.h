// Prompts as users keep them: a line of text each, JSON, JSON Lines, CSV or TSV. What is none of these is refused by
// what it is, and nothing becomes a prompt because no reader knew it. docs/prompts.md is the user's page.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/study/measurement.h"

namespace lstar {

struct PromptFile {
  std::vector<Prompt> prompts;  // at least one
  std::string format;           // what it was read as: "JSON Lines", "CSV, column prompt"
};

// How a file's name says what it holds.
struct PromptFormat {
  std::string_view name;
  std::vector<std::string_view> extensions;                                         // none: every other name
  Result<PromptFile> (*read)(std::string_view content, const std::string& source);  // null: refused
  std::string_view refusal;
};

// In the order in which they are tried.
std::span<const PromptFormat> prompt_formats();

// Token ids between blanks or commas, in brackets or not: "5 17", "[5, 17]", "[5 17]". `file` and `at` say in errors
// where they stand.
Result<std::vector<int32_t>> parse_token_ids(std::string_view text, const std::string& file, const std::string& at);

Result<PromptFile> read_prompt_file(const std::string& path);

// The same of a content; its name says how it is read, and where faults lie.
Result<PromptFile> parse_prompts(std::string_view content, const std::string& name);

// Prompts that are built in; data/prompts/ has them as files.
struct PromptSet {
  std::string_view name, description;  // of which the latter is one line for people
  size_t count = 0;                    // prompts
};
std::span<const PromptSet> prompt_sets();

// Texts in the order of their file, each with its id, as "sentence-017". Ids are unique over all sets; a prompt of
// "mixed" has the id that it has in its own. An unknown name is an error that names the known ones.
Result<std::vector<Prompt>> prompt_set(std::string_view name);

struct PromptsOfSets {
  std::vector<Prompt> prompts;
  PromptsRead read;  // "prompt set short", "prompt sets short, code"
};

// Those of several sets, one behind the other; what is in two of them comes once. At least one name.
Result<PromptsOfSets> prompts_of_sets(std::span<const std::string> names);

}  // namespace lstar
