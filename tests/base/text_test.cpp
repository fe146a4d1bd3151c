#include "lstar/base/text.h"

#include <utility>

#include <gtest/gtest.h>

namespace lstar {
namespace {

TEST(Text, LowerAsciiLeavesOtherBytes) {
  EXPECT_EQ(lower_ascii("AZ@[az09"), "az@[az09");
  EXPECT_EQ(lower_ascii("\xc3\x84\xff É"), "\xc3\x84\xff É");
  EXPECT_EQ(lower_ascii(""), "");
}

TEST(Text, Utf8OfEachLength) {
  std::string out;
  for (const uint32_t c : {0x41u, 0x7fu, 0x80u, 0x7ffu, 0x800u, 0xffffu, 0x10000u, 0x10ffffu}) append_utf8(c, out);
  EXPECT_EQ(out, "A\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

TEST(Text, CharactersAreReadOrMalformed) {
  const auto read = [](std::string_view text) {
    const DecodedCharacter character = first_character(text);
    return std::pair(character.code_point, character.bytes);
  };
  using Read = std::pair<uint32_t, size_t>;
  EXPECT_EQ(read("A"), Read(0x41, 1));
  EXPECT_EQ(read("\xc3\xa9x"), Read(0xe9, 2));
  EXPECT_EQ(read("\xef\xbf\xbd"), Read(0xfffd, 3));
  EXPECT_EQ(read("\xf4\x8f\xbf\xbf"), Read(0x10ffff, 4));
  // Of an ill-formed sequence the maximal part, in Python: len(bytes.decode("utf-8", "replace")) of each.
  // (text, bytes of the maximal part of a character)
  const std::pair<std::string, size_t> malformed[] = {
      {"\x80", 1},         {"\xc1\xbf", 1},     {"\xc3", 1},     {"\xc3(", 1},    {"\xe0\x9f\xbf", 1},
      {"\xed\xa0\x80", 1}, {"\xf4\x90\x80", 1}, {"\xf5\x80", 1}, {"\xe4\xb8", 2}, {"\xf0\x9f\x99z", 3},
  };
  for (const auto& [text, bytes] : malformed) {
    EXPECT_EQ(read(text), Read(0xfffd, bytes)) << text;
    EXPECT_FALSE(first_character(text).valid) << text;
  }
  EXPECT_TRUE(first_character("\xef\xbf\xbd").valid) << "U+FFFD itself";
}

TEST(Text, NothingUnseenStaysInALine) {
  EXPECT_EQ(one_plain_line("a\x1b]0;x\a b\u202ec\u2066d\u200fe\u061cf\u2028g\x7fh\u0085i"), "a ]0;x  b c d e f g h i");
  EXPECT_EQ(one_plain_line("\x9b\xe9 \u4e2d\U0001f642 \U000e0041"), "?\xe9 \u4e2d\U0001f642  ");
}

TEST(Text, OneMarkIsTakenOff) {
  EXPECT_EQ(without_mark("\xef\xbb\xbf\xef\xbb\xbfx"), "\xef\xbb\xbfx");
  EXPECT_EQ(without_mark("\xef\xbb"), "\xef\xbb");
}

}  // namespace
}  // namespace lstar
