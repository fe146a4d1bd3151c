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
    const auto [c, bytes] = first_character(text);
    return std::pair(c, bytes);
  };
  using Read = std::pair<uint32_t, size_t>;
  EXPECT_EQ(read("A"), Read(0x41, 1));
  EXPECT_EQ(read("\xc3\xa9x"), Read(0xe9, 2));
  EXPECT_EQ(read("\xef\xbf\xbd"), Read(0xfffd, 3));
  EXPECT_EQ(read("\xf4\x8f\xbf\xbf"), Read(0x10ffff, 4));
  for (const char* malformed : {"\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                "\xf5\x80\x80\x80", "\xe4\xb8"})
    EXPECT_EQ(read(malformed), Read(0xfffd, 1)) << malformed;
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
