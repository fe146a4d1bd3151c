#include "lstar/base/file_magic.h"

#include <gtest/gtest.h>

#include "tests/support/file_with.h"

namespace lstar {
namespace {

using testing::file_with;

// Row by row: found where it belongs, and by no row before it.
TEST(FileMagic, EveryRowIsReached) {
  for (const FileMagic& magic : file_magics()) {
    SCOPED_TRACE(magic.id);
    const std::string content = file_with(magic);
    EXPECT_EQ(magic_of(content), &magic);
    EXPECT_TRUE(has_magic(content, magic.id));
    EXPECT_FALSE(has_magic("\x01" + content, magic.id)) << "elsewhere";
    EXPECT_FALSE(has_magic(content.substr(0, magic.at + magic.bytes.size() - 1), magic.id)) << "in part";
    EXPECT_FALSE(magic.what.empty());
    EXPECT_EQ(magic.what.find(';'), magic.what.npos) << "what to do is in another column";
  }
  EXPECT_EQ(magic_of(""), nullptr);
  EXPECT_EQ(magic_of("text"), nullptr);
  EXPECT_FALSE(has_magic("GGUF", "no such row"));
}

// A header of 93 bytes, or of 35,615, has a length that begins as lzma and gzip do.
TEST(FileMagic, TheLengthOfSafetensorsIsNoSignature) {
  using namespace std::string_view_literals;
  for (const std::string_view length : {"\x5d\0\0\0\0\0\0\0"sv, "\x1f\x8b\0\0\0\0\0\0"sv})
    EXPECT_EQ(magic_of(std::string(length) + "{\"a\"")->id, "safetensors");
}

}  // namespace
}  // namespace lstar
