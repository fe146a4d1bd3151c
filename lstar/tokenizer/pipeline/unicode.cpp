#include "lstar/tokenizer/pipeline/unicode.h"

#include <algorithm>
#include <array>
#include <new>
#include <span>

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>

#include "lstar/tokenizer/pipeline/utf8.h"

namespace lstar {
namespace {

constexpr CodePointRange kSpaceRanges[] = {{0x9, 0xd},       {0x20, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},
                                           {0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f},
                                           {0x205f, 0x205f}, {0x3000, 0x3000}};

// \w of Unicode 15.1 and 16, which older libraries do not know.
constexpr CodePointRange kLaterWordRanges[] = {
    {0x897, 0x897},     {0x1c89, 0x1c8a},   {0xa7cb, 0xa7cd},   {0xa7da, 0xa7dc},   {0x105c0, 0x105f3},
    {0x10d40, 0x10d65}, {0x10d69, 0x10d6d}, {0x10d6f, 0x10d85}, {0x10ec2, 0x10ec4}, {0x10efc, 0x10efc},
    {0x11380, 0x11389}, {0x1138b, 0x1138b}, {0x1138e, 0x1138e}, {0x11390, 0x113b5}, {0x113b7, 0x113c0},
    {0x113c2, 0x113c2}, {0x113c5, 0x113c5}, {0x113c7, 0x113ca}, {0x113cc, 0x113d3}, {0x113e1, 0x113e2},
    {0x116d0, 0x116e3}, {0x11bc0, 0x11be0}, {0x11bf0, 0x11bf9}, {0x11f5a, 0x11f5a}, {0x13460, 0x143fa},
    {0x16100, 0x16139}, {0x16d40, 0x16d6c}, {0x16d70, 0x16d79}, {0x18cff, 0x18cff}, {0x1ccf0, 0x1ccf9},
    {0x1e5d0, 0x1e5fa}, {0x2ebf0, 0x2ee5d}};

// Capital letters of Unicode 16 and 17: from, to, and how far their small letters are.
struct Capitals {
  uint32_t first, last;
  int32_t offset;
};
constexpr Capitals kLaterCapitals[] = {{0x1c89, 0x1c89, 1},      {0xa7cb, 0xa7cb, 0x264 - 0xa7cb},
                                       {0xa7cc, 0xa7cc, 1},      {0xa7ce, 0xa7ce, 1},
                                       {0xa7d2, 0xa7d2, 1},      {0xa7d4, 0xa7d4, 1},
                                       {0xa7da, 0xa7da, 1},      {0xa7dc, 0xa7dc, 0x19b - 0xa7dc},
                                       {0x10d50, 0x10d65, 0x20}, {0x16ea0, 0x16eb8, 0x1b}};

bool contains(std::span<const CodePointRange> ranges, uint32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const CodePointRange& range) { return range.first <= c && c <= range.last; });
}

int age_of(uint32_t c) {  // the major version of Unicode that brought the character
  UVersionInfo version;
  u_charAge(static_cast<UChar32>(c), version);
  return version[0];
}

}  // namespace

CharacterClasses::CharacterClasses() : table_(0x110000, '\0') {
  const auto mark = [&](std::span<const CodePointRange> ranges, uint8_t bits) {
    for (const CodePointRange& range : ranges)
      std::fill(table_.begin() + range.first, table_.begin() + range.last + 1, static_cast<char>(bits));
  };
  mark(kSpaceRanges, static_cast<uint8_t>(CharacterClass::space));
  mark(kLetterRanges, static_cast<uint8_t>(CharacterClass::letter));
  mark(kNumberRanges, static_cast<uint8_t>(CharacterClass::number) | kCounted);
  mark(kLaterNumberRanges, static_cast<uint8_t>(CharacterClass::other) | kCounted);
}

const CharacterClasses& CharacterClasses::get() {
  static const CharacterClasses classes;
  return classes;
}

