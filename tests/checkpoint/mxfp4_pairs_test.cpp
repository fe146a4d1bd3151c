// MXFP4 in two tensors: every byte under every exponent against a table, and pairs that are whole, split over shards,
// or broken.
#include "lstar/checkpoint/mxfp4_pairs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/checkpoint_writer.h"
#include "tests/support/every_target.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using namespace lstar::testing;  // NOLINT(google-build-using-namespace)

// One number of a pair, as the format is written down: sign, two bits of exponent, one of mantissa; 2^(scale - 127).
double number(int four_bits, int scale) {
  constexpr double kValues[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  return std::ldexp(four_bits & 8 ? -kValues[four_bits & 7] : kValues[four_bits & 7], scale - 127);
}

std::vector<float> numbers_of(const std::string& blocks, const std::string& scales) {
  std::vector<float> values;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto both = static_cast<uint8_t>(blocks[i]), scale = static_cast<uint8_t>(scales[i / 16]);
    values.push_back(static_cast<float>(number(both & 15, scale)));
    values.push_back(static_cast<float>(number(both >> 4, scale)));
  }
  return values;
}

using Mxfp4 = testing::OnEveryTarget;

// Exact: a number has two significant bits. What is beyond float32 (from 2^128 on) is infinite.
TEST_P(Mxfp4, EveryByteUnderEveryExponent) {
  std::string blocks, scales;
  for (int scale = 0; scale < 256; ++scale)
    for (int byte = 0; byte < 256; ++byte) {
      blocks += static_cast<char>(byte);
      if (byte % 16 == 0) scales += static_cast<char>(scale);
    }
  const std::vector<float> expected = numbers_of(blocks, scales);
  std::vector<float> singles(expected.size());
  std::vector<double> doubles(expected.size());
  const auto* bytes = reinterpret_cast<const std::byte*>(blocks.data());
  const auto* exponents = reinterpret_cast<const std::byte*>(scales.data());
  widen_mxfp4_pair(bytes, exponents, std::span<float>(singles));
  widen_mxfp4_pair(bytes, exponents, std::span<double>(doubles));
  EXPECT_EQ(singles, expected);
  EXPECT_EQ(doubles, std::vector<double>(expected.begin(), expected.end()));
}

INSTANTIATE_TEST_SUITE_P(Targets, Mxfp4, testing::every_target(), testing::target_name);

class Mxfp4Pairs : public ::testing::Test {
 protected:
  // 1200 groups: more than are widened at once.
  static constexpr int64_t kExperts = 2, kRows = 15, kGroups = 40;

  void SetUp() override { write_bytes(folder_ / "config.json", "{}"); }

  static StoredTensor bytes(std::string name, std::vector<int64_t> dims, StoredType type = StoredType::uint8) {
    StoredTensor tensor{.name = std::move(name), .type = type, .dims = std::move(dims), .bytes = {}};
    int64_t count = info(type).block_bytes;
    for (const int64_t dim : tensor.dims) count *= dim;
    for (int64_t i = 0; i < count; ++i) tensor.bytes += static_cast<char>(100 + (i * 37 + i / 16) % 51);
    return tensor;
  }
  static StoredTensor blocks() { return bytes("x_blocks", {kExperts, kRows, kGroups, 16}); }
  static StoredTensor scales() { return bytes("x_scales", {kExperts, kRows, kGroups}); }

  std::string message_for(const std::vector<StoredTensor>& tensors) {
    write_safetensors(folder_ / "model.safetensors", tensors);
    return message();
  }
  std::string message() {
    const auto opened = open_checkpoint(folder_.path());
    return opened ? "opened" : opened.error().message().substr(folder_.path().size());
  }

  // The one tensor, whole and in parts, in both widths.
  void expect_read() {
    const auto opened = open_checkpoint(folder_.path());
    ASSERT_TRUE(opened) << opened.error().message();
    const Checkpoint& checkpoint = **opened;
    const TensorInfo* x = checkpoint.find("x");
    ASSERT_NE(x, nullptr);
    EXPECT_EQ(x->type, StoredType::mxfp4_pair);
    EXPECT_TRUE(checkpoint.stored_rows(*x, {0, 1}).empty());  // half of what they are
    EXPECT_EQ(x->shape, (Shape{{kExperts, kRows, 32 * kGroups}}));
    EXPECT_EQ(checkpoint.find("x_blocks"), nullptr);
    EXPECT_EQ(checkpoint.find("x_scales"), nullptr);
    const std::vector<float> expected = numbers_of(blocks().bytes, scales().bytes);
    for (const RowRange rows : {RowRange{0, kExperts * kRows}, RowRange{0, 1}, RowRange{7, 8}, RowRange{14, 30}}) {
      const auto first = expected.begin() + rows.begin * x->shape.cols();
      const auto last = first + rows.count() * x->shape.cols();
      std::vector<float> singles(static_cast<size_t>(last - first));
      std::vector<double> doubles(singles.size());
      ASSERT_TRUE(checkpoint.read(*x, rows, std::span<float>(singles)));
      ASSERT_TRUE(checkpoint.read(*x, rows, std::span<double>(doubles)));
      EXPECT_EQ(singles, std::vector<float>(first, last));
      EXPECT_EQ(doubles, std::vector<double>(first, last));
      checkpoint.drop(*x);
    }
  }

