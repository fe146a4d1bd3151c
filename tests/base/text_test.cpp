#include "lstar/base/text.h"

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

TEST(Text, OneMarkIsTakenOff) {
  EXPECT_EQ(without_mark("\xef\xbb\xbf\xef\xbb\xbfx"), "\xef\xbb\xbfx");
  EXPECT_EQ(without_mark("\xef\xbb"), "\xef\xbb");
}

}  // namespace
}  // namespace lstar
