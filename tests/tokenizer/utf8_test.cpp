#include "lstar/tokenizer/pipeline/utf8.h"

#include "lstar/tokenizer/pipeline/byte_level.h"
#include "lstar/tokenizer/pipeline/unicode.h"
#include "tests/tokenizer/support.h"

namespace lstar {
namespace {

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

// The other side is Python's bytes.decode(errors="replace").
TEST(Utf8, IllFormedBytesBecomeReplacementCharactersAsInPython) {
  const auto document = JsonDocument::read(test::data_path("invalid_utf8.json"));
  ASSERT_TRUE(document) << document.error().message();
  size_t repaired = 0;
  for (Json pair : document->root().items()) {
    const std::string bytes = from_hex(pair.at(0)->string().value());
    const auto text = repair_utf8(bytes);
    repaired += text.has_value();
    EXPECT_EQ(text.value_or(bytes), pair.at(1)->string().value()) << pair.at(0)->string().value();
  }
  EXPECT_GT(repaired, 300u);
}

TEST(Utf8, EveryCodePointIsWrittenAndReadBack) {
  for (uint32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    std::string text;
    append_utf8(c, text);
    const CodePoint read = decode_utf8(text, 0);
    ASSERT_EQ(read.value, c);
    ASSERT_EQ(read.bytes, text.size());
    ASSERT_EQ(utf8_length(text[0]), text.size());
    ASSERT_EQ(last_character("x" + text), 1u);
  }
}

TEST(ByteLevel, EveryByteIsSpelledAndReadBack) {
  std::string all, spelled;
  for (int b = 0; b < 256; ++b) all.push_back(static_cast<char>(b));
  spell_bytes(all, spelled);
  EXPECT_EQ(unspell_bytes(spelled), all);
  spell_bytes(" \n\xad~\xa1\x7f", spelled);
  EXPECT_EQ(spelled, "ĠĊŃ~¡ġ");
  EXPECT_EQ(unspell_bytes("Ġa中"), " a中");  // a character that spells no byte stays
}

TEST(Unicode, ClassesOfSomeCharacters) {
  const CharacterClasses& classes = CharacterClasses::get();
  for (const uint32_t letter : {0x41u, 0xe9u, 0x4e2du, 0xaau, 0x10d4au /* Unicode 16 */, 0x323afu /* 15 */})
    EXPECT_EQ(classes.of(letter), CharacterClass::letter) << letter;
  for (const uint32_t number : {0x30u, 0xbdu, 0x2160u, 0x10d40u})
    EXPECT_EQ(classes.of(number), CharacterClass::number) << number;
  for (const uint32_t space : {0x20u, 0x9u, 0x85u, 0xa0u, 0x2028u, 0x3000u})
    EXPECT_EQ(classes.of(space), CharacterClass::space) << space;
  for (const uint32_t other : {0x0u, 0x21u, 0x301u, 0x200bu, 0x180eu, 0xfeffu, 0x1f600u, 0x10ffffu})
    EXPECT_EQ(classes.of(other), CharacterClass::other) << other;
  EXPECT_TRUE(classes.is_digit(0xbd));
  EXPECT_TRUE(classes.is_digit(0x11de0));  // Unicode 17
  EXPECT_EQ(classes.of(0x11de0), CharacterClass::other);
}

TEST(Unicode, Nfc) {
  EXPECT_EQ(to_form(UnicodeForm::nfc, "e\u0301"), "é");
  EXPECT_EQ(to_form(UnicodeForm::nfc, "a\u0316\u0301"), "á\u0316");
  EXPECT_EQ(to_form(UnicodeForm::nfc, "\u1100\u1161\u11a8"), "각");
  EXPECT_EQ(to_form(UnicodeForm::nfc, "\u212b"), "Å");
  // Marks younger than Unicode 9 do not change places, as the normaliser in `tokenizers` does not know them.
  EXPECT_EQ(to_form(UnicodeForm::nfc, "a\u08d3\u0334"), "a\u08d3\u0334");
  EXPECT_TRUE(is_plainly(UnicodeForm::nfc, "naïve café\n"));
  EXPECT_FALSE(is_plainly(UnicodeForm::nfc, "e\u0301"));
}

}  // namespace
}  // namespace lstar