  TemporaryFolder folder_;
};

TEST_F(Mxfp4Pairs, AreOneTensor) {
  write_safetensors(folder_ / "model.safetensors", {scales(), make_tensor("x_bias", {2}, {1, 2}), blocks()});
  expect_read();
  const auto checkpoint = *open_checkpoint(folder_.path());
  ASSERT_EQ(checkpoint->tensors().size(), 2u);
  EXPECT_EQ(checkpoint->tensors()[0].name, "x");
  EXPECT_EQ(checkpoint->tensors()[1].name, "x_bias");
}

TEST_F(Mxfp4Pairs, MayLieInTwoShards) {
  write_safetensors(folder_ / "one.safetensors", {make_tensor("a", {2}, {1, 2}), scales()});
  write_safetensors(folder_ / "two.safetensors", {blocks()});
  write_bytes(folder_ / "model.safetensors.index.json",
              R"({"weight_map":{"a":"one.safetensors","x_scales":"one.safetensors","x_blocks":"two.safetensors"}})");
  expect_read();
  const auto checkpoint = *open_checkpoint(folder_.path());
  EXPECT_EQ(checkpoint->file_of(*checkpoint->find("x")), folder_ / "two.safetensors");
  write_safetensors(folder_ / "one.safetensors",
                    {make_tensor("a", {2}, {1, 2}), bytes("x_scales", {kExperts, kRows, 1})});
  EXPECT_EQ(message(),
            "/two.safetensors: tensor x_blocks: MXFP4 blocks and scales do not fit: expected shapes [..., groups, 16] "
            "and [..., groups], found [2, 15, 40, 16] and [2, 15, 1]");
}

TEST_F(Mxfp4Pairs, BrokenOnes) {
  EXPECT_EQ(message_for({blocks(), scales()}), "opened");
  EXPECT_EQ(message_for({blocks()}),
            "/model.safetensors: tensor x_blocks: MXFP4 blocks without scales: expected x_scales in uint8, found none");
  EXPECT_EQ(message_for({scales()}),
            "/model.safetensors: tensor x_scales: MXFP4 scales without blocks: expected x_blocks in uint8, found none");
  EXPECT_EQ(message_for({blocks(), bytes("x_scales", {kExperts, kRows, kGroups}, StoredType::bfloat16)}),
            "/model.safetensors: tensor x_blocks: MXFP4 blocks without scales: expected x_scales in uint8, found "
            "bfloat16");
  EXPECT_EQ(message_for({blocks(), scales(), make_tensor("x", {1}, {1})}),
            "/model.safetensors: tensor x_blocks: MXFP4 blocks beside the same tensor as it is: found x");
  const auto unfit = [](const std::string& found) {
    return "/model.safetensors: tensor x_blocks: MXFP4 blocks and scales do not fit: expected shapes [..., groups, 16] "
           "and [..., groups], found " +
           found;
  };
  EXPECT_EQ(message_for({blocks(), bytes("x_scales", {kRows, kExperts, kGroups})}),
            unfit("[2, 15, 40, 16] and [15, 2, 40]"));
  EXPECT_EQ(message_for({bytes("x_blocks", {2, 3, 32}), bytes("x_scales", {2, 3})}), unfit("[2, 3, 32] and [2, 3]"));
  EXPECT_EQ(message_for({bytes("x_blocks", {16}), bytes("x_scales", {})}), unfit("[16] and []"));
  EXPECT_EQ(message_for({bytes("x_blocks", {0, int64_t{1} << 60, 16}), bytes("x_scales", {0, int64_t{1} << 60})}),
            "/model.safetensors: tensor x_blocks: shape has too many elements: found [0, 1152921504606846976, 16]");
  EXPECT_EQ(message_for({bytes("x_blocks", {0, 2, 16}), bytes("x_scales", {0, 2})}), "opened");
  write_bytes(folder_ / "model.safetensors",
              safetensors_bytes(R"({"x_blocks":{"dtype":"U8","shape":[1,16],"data_offsets":[0,16]},)"
                                R"("x_scales":{"dtype":"U8","shape":[1],"data_offsets":[15,16]}})",
                                std::string(16, 'x')));
  EXPECT_EQ(message(),
            "/model.safetensors: tensor x_scales: its data overlaps that of tensor x_blocks: expected a start at byte "
            "149 or later, found byte 148");
}

// Only bytes can be halves: whatever else has such a name is a tensor like others.
TEST_F(Mxfp4Pairs, AreOfBytes) {
  write_safetensors(folder_ / "model.safetensors",
                    {make_tensor("x_blocks", {1, 16}, std::vector<float>(16, 2)), make_tensor("y_scales", {1}, {3})});
  const auto opened = open_checkpoint(folder_.path());
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_NE((*opened)->find("x_blocks"), nullptr);
  EXPECT_NE((*opened)->find("y_scales"), nullptr);
}

}  // namespace
}  // namespace lstar
