// Checkpoints that Python's safetensors and gguf packages wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lstar/base/dtype.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/checkpoint_identity.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using namespace lstar::testing;  // NOLINT(google-build-using-namespace)

const std::string kData = LSTAR_SOURCE_DIR "/tests/data";

template <class T = float>
std::vector<T> read_all(const Checkpoint& checkpoint, const TensorInfo& tensor) {
  std::vector<T> values(static_cast<size_t>(tensor.shape.elements()));
  const auto read = checkpoint.read(tensor, {0, tensor.shape.rows()}, std::span<T>(values));
  EXPECT_TRUE(read) << read.error().message();
  return values;
}

TEST(Fixtures, EveryFolderOpensAndReads) {
  int folders = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kData + "/checkpoints")) {
    if (!entry.is_directory()) continue;
    const auto checkpoint = open_checkpoint(entry.path());
    ASSERT_TRUE(checkpoint) << checkpoint.error().message();
    for (const TensorInfo& tensor : (*checkpoint)->tensors()) {
      if (!info(tensor.type).is_weight) continue;
      const std::vector<float> singles = read_all<float>(**checkpoint, tensor);
      const std::vector<double> doubles = read_all<double>(**checkpoint, tensor);
      ASSERT_EQ(doubles, std::vector<double>(singles.begin(), singles.end())) << entry.path() << tensor.name;
    }
    ++folders;
  }
  EXPECT_GE(folders, 20);
}

// One model in six types: each file holds the float32 file's numbers, rounded as its type rounds.
TEST(Fixtures, GgufTypesAreOneModel) {
  const auto open = [](const std::string& name) {
    auto opened = open_checkpoint(kData + "/gguf/llama-" + name + ".gguf");
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? *std::move(opened) : nullptr;
  };
  const auto reference = open("f32");
  ASSERT_NE(reference, nullptr);
  EXPECT_EQ(reference->configuration().string("model_type"), "llama");
  for (const char* name : {"f16", "bf16", "q8_0", "q4_0", "q4_1"}) {
    const auto checkpoint = open(name);
    ASSERT_NE(checkpoint, nullptr);
    ASSERT_EQ(checkpoint->tensors().size(), reference->tensors().size());
    int of_the_type = 0;
    for (const TensorInfo& tensor : checkpoint->tensors()) {
      const TensorInfo* original = reference->find(tensor.name);
      ASSERT_NE(original, nullptr) << tensor.name;
      ASSERT_EQ(original->shape, tensor.shape) << tensor.name;
      const std::vector<float> exact = read_all(*reference, *original), stored = read_all(*checkpoint, tensor);
      of_the_type += tensor.type != StoredType::float32;
      for (size_t i = 0; i < exact.size(); ++i) {
        const size_t block = i / 32 * 32;
        const auto [low, high] =
            std::minmax_element(exact.begin() + block, exact.begin() + std::min(block + 32, exact.size()));
        const float largest = std::max(std::fabs(*low), std::fabs(*high));
        switch (tensor.type) {
          case StoredType::float32: ASSERT_EQ(stored[i], exact[i]) << tensor.name; break;
          case StoredType::float16: ASSERT_EQ(stored[i], round_to_float16(exact[i])) << tensor.name; break;
          case StoredType::bfloat16: ASSERT_EQ(stored[i], round_to_bfloat16(exact[i])) << tensor.name; break;
          // Half a step (Q4_0 has one level less on one side: a whole one), and a little for scales in binary16.
          case StoredType::q8_0: ASSERT_NEAR(stored[i], exact[i], largest / 127 * 0.6) << tensor.name; break;
          case StoredType::q4_0: ASSERT_NEAR(stored[i], exact[i], largest / 8 * 1.02) << tensor.name; break;
          case StoredType::q4_1:
            ASSERT_NEAR(stored[i], exact[i], (*high - *low) / 15 * 0.55 + largest * 0x1p-10) << tensor.name;
            break;
          default: FAIL() << tensor.name;
        }
      }
    }
    EXPECT_GT(of_the_type, 10) << name;
  }
}

// A hub's cache is made of links.
TEST(Links, AreFollowed) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "blobs");
  std::filesystem::create_directory(folder / "snapshot");
  write_bytes(folder / "blobs/1", "{}");
  write_safetensors(folder / "blobs/2", {make_tensor("w", {2}, {3, 4})});
  std::filesystem::create_symlink("../blobs/1", folder / "snapshot/config.json");
  std::filesystem::create_symlink("../blobs/2", folder / "snapshot/model.safetensors");
  std::filesystem::create_directory_symlink("snapshot", folder / "latest");
  const auto checkpoint = open_checkpoint(folder / "latest");
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  EXPECT_EQ(read_all(**checkpoint, *(*checkpoint)->find("w")), (std::vector<float>{3, 4}));
  EXPECT_EQ(identify(**checkpoint)->front().file, "model.safetensors");
}

}  // namespace
}  // namespace lstar
