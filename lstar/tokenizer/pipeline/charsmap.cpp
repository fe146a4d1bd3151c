#include "lstar/tokenizer/pipeline/charsmap.h"

#include <algorithm>
#include <memory>
#include <new>

#include <fmt/core.h>
#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include "lstar/base/text.h"
#include "lstar/tokenizer/pipeline/utf8.h"

namespace lstar {
namespace {

constexpr size_t kLongestGrapheme = 5;  // bytes; longer ones are looked up character by character

uint32_t little_endian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// A unit of the trie: a label (or a value), whether a value hangs on it, and how far its children are.
uint32_t label(uint32_t unit) { return unit & (uint32_t{1} << 31 | 0xff); }
bool has_value(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t offset(uint32_t unit) { return unit >> 10 << ((unit & (1u << 9)) >> 6); }

// Where the graphemes of a text end.
class Graphemes {
 public:
  explicit Graphemes(std::string_view text) : text_(text) {
    if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return;
    UErrorCode status = U_ZERO_ERROR;
    // One a thread, as making it reads the library's rules.
    thread_local const std::unique_ptr<icu::BreakIterator> shared(
        icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
    if (status == U_MEMORY_ALLOCATION_ERROR || !shared) throw std::bad_alloc();
    if (U_FAILURE(status)) return;
    iterator_ = shared.get();
    view_ = utext_openUTF8(view_, text.data(), static_cast<int64_t>(text.size()), &status);
    iterator_->setText(view_, status);
  }
  ~Graphemes() {
    if (view_) utext_close(view_);
  }
  Graphemes(const Graphemes&) = delete;
  Graphemes& operator=(const Graphemes&) = delete;

  // The end of the grapheme at `begin`: 0, or what the call before this one returned.
  size_t end_of(size_t begin) {
    if (iterator_) {
      const int32_t next = iterator_->next();
      return next == icu::BreakIterator::DONE ? text_.size() : static_cast<size_t>(next);
    }
    return begin + (text_.substr(begin).starts_with("\r\n") ? 2 : utf8_length(text_[begin]));
  }

 private:
  std::string_view text_;
  icu::BreakIterator* iterator_ = nullptr;
  UText* view_ = nullptr;
};

}  // namespace

Result<Charsmap> Charsmap::make(std::string_view bytes) {
  if (bytes.size() < 4) return fail(Error{.what = "charsmap cut short", .expected = "at least 4 bytes"});
  const uint32_t size = little_endian(bytes, 0);
  if (size > bytes.size() - 4 || size % 4 != 0 || size == 0)
    return fail({.what = "size of the charsmap's trie",
                 .expected = fmt::format("a multiple of 4, 4 to {}", bytes.size() - 4),
                 .found = fmt::format("{}", size)});
  Charsmap map;
  map.trie_.reserve(size / 4);
  for (size_t at = 4; at < size + size_t{4}; at += 4) map.trie_.push_back(little_endian(bytes, at));
  map.replacements_ = bytes.substr(size + size_t{4});
  if (!is_utf8(map.replacements_)) return fail("the charsmap's replacements are not UTF-8");
  return map;
}

std::optional<std::string_view> Charsmap::replacement(std::string_view part) const {
  size_t node = offset(trie_[0]);
  for (const char c : part) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0) return std::nullopt;
    node ^= byte;
    if (node >= trie_.size() || label(trie_[node]) != byte) return std::nullopt;
    const uint32_t unit = trie_[node];
    node ^= offset(unit);
    if (!has_value(unit)) continue;
    if (node >= trie_.size()) return std::nullopt;
    const size_t begin = trie_[node] & 0x7fffffff;
    if (begin > replacements_.size()) return std::nullopt;
    if (begin < replacements_.size() && (static_cast<unsigned char>(replacements_[begin]) & 0xc0) == 0x80)
      return std::nullopt;  // in the middle of a character
    const std::string_view rest = std::string_view(replacements_).substr(begin);
    return rest.substr(0, rest.find('\0'));
  }
  return std::nullopt;
}

bool Charsmap::normalize(std::string_view text, size_t most, std::string& out) const {
  Graphemes graphemes(text);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = graphemes.end_of(begin);
    const std::string_view grapheme = text.substr(begin, end - begin);
    begin = end;
    if (grapheme.size() <= kLongestGrapheme) {
      if (const auto whole = replacement(grapheme)) {
        if (whole->size() > most - out.size()) return false;
        out.append(*whole);
        continue;
      }
    }
    for (size_t i = 0; i < grapheme.size();) {
      const std::string_view character = grapheme.substr(i, utf8_length(grapheme[i]));
      const std::string_view instead = replacement(character).value_or(character);
      if (instead.size() > most - out.size()) return false;
      out.append(instead);
      i += character.size();
    }
  }
  return true;
}

std::optional<std::string> Charsmap::decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    uint32_t value = 0;
    if (c >= 'A' && c <= 'Z')
      value = static_cast<uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      value = static_cast<uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9')
      value = static_cast<uint32_t>(c - '0' + 52);
    else if (c == '+' || c == '/')
      value = c == '+' ? 62 : 63;
    else
      return std::nullopt;
    bits = bits << 6 | value;
    if ((count += 6) < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return bytes;
}

}  // namespace lstar
