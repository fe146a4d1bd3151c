#include "lstar/tokenizer/pipeline/gpt2_pattern.h"

#include "lstar/tokenizer/pipeline/utf8.h"

namespace lstar {
namespace {

// Bytes of "'s", "'ll" and the like at the start of `rest`, or 0.
size_t contraction(std::string_view rest) {
  for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
    if (rest.starts_with(ending)) return ending.size();
  return 0;
}

size_t run_end(std::string_view text, size_t position, CharacterClass wanted, const CharacterClasses& classes) {
  while (position < text.size()) {
    const CodePoint c = decode_utf8(text, position);
    if (classes.of(c.value) != wanted) break;
    position += c.bytes;
  }
  return position;
}

}  // namespace

size_t gpt2_word_end(std::string_view text, size_t begin, const CharacterClasses& classes) {
  if (text[begin] == '\'')
    if (const size_t length = contraction(text.substr(begin))) return begin + length;
  // One space (U+0020) goes with the letters, numbers or signs that follow it.
  const size_t core = begin + (text[begin] == ' ' ? 1 : 0);
  if (core < text.size()) {
    const CharacterClass kind = classes.of(decode_utf8(text, core).value);
    if (kind != CharacterClass::space) return run_end(text, core, kind, classes);
  }
  // White space: up to the end of the text, or all but the last character, which the next word may take.
  const size_t end = run_end(text, begin, CharacterClass::space, classes);
  if (end == text.size()) return end;
  const size_t last = begin + last_character(text.substr(begin, end - begin));
  return last > begin ? last : end;
}

}  // namespace lstar
