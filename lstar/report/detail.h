// How much a report says of each prompt: everything where there are few, and where there are many only what can be
// taken in at a glance, unless more is asked for.
#pragma once

#include <cstddef>

namespace lstar {

enum class Detail { by_count, every_prompt };

// More prompts than these are many.
inline constexpr size_t kFewPrompts = 8;

constexpr bool shows_each(size_t prompts, Detail detail) {
  return prompts <= kFewPrompts || detail == Detail::every_prompt;
}

}  // namespace lstar
