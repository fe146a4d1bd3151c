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

}  // namespace lstar