bool is_word_character(uint32_t code_point) {
  const auto c = static_cast<UChar32>(code_point);
  return u_isUAlphabetic(c) || (U_GET_GC_MASK(c) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0 ||
         u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL) || contains(kLaterWordRanges, code_point);
}

bool is_punctuation(uint32_t c) {
  if (c < 0x80)
    return (c >= 0x21 && c <= 0x2f) || (c >= 0x3a && c <= 0x40) || (c >= 0x5b && c <= 0x60) || (c >= 0x7b && c <= 0x7e);
  if (c == 0x166d) return true;  // a full stop in Unicode 8, a symbol since
  return c != 0x111c9 && age_of(c) <= 8 && (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_P_MASK) != 0;
}

bool is_nonspacing_mark(uint32_t c) {
  if (c < 0x300) return false;
  if (c == 0x1734) return true;                                                 // a spacing mark since
  if (c == 0x1885 || c == 0x1886 || c == 0xa9bd || c == 0x111c9) return false;  // something else then
  return age_of(c) <= 8 && (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_MN_MASK) != 0;
}

bool is_combining_mark(uint32_t c) {
  if (c < 0x300) return false;
  if (c == 0x1cf2 || c == 0x1cf3) return true;  // letters since
  return c != 0x111c9 && age_of(c) <= 9 && (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_M_MASK) != 0;
}

bool is_control(uint32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  if (c < 0x80) return c < 0x20 || c == 0x7f;
  const uint32_t mask = U_GET_GC_MASK(static_cast<UChar32>(c));
  return (mask & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) != 0 && age_of(c) <= 8;
}

void append_lowercase(uint32_t c, std::string& out) {
  if (c == 0x130) {  // the one character whose lower case is two
    append_utf8('i', out);
    append_utf8(0x307, out);
    return;
  }
  for (const auto& [first, last, offset] : kLaterCapitals)
    if (c >= first && c <= last) return append_utf8(static_cast<uint32_t>(static_cast<int32_t>(c) + offset), out);
  append_utf8(static_cast<uint32_t>(u_tolower(static_cast<UChar32>(c))), out);
}

bool is_plainly(UnicodeForm form, std::string_view text) {
  // Below U+0300 (first byte 0xcc) every character is in NFC and none combines with its neighbour; ASCII is in all.
  const unsigned first_changed = form == UnicodeForm::nfc ? 0xcc : 0x80;
  return std::none_of(text.begin(), text.end(), [&](char c) { return static_cast<unsigned char>(c) >= first_changed; });
}

std::string to_form(UnicodeForm form, std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  static const icu::UnicodeSet known = [] {
    UErrorCode error = U_ZERO_ERROR;
    icu::UnicodeSet set(icu::UnicodeString(u"[:age=9.0:]"), error);
    set.freeze();
    if (U_FAILURE(error)) throw std::bad_alloc();
    return set;
  }();
  static const auto normalizers = [] {
    UErrorCode error = U_ZERO_ERROR;
    const icu::Normalizer2* const all[] = {
        icu::Normalizer2::getNFCInstance(error), icu::Normalizer2::getNFDInstance(error),
        icu::Normalizer2::getNFKCInstance(error), icu::Normalizer2::getNFKDInstance(error)};
    if (U_FAILURE(error)) throw std::bad_alloc();
    return std::array{icu::FilteredNormalizer2(*all[0], known), icu::FilteredNormalizer2(*all[1], known),
                      icu::FilteredNormalizer2(*all[2], known), icu::FilteredNormalizer2(*all[3], known)};
  }();
  std::string out;
  out.reserve(text.size());
  icu::StringByteSink<std::string> sink(&out);
  normalizers[static_cast<size_t>(form)].normalizeUTF8(
      0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink, nullptr, status);
  if (status == U_MEMORY_ALLOCATION_ERROR) throw std::bad_alloc();
  return out;
}

}  // namespace lstar
