#include "lstar/report/text/text_layout.h"
#include "lstar/base/text.h"

#include <gtest/gtest.h>

namespace lstar {
namespace {

TEST(TextLayout, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("L × ±"), 5);
  EXPECT_EQ(display_width("模型"), 4);
  EXPECT_EQ(display_width("e\u0301"), 1);  // a combining accent takes no column
  EXPECT_EQ(display_width("\xff"), 1);     // shown as U+FFFD
}

TEST(TextLayout, ShortensAtACharacter) {
  EXPECT_EQ(shorten("pythia-160m", 11), "pythia-160m");
  EXPECT_EQ(shorten("pythia-160m", 7), "pythia…");
  EXPECT_EQ(shorten("模型模型", 4), "模…");  // a wide character does not fit the third column
  EXPECT_EQ(shorten("abc", 0), "");
  EXPECT_EQ(shorten_name("org/model-step1000", 18), "org/model-step1000");
  EXPECT_EQ(shorten_name("org/model-step1000", 9), "org/…1000");
  EXPECT_EQ(shorten_name("模型模型", 6), "模…型");  // two columns each: five of six are used
  EXPECT_EQ(shorten_name("abc", 1), "…");
  EXPECT_EQ(shorten_name("abc", 0), "");
}

TEST(TextLayout, MakesOneLineOfAnything) {
  EXPECT_EQ(one_line("a\nb\tc\x1b[31m"), "a b c [31m");
  EXPECT_EQ(one_line("a\u0080b\u009bc\u009fd\x7f\u2028e\u2029f\r"), "a b c d  e f ");
  EXPECT_EQ(valid_utf8("a\xc3"), "a\ufffd");
}

TEST(TextLayout, WrapsAtSpaces) {
  EXPECT_EQ(wrap("one two three", 9, "* ", 2), "* one two\n  three\n");
  EXPECT_EQ(wrap("unbreakably", 5, "", 0), "unbreakably\n");
}

TEST(TextLayout, TableIsAlignedAndFits) {
  TextTable table;
  table.column("model", TextTable::Align::left);
  table.column("L");
  table.row({"模型", "7"});
  table.row({"a-rather-long-name", "12"});
  EXPECT_EQ(table.str(100, "", {}), "model                L\n模型                 7\na-rather-long-name  12\n");
  EXPECT_EQ(table.str(14, "", {}), "model        L\n模型         7\na-rat…name  12\n");
  EXPECT_EQ(table.str(100, "", Paint{true}).substr(0, 9), "\x1b[1mmodel");
}

TEST(TextLayout, ShortensTheWordsOfProse) {
  EXPECT_EQ(shorten_words("a few words", 5), "a few words");
  EXPECT_EQ(shorten_words("no gain of organisation/model-with-a-name here", 12),
            "no gain of " + shorten_name("organisation/model-with-a-name", 12) + " here");
  EXPECT_EQ(shorten_words(" two  spaces ", 9), " two  spaces ");
  EXPECT_EQ(shorten_words("", 3), "");
}

}  // namespace
}  // namespace lstar
