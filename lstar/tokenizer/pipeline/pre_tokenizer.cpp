#include "lstar/tokenizer/pipeline/pre_tokenizer.h"

#include <optional>

#include "lstar/tokenizer/pipeline/byte_level.h"
#include "lstar/tokenizer/pipeline/gpt2_pattern.h"
#include "lstar/tokenizer/pipeline/utf8.h"

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

class Run {
 public:
  Run(const std::vector<PreTokenizerStep>& steps, WordSink& sink, TextBudget& budget)
      : steps_(steps), sink_(sink), budget_(budget) {}

  // `first`: the piece is the beginning of the user's text.
  Result<void> from(size_t step, std::string_view text, bool first) {
    if (text.empty()) return {};
    if (step == steps_.size()) {
      sink_.word(text);
      return {};
    }
    return std::visit([&](const auto& kind) { return cut(kind, step, text, first); }, steps_[step]);
  }

 private:
  // Goes on with what a step wrote anew: chains of them could double a text at each.
  Result<void> rewritten(size_t step, std::string_view text, bool first) {
    if (!budget_.write(text.size())) return fail(budget_.error());
    return from(step + 1, text, first);
  }

  auto join(SplitBehavior behavior, size_t step, std::string_view text, bool first) {
    return Joiner(text, behavior, [this, step, text, first](std::string_view word) {
      return from(step + 1, word, first && word.data() == text.data());
    });
  }

  Result<void> cut(const PrefixSpace&, size_t step, std::string_view text, bool first) {
    if (text.front() == ' ') return from(step + 1, text, first);
    std::string spaced(1, ' ');
    spaced += text;
    return rewritten(step, spaced, first);
  }

  Result<void> cut(const Gpt2Split&, size_t step, std::string_view text, bool first) {
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = gpt2_word_end(text, begin, classes_);
      LSTAR_TRY(from(step + 1, text.substr(begin, end - begin), first && begin == 0));
      begin = end;
    }
    return {};
  }

  Result<void> cut(const ByteSpelling&, size_t step, std::string_view text, bool first) {
    std::string spelled;
    spell_bytes(text, spelled);
    return rewritten(step, spelled, first);
  }

  Result<void> cut(const DigitSplit& digits, size_t step, std::string_view text, bool first) {
    size_t begin = 0;
    bool in_digits = false;
    for (size_t i = 0; i < text.size();) {
      const CodePoint c = decode_utf8(text, i);
      const bool digit = classes_.is_digit(c.value);
      if (i > 0 && (digit != in_digits || (digit && digits.individual))) {
        LSTAR_TRY(from(step + 1, text.substr(begin, i - begin), first && begin == 0));
        begin = i;
      }
      in_digits = digit;
      i += c.bytes;
    }
    return from(step + 1, text.substr(begin), first && begin == 0);
  }

  Result<void> cut(const PatternSplit& split, size_t step, std::string_view text, bool first) {
    auto joiner = join(split.behavior, step, text, first);
    Matches matches(split.pattern, text, budget_);
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

  Result<void> cut(const CharacterSplit& split, size_t step, std::string_view text, bool first) {
    auto joiner = join(split.behavior, step, text, first);
    size_t previous = 0;
    for (size_t i = 0; i < text.size();) {
      const CodePoint c = decode_utf8(text, i);
      const size_t end = i + c.bytes;
      const bool matched = split.set == CharacterSplit::Set::space         ? is_space(c.value)
                           : split.set == CharacterSplit::Set::punctuation ? is_punctuation(c.value)
                                                                           : c.value == split.character;
      if (matched) {
        if (previous != i) LSTAR_TRY(joiner.piece(previous, i, false));
        LSTAR_TRY(joiner.piece(i, end, true));
        previous = end;
      }
      i = end;
    }
    if (previous != text.size()) LSTAR_TRY(joiner.piece(previous, text.size(), false));
    return joiner.flush();
  }

  Result<void> cut(const WordSplit&, size_t step, std::string_view text, bool first) {
    enum class Kind : uint8_t { space, word, other };
    const auto kind_at = [&](CodePoint c) {
      return is_word_character(c.value) ? Kind::word : is_space(c.value) ? Kind::space : Kind::other;
    };
    for (size_t begin = 0; begin < text.size();) {
      const CodePoint c = decode_utf8(text, begin);
      const Kind kind = kind_at(c);
      size_t end = begin + c.bytes;
      while (end < text.size()) {
        const CodePoint next = decode_utf8(text, end);
        if (kind_at(next) != kind) break;
        end += next.bytes;
      }
      if (kind != Kind::space) LSTAR_TRY(from(step + 1, text.substr(begin, end - begin), first && begin == 0));
      begin = end;
    }
    return {};
  }

  Result<void> cut(const LengthSplit& split, size_t step, std::string_view text, bool first) {
    for (size_t begin = 0; begin < text.size();) {
      size_t end = begin;
      for (size_t i = 0; i < split.length && end < text.size(); ++i) end += utf8_length(text[end]);
      LSTAR_TRY(from(step + 1, text.substr(begin, end - begin), first && begin == 0));
      begin = end;
    }
    return {};
  }

  Result<void> cut(const MarkSpaces& mark, size_t step, std::string_view text, bool first) {
    using Prepend = MarkSpaces::Prepend;
    std::string marked;
    marked.reserve(text.size() + text.size() / 2);
    const bool wanted = mark.prepend == Prepend::always || (mark.prepend == Prepend::first && first);
    if (wanted && text.front() != ' ' && !text.starts_with(mark.marker)) marked = mark.marker;
    for (const char c : text) {
      if (c == ' ')
        marked += mark.marker;
      else
        marked += c;
    }
    return rewritten(step, marked, first);
  }

  Result<void> cut(const PieceSplit& split, size_t step, std::string_view text, bool first) {
    std::vector<AddedTokens::Part> parts;
    LSTAR_TRY(split.pieces->split(text, false, parts, budget_));
    for (const AddedTokens::Part& part : parts)
      LSTAR_TRY(from(step + 1, part.text, first && part.text.data() == text.data()));
    return {};
  }

  const std::vector<PreTokenizerStep>& steps_;
  WordSink& sink_;
  TextBudget& budget_;
  const CharacterClasses& classes_ = CharacterClasses::get();
};

}  // namespace

Result<void> PreTokenizer::split(std::string_view text, bool first, WordSink& sink, TextBudget& budget) const {
  return Run(steps, sink, budget).from(0, text, first);
}

}  // namespace lstar
