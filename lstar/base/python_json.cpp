#include "lstar/base/python_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include <fmt/core.h>

#include "lstar/base/text.h"

namespace lstar {
namespace {

constexpr int kDeepest = 1000;  // as Python's recursion limit; simdjson's own is 1,024

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<uint32_t> hexadecimal(std::string_view digits) {
  uint32_t value = 0;
  const auto end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, 16);
  return error == std::errc() && stop == end && digits.size() == 4 ? std::optional(value) : std::nullopt;
}

bool is_high(uint32_t c) { return c >= 0xD800 && c < 0xDC00; }
bool is_low(uint32_t c) { return c >= 0xDC00 && c < 0xE000; }

// Goes through the text once and writes it anew. Members that a later one of the same name replaces are taken out at
// the end.
class Restater {
 public:
  explicit Restater(std::string_view text) : text_(text) {}

  Result<std::string> restate() {
    out_.reserve(text_.size() + 64);
    LSTAR_TRY(value(0));
    space();
    if (at_ != text_.size()) return refuse("the end of the text");
    return without_replaced();
  }

 private:
  struct Range {
    size_t begin, end;
  };
  struct Member {
    std::string key;
    size_t begin;  // in out_
  };

  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  tl::unexpected<Error> refuse(std::string expected) const {
    const std::string_view before = text_.substr(0, at_);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const size_t begin = before.rfind('\n');
    const size_t column = at_ - (begin == std::string_view::npos ? 0 : begin + 1) + 1;
    const auto c = static_cast<unsigned char>(here());
    std::string found = at_ >= text_.size()     ? "the end of the text"
                        : c >= 0x20 && c < 0x7F ? fmt::format("'{}'", here())
                                                : fmt::format("byte 0x{:02x}", c);
    return fail({.what = "not valid JSON",
                 .at = fmt::format("line {}, column {}", line, column),
                 .expected = std::move(expected),
                 .found = std::move(found)});
  }

  Result<void> value(int depth) {
    space();
    if (depth > kDeepest) return refuse(fmt::format("at most {} values inside each other", kDeepest));
    switch (here()) {
      case '{': return object(depth);
      case '[': return list(depth);
      case '"': return string(nullptr);
      default: break;
    }
    for (std::string_view word : {"true", "false", "null"})
      if (take(word)) {
        out_ += word;
        return {};
      }
    for (std::string_view word : {"NaN", "Infinity", "-Infinity"})
      if (take(word)) {
        beyond(word);
        return {};
      }
    return number();
  }

  void beyond(std::string_view literal) { out_.append("\"").append(kBeyondJson).append(literal).append("\""); }

  Result<void> digits() {
    if (!is_digit(here())) return refuse("a digit");
    while (is_digit(here())) ++at_;
    return {};
  }

  Result<void> number() {
    const size_t begin = at_;
    take("-");
    if (!is_digit(here())) return refuse("a value");
    if (!take("0")) LSTAR_TRY(digits());
    bool is_integer = true;
    if (here() == '.') {
      ++at_;
      is_integer = false;
      LSTAR_TRY(digits());
    }
    if (here() == 'e' || here() == 'E') {
      ++at_;
      is_integer = false;
      if (!take("+")) take("-");
      LSTAR_TRY(digits());
    }
    const std::string_view literal = text_.substr(begin, at_ - begin);
    if (fits(literal, is_integer))
      out_ += literal;
    else
      beyond(literal);
    return {};
  }

  static bool fits(std::string_view literal, bool is_integer) {
    const char* end = literal.data() + literal.size();
    if (is_integer) {
      int64_t whole = 0;
      uint64_t large = 0;
      return std::from_chars(literal.data(), end, whole).ec == std::errc() ||
             std::from_chars(literal.data(), end, large).ec == std::errc();
    }
    double real = 0;
    return std::from_chars(literal.data(), end, real).ec == std::errc() || is_below_one(literal);
  }

  // Whether the first digit that counts stands behind the point: what is out of range then rounds to zero.
  static bool is_below_one(std::string_view literal) {
    const size_t first = std::min(literal.find_first_of("123456789"), literal.size());
    const size_t mark = std::min(literal.find_first_of("eE"), literal.size());
    const size_t point = std::min(literal.find_first_of("."), mark);
    int64_t exponent = 0;
    std::string_view written = literal.substr(std::min(mark + 1, literal.size()));
    if (written.starts_with('+')) written.remove_prefix(1);
    if (std::from_chars(written.data(), written.data() + written.size(), exponent).ec == std::errc::result_out_of_range)
      return written.starts_with('-');
    return exponent <= static_cast<int64_t>(first) - static_cast<int64_t>(point);  // a sum could overflow
  }

