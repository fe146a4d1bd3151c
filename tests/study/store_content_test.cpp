// What a checkpoint's content is: the same for the same numbers wherever they lie, another for every change of them.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "lstar/base/atomic_file.h"
#include "lstar/study/store/content.h"
#include "lstar/study/store/private_paths.h"
#include "lstar/study/store/store_key.h"
#include "tests/support/memory_checkpoint.h"
#include "tests/support/recorded.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using testing::source_path;

std::string content(const std::string& path) {
  const auto checkpoint = open_checkpoint(path);
  EXPECT_TRUE(checkpoint) << checkpoint.error().message();
  const auto files = identify(**checkpoint);
  const auto found = content_of_files(**checkpoint, *files);
  EXPECT_TRUE(found) << found.error().message();
  return *found;
}

class Copy {
 public:
  explicit Copy(const std::string& name) : path_(folder_ / "elsewhere") {
    std::filesystem::copy(source_path("tests/data/checkpoints/" + name), path_,
                          std::filesystem::copy_options::recursive);
  }
  const std::string& path() const { return path_; }
  void replace(const std::string& file, const std::string& was, const std::string& is) const {
    std::string text = *read_file(path_ + "/" + file);
    ASSERT_NE(text.find(was), text.npos);
    ASSERT_TRUE(write_file(path_ + "/" + file, text.replace(text.find(was), was.size(), is)));
  }

 private:
  testing::TemporaryFolder folder_;
  std::string path_;
};

TEST(Content, IsOfWhatDecidesNumbers) {
  const std::string gpt2 = content(source_path("tests/data/checkpoints/gpt2"));
  EXPECT_EQ(gpt2.size(), 64u);
  EXPECT_NE(content(source_path("tests/data/checkpoints/llama")), gpt2);
  const Copy copy("gpt2");
  EXPECT_EQ(content(copy.path()), gpt2) << "wherever it lies";
  ASSERT_TRUE(write_file(copy.path() + "/tokenizer.json", "{}"));
  ASSERT_TRUE(write_file(copy.path() + "/README.md", "of no number"));
  EXPECT_EQ(content(copy.path()), gpt2) << "the tokenizer gives ids, which are the key";
  copy.replace("config.json", "\"n_head\"", " \"n_head\"");
  const std::string other_config = content(copy.path());
  EXPECT_NE(other_config, gpt2) << "config.json counts as it is written";
  const std::string weights = copy.path() + "/model.safetensors";
  std::string bytes = *read_file(weights);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  ASSERT_TRUE(write_file(weights, bytes));
  EXPECT_NE(content(copy.path()), other_config) << "one bit of one weight";
}

TEST(Content, AGgufHoldsItsConfiguration) {
  const testing::TemporaryFolder folder;
  const std::string file = source_path("tests/data/gguf/llama-q4_0.gguf");
  std::filesystem::copy_file(file, folder / "renamed.gguf");
  ASSERT_TRUE(write_file(folder / "other.json", "{}"));
  EXPECT_EQ(content(folder / "renamed.gguf"), content(file));
  EXPECT_EQ(content(folder.path()), content(file)) << "found in its folder";
  EXPECT_NE(content(source_path("tests/data/gguf/llama-q4_1.gguf")), content(file));
}

TEST(Content, TheOrderOfFilesCounts) {
  const auto checkpoint = open_checkpoint(source_path("tests/data/checkpoints/llama-sharded"));
  ASSERT_TRUE(checkpoint);
  auto files = *identify(**checkpoint);
  ASSERT_GT(files.size(), 1u);
  const std::string in_order = *content_of_files(**checkpoint, files);
  std::swap(files[0], files[1]);
  EXPECT_NE(*content_of_files(**checkpoint, files), in_order);
  EXPECT_FALSE(content_of_files(**checkpoint, {}));
}

TEST(Content, OfTensorsInMemory) {
  const auto of = [](auto change, const std::string& config = "{}") {
    testing::MemoryCheckpoint checkpoint(config);
    checkpoint.add("a", {2, 3}, {1, 2, 3, 4, 5, 6});
    checkpoint.add("b", {2}, {7, 8});
    checkpoint.add("empty", {0, 4}, {});
    change(checkpoint);
    const auto content = content_of_tensors(checkpoint);
    EXPECT_TRUE(content) << content.error().message();
    return content.value_or("");
  };
  const auto nothing = [](testing::MemoryCheckpoint&) {};
  std::set<std::string> all{of(nothing),
                            of(nothing, R"({"a": 1})"),
                            of([](auto& c) {
                              c.add("a", {3, 2}, {1, 2, 3, 4, 5, 6});
                            }),
                            of([](auto& c) {
                              c.add("a", {2, 3}, {1, 2, 3, 4, 5, 6.5});
                            }),
                            of([](auto& c) {
                              c.add("b", {2}, {7, 8}, StoredType::float16);
                            }),
                            of([](auto& c) { c.add("c", {1}, {0}); }),
                            of([](auto& c) {
                              c.add("b", {2}, {7, -0.0});
                            }),
                            of([](auto& c) {
                              c.add("b", {2}, {7, 0.0});
                            })};
  EXPECT_EQ(all.size(), 8u) << "each is another";
  EXPECT_TRUE(all.contains(of(nothing)));
}

TEST(Content, DigestOfIds) {
  const std::vector<int32_t> ids{1, 2}, turned{2, 1}, joined{1 << 8 | 2};
  EXPECT_EQ(digest_of_ids(ids).size(), 32u);
  EXPECT_NE(digest_of_ids(ids), digest_of_ids(turned));
  EXPECT_NE(digest_of_ids(ids), digest_of_ids(joined));
}

// A path is hidden where it is one, and not where its letters are a part of another name.
TEST(PrivatePaths, WholePathsAlone) {
  const Identity identity{.model = "M", .path = "/data"};
  const std::pair<const char*, const char*> rows[] = {
      {"archive/data.pkl: not read", "archive/data.pkl: not read"},
      {"/data.pkl and /data2, /data-old", "/data.pkl and /data2, /data-old"},
      {"/data: no such folder", "M: no such folder"},
      {"/data/config.json of \"/data\", in /data.", "M/config.json of \"M\", in M."},
      {"tensor archive/data/0", "tensor archive/data/0"},
      {"/data", "M"},
  };
  for (const auto& [text, shown] : rows) EXPECT_EQ(without_path(text, identity), shown);
  EXPECT_EQ(without_path("/data/config.json", Identity{.model = "M/", .path = "/data/"}), "M/config.json");
}

}  // namespace
}  // namespace lstar
