#include "lstar/tokenizer/pipeline/text_budget.h"

#include <algorithm>
#include <limits>

#include <fmt/core.h>

#include "lstar/base/limits.h"

namespace lstar {

TextBudget::TextBudget(size_t bytes)
    : most_bytes_(
          std::min<size_t>(limits::kTextGrowth * bytes + limits::kTextSlack, std::numeric_limits<int32_t>::max())),
      writable_(most_bytes_),
      units_(limits::kTextWork * bytes + limits::kTextWorkSlack) {}

Error TextBudget::error() const {
  if (too_long_)
    return {.kind = ErrorKind::unsupported,
            .what = "the tokenizer makes the text too long",
            .expected = fmt::format("at most {} bytes", most_bytes_)};
  return {.kind = ErrorKind::unsupported, .what = "the tokenizer takes too long over the text"};
}

}  // namespace lstar