  // A string as it stands, unless half a surrogate pair is in it. Its text goes to `key` where asked for.
  Result<void> string(std::string* key) {
    const size_t begin = ++at_;
    bool has_halves = false, has_escapes = false;
    std::string plain;  // from the first escape on that matters
    const auto restated = [&](size_t to) -> std::string& {
      if (!has_escapes) plain.assign(text_.substr(begin, to - begin));
      has_escapes = true;
      return plain;
    };
    while (true) {
      const auto c = static_cast<unsigned char>(here());
      if (at_ >= text_.size() || c < 0x20) return refuse("the end of a text in quotation marks");
      if (c == '"') break;
      if (c != '\\') {
        if (has_escapes) plain += here();
        ++at_;
        continue;
      }
      std::string& so_far = restated(at_);
      ++at_;
      const char escape = here();
      const size_t known = std::string_view("\"\\/bfnrtu").find(escape);
      if (at_ >= text_.size() || known == std::string_view::npos) return refuse("one of \" \\ / b f n r t u");
      if (escape != 'u') {
        so_far += "\"\\/\b\f\n\r\t"[known];
        ++at_;
        continue;
      }
      LSTAR_ASSIGN(uint32_t code, escaped_unit());
      if (is_high(code) && text_.substr(at_).starts_with("\\u")) {
        const auto low = hexadecimal(text_.substr(at_ + 2, 4));
        if (low && is_low(*low)) {
          code = 0x10000 + ((code - 0xD800) << 10) + (*low - 0xDC00);
          at_ += 6;
        }
      }
      const bool is_half = is_high(code) || is_low(code);
      has_halves = has_halves || is_half;
      append_utf8(is_half ? 0x100000 + code : code, so_far);
    }
    const std::string_view raw = text_.substr(begin, at_ - begin);
    ++at_;
    if (has_halves)
      append_quoted(plain);
    else
      out_.append("\"").append(raw).append("\"");
    if (key) *key = has_escapes ? std::move(plain) : std::string(raw);
    return {};
  }

  Result<uint32_t> escaped_unit() {  // at "uXXXX"
    const auto code = hexadecimal(text_.substr(at_ + 1, 4));
    if (!code) return refuse("four hexadecimal digits after \\u");
    at_ += 5;
    return *code;
  }

  void append_quoted(std::string_view plain) {
    out_.append("\"").append(kBeyondJson).append("\\\"");
    for (char c : plain) {
      if (static_cast<unsigned char>(c) < 0x20)
        out_ += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      else if (c == '"' || c == '\\')
        out_.append("\\").push_back(c);
      else
        out_ += c;
    }
    out_ += '"';
  }

  Result<void> list(int depth) {
    ++at_;
    out_ += '[';
    space();
    for (bool first = true; !take("]"); first = false) {
      if (!first) {
        if (!take(",")) return refuse("',' or ']'");
        out_ += ',';
      }
      LSTAR_TRY(value(depth + 1));
      space();
    }
    out_ += ']';
    return {};
  }

  Result<void> object(int depth) {
    ++at_;
    out_ += '{';
    space();
    std::vector<Member> members;
    for (bool first = true; !take("}"); first = false) {
      if (!first) {
        if (!take(",")) return refuse("',' or '}'");
        out_ += ',';
        space();
      }
      if (here() != '"') return refuse("a key in quotation marks");
      members.push_back({.key = {}, .begin = out_.size()});
      LSTAR_TRY(string(&members.back().key));
      space();
      if (!take(":")) return refuse("':'");
      out_ += ':';
      LSTAR_TRY(value(depth + 1));
      space();
    }
    mark_replaced(members);
    out_ += '}';
    return {};
  }

  void mark_replaced(const std::vector<Member>& members) {
    std::vector<size_t> order(members.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](size_t i, size_t j) { return members[i].key < members[j].key; });
    for (size_t i = 0; i + 1 < order.size(); ++i)
      if (members[order[i]].key == members[order[i + 1]].key)
        replaced_.push_back({members[order[i]].begin, members[order[i] + 1].begin});
  }

  std::string without_replaced() {
    if (replaced_.empty()) return std::move(out_);
    std::sort(replaced_.begin(), replaced_.end(), [](Range a, Range b) { return a.begin < b.begin; });
    std::string kept;
    size_t done = 0;
    for (const Range& range : replaced_) {
      if (range.begin > done) kept.append(out_, done, range.begin - done);
      done = std::max(done, range.end);  // an inner range may lie in an outer one
    }
    return kept.append(out_, done);
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string out_;
  std::vector<Range> replaced_;
};

}  // namespace

Result<std::string> restate_python_json(std::string_view text) { return Restater(text).restate(); }

}  // namespace lstar
