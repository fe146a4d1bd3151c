#include "lstar/tokenizer/pipeline/normalizer.h"

#include <algorithm>

#include "lstar/tokenizer/pipeline/byte_level.h"
#include "lstar/tokenizer/pipeline/utf8.h"

namespace lstar {
namespace {

bool is_chinese(uint32_t c) {
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
         (c >= 0x2a700 && c <= 0x2b73f) || (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

bool is_removed_by_nmt(uint32_t c) {
  return (c >= 0x1 && c <= 0x8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f || c == 0x8f || c == 0x9f;
}

bool is_space_of_nmt(uint32_t c) {
  return c == 0x9 || c == 0xa || c == 0xc || c == 0xd || c == 0x1680 || (c >= 0x200b && c <= 0x200f) || c == 0x2028 ||
         c == 0x2029 || c == 0x2581 || c == 0xfeff || c == 0xfffd;
}

// Rewrites a text character by character.
template <class Write>
void rewrite(std::string_view text, std::string& out, Write write) {
  out.reserve(text.size() + 16);
  for (size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    write(c.value);
    i += c.bytes;
  }
}

// One step of the chain: rewrites `text` into `out`, which is empty, or answers that it is to stay as it is.
class Step {
 public:
  Step(std::string_view text, bool at_start, std::string& out, TextBudget& budget, bool& begins_first)
      : text_(text), at_start_(at_start), out_(out), budget_(budget), begins_first_(begins_first) {}

  Result<bool> operator()(UnicodeForm form) {
    if (is_plainly(form, text_)) return false;
    out_ = to_form(form, text_);
    return true;
  }

  Result<bool> operator()(const Lowercase&) {
    rewrite(text_, out_, [&](uint32_t c) { append_lowercase(c, out_); });
    return true;
  }

  Result<bool> operator()(const StripMarks&) {
    return keep([](uint32_t c) { return !is_combining_mark(c); });
  }

  Result<bool> operator()(const StripSpace& strip) {
    size_t begin = 0, end = text_.size();
    while (strip.left && begin < end && is_space(decode_utf8(text_, begin).value)) begin += utf8_length(text_[begin]);
    while (strip.right && end > begin) {
      const size_t last = last_character(text_.substr(0, end));
      if (!is_space(decode_utf8(text_, last).value)) break;
      end = last;
    }
    begins_first_ &= begin == 0;
    out_ = text_.substr(begin, end - begin);
    return true;
  }

  Result<bool> operator()(const PrependText& prepend) {
    if (text_.empty() || (prepend.at_start_only && !at_start_)) return false;
    if (prepend.text.size() > budget_.writable()) return too_long();
    out_.append(prepend.text).append(text_);
    return true;
  }

  Result<bool> operator()(const ReplaceText& replace) {
    if (text_.empty()) return false;
    Matches matches(replace.pattern, text_, budget_);
    size_t done = 0;
    while (true) {
      LSTAR_ASSIGN(const std::optional<Match> match, matches.next());
      if (!match) break;
      // What replaces a text counts as coming from its last character.
      if (match->begin == 0 && match->end > (replace.content.empty() ? 0 : utf8_length(text_[0])))
        begins_first_ = false;
      out_.append(text_, done, match->begin - done).append(replace.content);
      done = match->end;
      if (out_.size() > budget_.writable()) return too_long();
    }
    out_.append(text_, done);
    return true;
  }

  Result<bool> operator()(const BertText& bert) {
    std::string cleaned;
    rewrite(text_, cleaned, [&](uint32_t c) {
      if (bert.clean) {
        if (c == 0 || c == 0xfffd || is_control(c)) return;
        if (is_space(c)) c = ' ';
      }
      const bool apart = bert.separate_chinese && is_chinese(c);
      if (apart) cleaned.push_back(' ');
      append_utf8(c, cleaned);
      if (apart) cleaned.push_back(' ');
    });
    if (!text_.empty()) {
      const uint32_t first = decode_utf8(text_, 0).value;
      if (bert.clean) begins_first_ &= first != 0 && first != 0xfffd && !is_control(first);
      if (bert.strip_accents) begins_first_ &= !is_nonspacing_mark(first);
    }
    if (bert.strip_accents && !is_plainly(UnicodeForm::nfd, cleaned)) cleaned = to_form(UnicodeForm::nfd, cleaned);
    rewrite(cleaned, out_, [&](uint32_t c) {
      if (bert.strip_accents && is_nonspacing_mark(c)) return;
      if (bert.lowercase)
        append_lowercase(c, out_);
      else
        append_utf8(c, out_);
    });
    return true;
  }

  Result<bool> operator()(const NmtText&) {
    rewrite(text_, out_, [&](uint32_t c) {
      if (!is_removed_by_nmt(c)) append_utf8(is_space_of_nmt(c) ? ' ' : c, out_);
    });
    if (!text_.empty()) begins_first_ &= !is_removed_by_nmt(decode_utf8(text_, 0).value);
    return true;
  }

  Result<bool> operator()(const SpelledBytes&) {
    spell_bytes(text_, out_);
    return true;
  }

  Result<bool> operator()(const MappedText& mapped) {
    if (!mapped.map->normalize(text_, budget_.writable(), out_)) return too_long();
    return true;
  }

 private:
  Result<bool> too_long() {
    budget_.write(budget_.writable() + 1);
    return fail(budget_.error());
  }

  template <class Keep>
  Result<bool> keep(Keep kept) {
    rewrite(text_, out_, [&](uint32_t c) {
      if (kept(c)) append_utf8(c, out_);
    });
    if (!text_.empty()) begins_first_ &= kept(decode_utf8(text_, 0).value);
    return true;
  }

  std::string_view text_;
  bool at_start_;
  std::string& out_;
  TextBudget& budget_;
  bool& begins_first_;
};

}  // namespace

Result<Normalizer::Normalized> Normalizer::apply(std::string_view text, bool at_start, std::string& buffer,
                                                 TextBudget& budget) const {
  Normalized result{.text = text};
  std::string next;
  for (const NormalizerStep& step : steps) {
    next.clear();
    LSTAR_ASSIGN(const bool changed, std::visit(Step(result.text, at_start, next, budget, result.begins_first), step));
    if (!changed) continue;
    if (next.size() > budget.writable() && !budget.write(next.size())) return fail(budget.error());
    buffer.swap(next);
    result.text = buffer;
  }
  // The length that is left is what counts: each step is over when the next begins.
  if (!budget.write(result.text.size())) return fail(budget.error());
  return result;
}

}  // namespace lstar
