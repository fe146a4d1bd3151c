// A compiled Oniguruma pattern (UTF-8, its default syntax, as `tokenizers` compiles patterns). Searching is safe from
// several threads. \p{L} and \p{N} are those of lstar/tokenizer/pipeline/unicode.h.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lstar/base/result.h"
#include "lstar/tokenizer/pipeline/text_budget.h"

struct re_pattern_buffer;

namespace lstar {

struct Match {
  size_t begin, end;
};

class Regex {
 public:
  static Result<Regex> compile(std::string_view pattern);

  // The first match that begins at `from` or later; earlier text is seen by look-behind. Fails where the pattern
  // goes back more often than the budget allows.
  Result<std::optional<Match>> search(std::string_view text, size_t from, TextBudget& budget) const;

 private:
  struct Free {
    void operator()(re_pattern_buffer* regex) const;
  };
  std::unique_ptr<re_pattern_buffer, Free> regex_;
};

}  // namespace lstar
