#include "lstar/tokenizer/pattern.h"

#include "lstar/tokenizer/utf8.h"

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
  if (const Regex* regex = std::get_if<Regex>(&pattern_)) return regex->search(text_, from_);
  const auto& wanted = std::get<std::string>(pattern_);
  const size_t at = text_.find(wanted, from_);
  if (at == std::string_view::npos) return std::optional<Match>();
  return std::optional<Match>(Match{at, at + wanted.size()});
}

}  // namespace lstar
