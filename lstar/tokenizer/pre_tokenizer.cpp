#include "lstar/tokenizer/pre_tokenizer.h"

#include <optional>

#include "lstar/tokenizer/byte_level.h"
#include "lstar/tokenizer/gpt2_pattern.h"
#include "lstar/tokenizer/utf8.h"

namespace lstar {
namespace {

// Joins a sequence of matched and unmatched pieces of a text, which arrive in order and touch each other, as a
// SplitBehavior says.
template <class Emit>
class Joiner {
 public:
  Joiner(std::string_view text, SplitBehavior behavior, Emit emit) : text_(text), behavior_(behavior), emit_(emit) {}

  Result<void> piece(size_t begin, size_t end, bool matched) {
    bool join = false;  // with the piece that is held back
    switch (behavior_) {
      case SplitBehavior::removed:
      case SplitBehavior::isolated: break;
      case SplitBehavior::merged_with_previous: join = matched && !held_matched_; break;
      case SplitBehavior::merged_with_next: join = !matched && held_matched_; break;
      case SplitBehavior::contiguous: join = matched == held_matched_; break;
    }
    if (!join || !held_) {
      LSTAR_TRY(flush());
      held_ = Match{begin, end};
    }
    held_->end = end;
    held_matched_ = matched;
    return {};
  }

  Result<void> flush() {
    if (!held_ || held_->begin == held_->end) return {};
    if (behavior_ == SplitBehavior::removed && held_matched_) return {};
    return emit_(text_.substr(held_->begin, held_->end - held_->begin));
  }

 private:
  std::string_view text_;
  SplitBehavior behavior_;
  Emit emit_;
  std::optional<Match> held_;
  bool held_matched_ = false;
};

class Matches {
 public:
  Matches(const std::variant<Regex, std::string>& pattern, std::string_view text) : pattern_(pattern), text_(text) {}

  // The next match. An empty one right behind the last match does not count.
  Result<std::optional<Match>> next() {
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

 private:
  Result<std::optional<Match>> search() const {
    if (const Regex* regex = std::get_if<Regex>(&pattern_)) return regex->search(text_, from_);
    const auto& wanted = std::get<std::string>(pattern_);
    const size_t at = text_.find(wanted, from_);
    if (at == std::string_view::npos) return std::optional<Match>();
    return std::optional<Match>(Match{at, at + wanted.size()});
  }

  const std::variant<Regex, std::string>& pattern_;
  std::string_view text_;
  size_t from_ = 0;
  size_t last_end_ = std::string_view::npos;
};

class Run {
 public:
  Run(const std::vector<PreTokenizerStep>& steps, WordSink& sink) : steps_(steps), sink_(sink) {}

  Result<void> from(size_t step, std::string_view text) {
    if (text.empty()) return {};
    if (step == steps_.size()) {
      sink_.word(text);
      return {};
    }
    return std::visit([&](const auto& kind) { return cut(kind, step, text); }, steps_[step]);
  }

 private:
  Result<void> cut(const PrefixSpace&, size_t step, std::string_view text) {
    if (text.front() == ' ') return from(step + 1, text);
    std::string spaced(1, ' ');
    spaced += text;
    return from(step + 1, spaced);
  }

  Result<void> cut(const Gpt2Split&, size_t step, std::string_view text) {
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = gpt2_word_end(text, begin, classes_);
      LSTAR_TRY(from(step + 1, text.substr(begin, end - begin)));
      begin = end;
    }
    return {};
  }

  Result<void> cut(const ByteSpelling&, size_t step, std::string_view text) {
    std::string spelled;
    spell_bytes(text, spelled);
    return from(step + 1, spelled);
  }

  Result<void> cut(const DigitSplit& digits, size_t step, std::string_view text) {
    size_t begin = 0;
    bool in_digits = false;
    for (size_t i = 0; i < text.size();) {
      const CodePoint c = decode_utf8(text, i);
      const bool digit = classes_.is_digit(c.value);
      if (i > 0 && (digit != in_digits || (digit && digits.individual))) {
        LSTAR_TRY(from(step + 1, text.substr(begin, i - begin)));
        begin = i;
      }
      in_digits = digit;
      i += c.bytes;
    }
    return from(step + 1, text.substr(begin));
  }

  Result<void> cut(const PatternSplit& split, size_t step, std::string_view text) {
    Joiner joiner(text, split.behavior, [&](std::string_view word) { return from(step + 1, word); });
    Matches matches(split.pattern, text);
    size_t previous = 0;
    while (true) {
      LSTAR_ASSIGN(const std::optional<Match> match, matches.next());
      if (!match) break;
      if (previous != match->begin) LSTAR_TRY(joiner.piece(previous, match->begin, split.invert));
      LSTAR_TRY(joiner.piece(match->begin, match->end, !split.invert));
      previous = match->end;
    }
    if (previous != text.size()) LSTAR_TRY(joiner.piece(previous, text.size(), split.invert));
    return joiner.flush();
  }

  const std::vector<PreTokenizerStep>& steps_;
  WordSink& sink_;
  const CharacterClasses& classes_ = CharacterClasses::get();
};

}  // namespace

Result<void> PreTokenizer::split(std::string_view text, WordSink& sink) const { return Run(steps, sink).from(0, text); }

}  // namespace lstar
