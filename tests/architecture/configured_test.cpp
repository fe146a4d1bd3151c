// A configuration alone says of a model what its files with their tensors say.
#include "lstar/architecture/configured.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lstar/architecture/family.h"
#include "lstar/base/atomic_file.h"
#include "tests/support/recorded.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

namespace fs = std::filesystem;

void expect_same(const Architecture& a, const Architecture& b, const std::string& what) {
  EXPECT_EQ(a.family, b.family) << what;
  EXPECT_EQ(a.layers, b.layers) << what;
  EXPECT_EQ(a.heads, b.heads) << what;
  EXPECT_EQ(a.kv_heads, b.kv_heads) << what;
  EXPECT_EQ(a.hidden, b.hidden) << what;
}

TEST(Configured, AsWithTheTensorsOfEveryRecordedCheckpoint) {
  int seen = 0;
  for (const char* folder : {"tests/data/checkpoints", "zoo"})
    for (const auto& entry : fs::directory_iterator(testing::source_path(folder))) {
      const std::string path = entry.path().string();
      const auto checkpoint = open_checkpoint(path);
      if (!checkpoint) continue;
      const auto whole = read_architecture(**checkpoint);
      if (!whole) continue;
      const auto alone = configured_architecture(path);
      ASSERT_TRUE(alone) << alone.error().message();
      expect_same(*alone, *whole, path);
      ++seen;
    }
  EXPECT_GT(seen, 40) << "the families and the zoo";
}

TEST(Configured, NeedsNoWeights) {
  const testing::TemporaryFolder folder;
  fs::copy_file(testing::source_path("zoo/bloom-24x16/config.json"), folder / "config.json");
  EXPECT_FALSE(open_checkpoint(folder.path()));
  const auto alone = configured_architecture(folder.path());
  ASSERT_TRUE(alone) << alone.error().message();
  EXPECT_EQ(alone->layers, 24);
  EXPECT_EQ(alone->heads, 16);
  EXPECT_EQ(configured_architecture(testing::source_path("tests/data/gguf/llama-q4_0.gguf"))->heads, 6);
}

TEST(Configured, SaysWhatIsWrong) {
  const testing::TemporaryFolder folder;
  EXPECT_FALSE(configured_architecture(folder.path())) << "nothing there";
  ASSERT_TRUE(write_file(folder / "config.json", "[1]"));
  EXPECT_EQ(configured_architecture(folder.path()).error().what, "not a JSON object");
  ASSERT_TRUE(write_file(folder / "config.json", R"({"model_type": "unheard_of"})"));
  EXPECT_EQ(configured_architecture(folder.path()).error().kind, ErrorKind::unsupported);
  ASSERT_TRUE(write_file(folder / "config.json", R"({"model_type": "gpt2", "n_layer": -1})"));
  EXPECT_FALSE(configured_architecture(folder.path()));
  EXPECT_FALSE(configured_architecture(folder / "nowhere"));
}

}  // namespace
}  // namespace lstar
