// What the tokenizer asks about characters. Letters and numbers follow Unicode 16, as the Oniguruma inside `tokenizers`
// does, whatever version the installed libraries know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lstar/tokenizer/unicode_ranges.h"

namespace lstar {

enum class CharacterClass : uint8_t { other, letter, number, space };  // [^\s\p{L}\p{N}], \p{L}, \p{N}, \s

// One byte a code point: the class, and kCounted for what the Digits pre-tokenizer calls a digit.
class CharacterClasses {
 public:
  static const CharacterClasses& get();  // built at the first call

  CharacterClass of(uint32_t code_point) const { return static_cast<CharacterClass>(table_[code_point] & 3); }
  bool is_digit(uint32_t code_point) const { return table_[code_point] & kCounted; }

 private:
  CharacterClasses();
  static constexpr uint8_t kCounted = 4;
  std::string table_;  // (0x110000)
};

// \w of an added token's neighbour: alphabetic, mark, decimal digit, connector or join control.
bool is_word_character(uint32_t code_point);

// The text in NFC, or nothing where it is in NFC already. Characters younger than Unicode 9 are left alone, as the
// normaliser inside `tokenizers` does not know them.
bool is_plainly_nfc(std::string_view text);  // true only where nothing needs to be done
std::string to_nfc(std::string_view text);

}  // namespace lstar
