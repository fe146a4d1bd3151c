// What the tokenizer asks about characters. Letters and numbers follow Unicode 16, as the Oniguruma inside `tokenizers`
// does, whatever version the installed libraries know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lstar/tokenizer/pipeline/unicode_ranges.h"

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

// \w of `tokenizers` (an added token's neighbour, the Whitespace pre-tokenizer): alphabetic, mark, decimal digit,
// connector or join control of Unicode 16.
bool is_word_character(uint32_t code_point);

// White_Space, which is what every part of `tokenizers` calls a space.
inline bool is_space(uint32_t code_point) { return CharacterClasses::get().of(code_point) == CharacterClass::space; }

// Three properties as the libraries inside `tokenizers` have them, which stopped at Unicode 8 and 9.
bool is_punctuation(uint32_t code_point);  // category P, and all of ASCII that is no letter, digit, space or control
bool is_nonspacing_mark(uint32_t code_point);  // category Mn
bool is_combining_mark(uint32_t code_point);   // category M
bool is_control(uint32_t code_point);          // categories Cc, Cf and Co, without tab, line feed and carriage return

void append_lowercase(uint32_t code_point, std::string& out);  // Unicode 17, one character at a time

// The four normalisation forms. Characters younger than Unicode 9 are left alone, as the normaliser inside
// `tokenizers` does not know them.
enum class UnicodeForm : uint8_t { nfc, nfd, nfkc, nfkd };
bool is_plainly(UnicodeForm form, std::string_view text);  // true only where nothing needs to be done
std::string to_form(UnicodeForm form, std::string_view text);

}  // namespace lstar
