// What CMake makes of data/prompts/: the text of each file, by its name without .jsonl. prompts.h is what to call.
#pragma once

#include <cstddef>
#include <string_view>

namespace lstar {

struct PromptSetContent {
  std::string_view name, lines;  // JSON Lines
};

extern const PromptSetContent kPromptSetContents[];
extern const size_t kPromptSetContentCount;

}  // namespace lstar
