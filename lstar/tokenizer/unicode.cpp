#include "lstar/tokenizer/unicode.h"

#include <algorithm>
#include <array>
#include <span>

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>

namespace lstar {
namespace {

constexpr CodePointRange kSpaceRanges[] = {{0x9, 0xd},       {0x20, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},
                                           {0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f},
                                           {0x205f, 0x205f}, {0x3000, 0x3000}};

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
         u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL);
}

bool is_plainly_nfc(std::string_view text) {
  // Below U+0300 (first byte 0xcc) every character is in NFC and none combines with its neighbour.
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0xcc; });
}

std::string to_nfc(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  static const icu::UnicodeSet known = [] {
    UErrorCode error = U_ZERO_ERROR;
    icu::UnicodeSet set(icu::UnicodeString(u"[:age=9.0:]"), error);
    set.freeze();
    return set;
  }();
  static const icu::FilteredNormalizer2 nfc = [] {
    UErrorCode error = U_ZERO_ERROR;
    return icu::FilteredNormalizer2(*icu::Normalizer2::getNFCInstance(error), known);
  }();
  std::string out;
  out.reserve(text.size());
  icu::StringByteSink<std::string> sink(&out);
  nfc.normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink, nullptr, status);
  return out;
}

}  // namespace lstar
