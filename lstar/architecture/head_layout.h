// Which rows of a fused query_key_value the estimator as_written takes for W_V. All others take the real ones.
#pragma once

#include <optional>
#include <string_view>

namespace lstar {

// actual: the rows that are the value projection ("true" on the command line). thirds: the last third of the rows, as
// the notebook did; for GPT-NeoX and BLOOM, which interleave q, k and v by head, that is a mixture of all three.
enum class HeadLayout { actual, thirds };

inline constexpr std::string_view name(HeadLayout layout) { return layout == HeadLayout::actual ? "true" : "thirds"; }

inline constexpr std::optional<HeadLayout> parse_head_layout(std::string_view text) {
  if (text == "true") return HeadLayout::actual;
  if (text == "thirds") return HeadLayout::thirds;
  return std::nullopt;
}

}  // namespace lstar
