// GPT-OSS with its experts as published, in MXFP4 pairs, against the same numbers written out in floats. (Against
// transformers: recorded_test.cpp.)
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "tests/support/checkpoint_writer.h"
#include "tests/support/recorded_model.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using testing::StoredTensor;

class Mxfp4Model : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_model(testing::source_path("tests/data/checkpoints/gpt_oss-mxfp4"));
    ASSERT_TRUE(opened) << opened.error().message();
    packed_ = std::make_unique<Model>(*std::move(opened));
    std::filesystem::copy(packed_->checkpoint->path() + "/config.json", folder_ / "config.json");
  }

  // The checkpoint in float32, but for the pairs of `kept`. Floats are (experts, in, out).
  void write_out(const std::function<bool(const std::string&)>& kept) {
    const Checkpoint& checkpoint = *packed_->checkpoint;
    std::vector<StoredTensor> tensors;
    for (const TensorInfo& tensor : checkpoint.tensors()) {
      std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
      ASSERT_TRUE(checkpoint.read(tensor, {0, tensor.shape.rows()}, std::span<float>(values)));
      if (tensor.type != StoredType::mxfp4_pair) {
        tensors.push_back(testing::make_tensor(tensor.name, tensor.shape.dims, values));
        continue;
      }
      const int64_t experts = tensor.shape.dims[0], out = tensor.shape.dims[1], in = tensor.shape.dims[2];
      if (kept(tensor.name)) {  // any pair of the shape
        const auto bytes = static_cast<size_t>(experts * out * in / 2);
        tensors.push_back(testing::make_tensor(tensor.name + "_blocks", {experts, out, in / 32, 16},
                                               std::vector<float>(bytes), StoredType::uint8));
        tensors.push_back(testing::make_tensor(tensor.name + "_scales", {experts, out, in / 32},
                                               std::vector<float>(bytes / 16), StoredType::uint8));
        continue;
      }
      std::vector<float> turned(values.size());
      for (int64_t e = 0; e < experts; ++e)
        for (int64_t o = 0; o < out; ++o)
          for (int64_t i = 0; i < in; ++i) turned[(e * in + i) * out + o] = values[(e * out + o) * in + i];
      tensors.push_back(testing::make_tensor(tensor.name, {experts, in, out}, turned));
    }
    testing::write_safetensors(folder_ / "model.safetensors", tensors);
  }

  testing::TemporaryFolder folder_;
  std::unique_ptr<Model> packed_;
};

// To the bit: the same products in the same order.
TEST_F(Mxfp4Model, EqualsItsNumbersInFloats) {
  write_out([](const std::string&) { return false; });
  const auto plain = open_model(folder_.path());
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_FALSE((*packed_->architecture[Role::expert_down]).transposed);
  EXPECT_TRUE((*plain->architecture[Role::expert_down]).transposed);
  Batch batch;
  for (int32_t id = 0; id < 40; ++id) batch.ids.push_back(id);
  batch.start.push_back(40);
  Observation ours, expected;
  const PassOptions options{.wants = testing::kAll | Want::next_token, .next_tokens = 5};
  const auto backend = make_cpu_backend<float>(Dtype::float32, 2);
  ASSERT_TRUE(forward(*packed_, batch, options, *backend, ours));
  ASSERT_TRUE(forward(*plain, batch, options, *backend, expected));
  EXPECT_EQ(ours.residual_norm.values(), expected.residual_norm.values());
  EXPECT_EQ(ours.off_diagonal.values(), expected.off_diagonal.values());
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(ours.next_tokens[0][i].logit, expected.next_tokens[0][i].logit);
}

TEST_F(Mxfp4Model, LayersThatDiffer) {
  write_out([](const std::string& name) { return name == "model.layers.1.mlp.experts.down_proj"; });
  const auto opened = open_model(folder_.path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message(), folder_ / "config.json" +
                                          ": tensors down_proj: not supported: expected MXFP4 in all layers or in "
                                          "none, found in 1 of 3");
}

}  // namespace
}  // namespace lstar
