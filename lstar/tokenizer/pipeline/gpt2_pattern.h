// GPT-2's split of a text into words, the pattern that the ByteLevel pre-tokenizer has built in:
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Written out by hand, because nearly all text of GPT-2, GPT-NeoX, OPT and SmolLM2 goes through it.
#pragma once

#include <cstddef>
#include <string_view>

#include "lstar/tokenizer/pipeline/unicode.h"

namespace lstar {

inline constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Where the word that begins at `begin` ends. The words of a text follow each other without gaps.
size_t gpt2_word_end(std::string_view text, size_t begin, const CharacterClasses& classes);

}  // namespace lstar
