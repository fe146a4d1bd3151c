#include "lstar/base/text_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/base/delimited.h"
#include "lstar/base/text.h"
#include "tests/support/file_with.h"

namespace lstar {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using testing::file_with;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Row by row: the signature where it belongs, between bytes that no text has, is refused by its sentence.
TEST(TextFile, EveryOtherFormatIsNamed) {
  for (const FileMagic& magic : file_magics()) {
    const auto checked = check_text(file_with(magic), "f");
    ASSERT_FALSE(checked) << magic.id;
    EXPECT_THAT(checked.error().message(), StartsWith("f: not text but " + std::string(magic.what)));
    EXPECT_THAT(checked.error().message(), EndsWith(std::string(magic.as_text)));
  }
}

TEST(TextFile, TextPasses) {
  for (const std::string_view text : {"", "a",
                                      "\xef\xbb\xbf"
                                      "a",
                                      "é 模型 \xf0\x9f\x98\x80", "ORC\nID3", "\x1b[1mx", "a\x7f"})
    EXPECT_TRUE(check_text(text, "f")) << text;
  EXPECT_TRUE(check_text(std::string(257, 'a') + "ustar", "f")) << "where a tar archive has its signature";
}

TEST(TextFile, Lines) {
  std::string_view rest = "a\nb\r\nc\rd\n\ne";
  std::vector<std::string> lines;
  while (!rest.empty()) lines.emplace_back(next_line(rest));
  EXPECT_THAT(lines, ElementsAre("a", "b", "c", "d", "", "e"));
  EXPECT_EQ(without_mark("\xef\xbb\xbfx"), "x");
  EXPECT_TRUE(is_blank(" \t\xc2\xa0\xe2\x80\x83\xe3\x80\x80"));
  EXPECT_FALSE(is_blank(" \xe2\x80\x8b."));
}

TEST(Delimited, LinesAreCounted) {
  const auto rows = read_delimited("a,\"b\r\nc\"\r\n\r\nd,e\n\"f\",\"\"", ',', "f");
  ASSERT_TRUE(rows) << rows.error().message();
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_THAT((*rows)[0].cells, ElementsAre("a", "b\r\nc"));
  EXPECT_EQ((*rows)[1].line, 4);
  EXPECT_THAT((*rows)[2].cells, ElementsAre("f", ""));
  EXPECT_THAT(read_delimited("a\n\"b\"c\n", ',', "f").error().message(), HasSubstr("f: line 2: a quoted cell"));
  EXPECT_THAT((*read_delimited("a\n\"b\"c\n", '\t', "f"))[1].cells, ElementsAre("\"b\"c"));
}

}  // namespace
}  // namespace lstar
