// What a Split or a Replace looks for: a regular expression, or text as it is; and the walk over its matches.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "lstar/base/result.h"
#include "lstar/tokenizer/pipeline/regex.h"

namespace lstar {

using Pattern = std::variant<Regex, std::string>;

class Matches {
 public:
  Matches(const Pattern& pattern, std::string_view text, TextBudget& budget)
      : pattern_(pattern), text_(text), budget_(budget) {}

  // The next match. An empty one right behind the last match does not count.
  Result<std::optional<Match>> next();

 private:
  Result<std::optional<Match>> search() const;

  const Pattern& pattern_;
  std::string_view text_;
  TextBudget& budget_;
  size_t from_ = 0;
  size_t last_end_ = std::string_view::npos;
};

}  // namespace lstar
