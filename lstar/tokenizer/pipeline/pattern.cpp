#include "lstar/tokenizer/pipeline/pattern.h"

#include <cstring>

#include "lstar/tokenizer/pipeline/utf8.h"

namespace lstar {

Result<std::optional<Match>> Matches::next() {
  while (from_ <= text_.size()) {
    LSTAR_ASSIGN(const std::optional<Match> match, search());
    if (!match) break;
    if (match->begin == match->end && last_end_ == match->end) {
      from_ += from_ < text_.size() ? utf8_length(text_[from_]) : 1;
      continue;
    }
    from_ = match->end;
    last_end_ = match->end;
    return match;
  }
  return std::optional<Match>();
}

Result<std::optional<Match>> Matches::search() const {
  if (const Regex* regex = std::get_if<Regex>(&pattern_)) return regex->search(text_, from_, budget_);
  const auto& wanted = std::get<std::string>(pattern_);
  // find() would compare all of a long text at each place that begins like it.
  const void* found = ::memmem(text_.data() + from_, text_.size() - from_, wanted.data(), wanted.size());
  if (!found) return std::optional<Match>();
  const auto at = static_cast<size_t>(static_cast<const char*>(found) - text_.data());
  return std::optional<Match>(Match{at, at + wanted.size()});
}

}  // namespace lstar
