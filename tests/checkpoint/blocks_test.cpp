// Quantised blocks against what Python's gguf package makes of them, to the bit (tools/oracle/record_gguf_blocks.py).
#include <gtest/gtest.h>

#include <bit>
#include <cstddef>
#include <string>
#include <vector>

#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/widen.h"
#include "lstar/checkpoint/widen_blocks.h"
#include "tests/support/every_target.h"

namespace lstar {
namespace {

using Blocks = testing::OnEveryTarget;

size_t different_bits(const std::vector<float>& values, const std::vector<float>& expected) {
  size_t count = 0;
  for (size_t i = 0; i < expected.size(); ++i)
    count += std::bit_cast<uint32_t>(values[i]) != std::bit_cast<uint32_t>(expected[i]);
  return count;
}

TEST_P(Blocks, EqualTheGgufPackage) {
  const auto opened = open_checkpoint(LSTAR_SOURCE_DIR "/tests/data/gguf/blocks.gguf");
  ASSERT_TRUE(opened) << opened.error().message();
  int types = 0;
  for (const TensorInfo& tensor : (*opened)->tensors()) {
    if (tensor.type == StoredType::float32) continue;
    ++types;
    EXPECT_EQ(tensor.name, info(tensor.type).name);
    const TensorInfo* widened = (*opened)->find(tensor.name + ".widened");
    ASSERT_NE(widened, nullptr) << tensor.name;
    ASSERT_EQ(widened->shape, tensor.shape);
    const auto count = static_cast<size_t>(tensor.shape.elements()), cols = static_cast<size_t>(tensor.shape.cols());
    std::vector<float> expected(count), singles(count), row(cols);
    std::vector<double> doubles(count);
    ASSERT_TRUE((*opened)->read(*widened, {0, 3}, std::span<float>(expected)));
    ASSERT_TRUE((*opened)->read(tensor, {0, 3}, std::span<float>(singles)));
    ASSERT_TRUE((*opened)->read(tensor, {0, 3}, std::span<double>(doubles)));
    ASSERT_TRUE((*opened)->read(tensor, {1, 2}, std::span<float>(row)));
    EXPECT_EQ(different_bits(singles, expected), 0u) << tensor.name;
    EXPECT_EQ(doubles, std::vector<double>(expected.begin(), expected.end())) << tensor.name;
    EXPECT_EQ(row, std::vector<float>(expected.begin() + static_cast<ptrdiff_t>(cols),
                                      expected.begin() + static_cast<ptrdiff_t>(2 * cols)))
        << tensor.name;
    const auto stored = (*opened)->stored_rows(tensor, {1, 2});
    std::vector<float> again(cols);
    ASSERT_EQ(stored.size() / static_cast<size_t>(info(tensor.type).block_bytes),
              cols / static_cast<size_t>(info(tensor.type).block_elements));
    widen(tensor.type, stored.data(), std::span<float>(again));
    EXPECT_EQ(again, row) << tensor.name;
  }
  EXPECT_EQ(types, 13);
}

// From any address, and nothing read past the last block (a sanitizer sees it).
TEST_P(Blocks, MayLieAnywhere) {
  for (int t = static_cast<int>(StoredType::q8_0); t <= static_cast<int>(StoredType::mxfp4_pair); ++t) {
    const auto type = static_cast<StoredType>(t);
    const auto elements = static_cast<size_t>(info(type).block_elements);
    const std::vector<std::byte> block(static_cast<size_t>(info(type).block_bytes), std::byte{0x2a});
    std::vector<float> expected(elements), values(elements + 1, 77);
    widen(type, block.data(), std::span<float>(expected));
    for (size_t offset = 1; offset < 4; ++offset) {
      std::vector<std::byte> moved(offset);
      moved.insert(moved.end(), block.begin(), block.end());
      moved.shrink_to_fit();
      widen(type, moved.data() + offset, std::span<float>(values.data(), elements));
      EXPECT_EQ(different_bits(values, expected), 0u) << info(type).name;
      EXPECT_EQ(values.back(), 77) << info(type).name;
    }
  }
}

TEST_P(Blocks, UnpackedAreScalesAndWholeNumbers) {
  const auto opened = open_checkpoint(LSTAR_SOURCE_DIR "/tests/data/gguf/blocks.gguf");
  ASSERT_TRUE(opened) << opened.error().message();
  for (const TensorInfo& tensor : (*opened)->tensors()) {
    if (tensor.type == StoredType::float32) continue;
    const auto cols = static_cast<size_t>(tensor.shape.cols()), group = static_cast<size_t>(info(tensor.type).group);
    std::vector<float> row(cols), scale(cols / group, 77), minimum(cols / group, 77);
    std::vector<int8_t> q(cols);
    ASSERT_TRUE((*opened)->read(tensor, {2, 3}, std::span<float>(row)));
    const auto stored = (*opened)->stored_rows(tensor, {2, 3});
    unpack_blocks(tensor.type, reinterpret_cast<const uint8_t*>(stored.data()), cols, q.data(), scale.data(),
                  minimum.data());
    std::vector<float> again(cols);
    for (size_t i = 0; i < cols; ++i)
      again[i] = scale[i / group] * static_cast<float>(q[i]) - minimum[i / group];  // rounded twice: no contraction
    EXPECT_EQ(different_bits(again, row), 0u) << tensor.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Blocks, testing::every_target(), testing::target_name);

}  // namespace
}  // namespace lstar
