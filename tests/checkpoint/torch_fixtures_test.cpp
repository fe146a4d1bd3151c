// Files that torch.save wrote against safetensors with the same numbers (tools/oracle/record_torch_files.py), and one
// model in every format.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lstar/checkpoint/checkpoint.h"

namespace lstar {
namespace {

const std::string kData = LSTAR_SOURCE_DIR "/tests/data/";

std::unique_ptr<Checkpoint> open(const std::string& name) {
  auto opened = open_checkpoint(kData + name);
  EXPECT_TRUE(opened) << opened.error().message();
  return opened ? *std::move(opened) : nullptr;
}

template <class T>
std::vector<T> read(const Checkpoint& checkpoint, const TensorInfo& tensor, RowRange rows) {
  std::vector<T> values(static_cast<size_t>(rows.count() * tensor.shape.cols()));
  const auto done = checkpoint.read(tensor, rows, std::span<T>(values));
  EXPECT_TRUE(done) << done.error().message();
  return values;
}

// Every tensor of `checkpoint` has the shape and the numbers of the one of the same name in `reference`.
void expect_same(const Checkpoint& checkpoint, const Checkpoint& reference) {
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    const TensorInfo* other = reference.find(tensor.name);
    ASSERT_NE(other, nullptr) << tensor.name;
    EXPECT_EQ(tensor.shape, other->shape) << tensor.name;
    EXPECT_EQ(info(tensor.type).is_weight, info(other->type).is_weight) << tensor.name;
    if (!info(tensor.type).is_weight) continue;
    const int64_t all = tensor.shape.rows();
    EXPECT_EQ(read<float>(checkpoint, tensor, {0, all}), read<float>(reference, *other, {0, all})) << tensor.name;
    EXPECT_EQ(read<double>(checkpoint, tensor, {all / 2, all}), read<double>(reference, *other, {all / 2, all}))
        << tensor.name;
    checkpoint.drop(tensor);
    EXPECT_EQ(read<float>(checkpoint, tensor, {0, all / 2}), read<float>(reference, *other, {0, all / 2}))
        << tensor.name;
  }
}

TEST(TorchFixtures, Gpt2InEveryLayoutIsTheSafetensorsFile) {
  const auto reference = open("checkpoints/gpt2");
  ASSERT_NE(reference, nullptr);
  for (const char* name : {"gpt2-zip", "gpt2-stream", "gpt2-sharded", "gpt2-wrapped"}) {
    SCOPED_TRACE(name);
    const auto checkpoint = open(std::string("bin/") + name);
    ASSERT_NE(checkpoint, nullptr);
    EXPECT_EQ(checkpoint->format(), "pytorch");
    EXPECT_EQ(checkpoint->configuration().string("model_type"), "gpt2");
    EXPECT_EQ(checkpoint->tensors().size(), reference->tensors().size());
    expect_same(*checkpoint, *reference);
  }
}

// The objects that a training run keeps beside its weights stay unread, and so do tensors of other kinds.
TEST(TorchFixtures, ATrainingRunsCheckpointHoldsItsWeights) {
  const auto reference = open("checkpoints/gpt2");
  ASSERT_NE(reference, nullptr);
  for (const char* name : {"gpt2-training", "gpt2-training-stream"}) {
    SCOPED_TRACE(name);
    const auto checkpoint = open(std::string("bin/") + name);
    ASSERT_NE(checkpoint, nullptr);
    EXPECT_EQ(checkpoint->notes().size(), 1u);  // of the prefix that all names have
    EXPECT_NE(checkpoint->why_unread("ln_f.sparse"), nullptr);
    size_t weights = 0;
    for (const TensorInfo& tensor : checkpoint->tensors()) {
      if (tensor.name == "ln_f.complex") continue;
      const TensorInfo* other = reference->find("transformer." + tensor.name);
      if (!other) other = reference->find(tensor.name);
      ASSERT_NE(other, nullptr) << tensor.name;
      const RowRange all{0, tensor.shape.rows()};
      EXPECT_EQ(read<float>(*checkpoint, tensor, all), read<float>(*reference, *other, all)) << tensor.name;
      ++weights;
    }
    EXPECT_EQ(weights, reference->tensors().size());
  }
}

TEST(TorchFixtures, ViewsAreReadAsTorchReadsThem) {
  const auto reference = open("bin/views-dense");
  ASSERT_NE(reference, nullptr);
  for (const char* name : {"views-zip", "views-stream"}) {
    SCOPED_TRACE(name);
    const auto checkpoint = open(std::string("bin/") + name);
    ASSERT_NE(checkpoint, nullptr);
    EXPECT_GE(checkpoint->tensors().size(), 19u);
    expect_same(*checkpoint, *reference);
    EXPECT_EQ(checkpoint->find("transposed")->shape.text(), "[4, 6]");
    EXPECT_EQ(checkpoint->find("half")->type, StoredType::float16);
    EXPECT_EQ(checkpoint->find("whole")->type, StoredType::int64);
  }
}

// GGUF's names and, in q and k, its order of rows: neighbours 2i, 2i + 1 of a head are rows i, i + d/2.
TEST(TorchFixtures, LlamaInSafetensorsAndGguf) {
  const auto reference = open("checkpoints/llama-smollm2-shape"), gguf = open("gguf/llama-f32.gguf");
  ASSERT_NE(reference, nullptr);
  ASSERT_NE(gguf, nullptr);
  EXPECT_EQ(reference->tensors().size(), gguf->tensors().size());
  const std::pair<std::string, std::string> kParts[] = {
      {"input_layernorm", "attn_norm"}, {"self_attn.q_proj", "attn_q"},      {"self_attn.k_proj", "attn_k"},
      {"self_attn.v_proj", "attn_v"},   {"self_attn.o_proj", "attn_output"}, {"post_attention_layernorm", "ffn_norm"},
      {"mlp.gate_proj", "ffn_gate"},    {"mlp.up_proj", "ffn_up"},           {"mlp.down_proj", "ffn_down"}};
  std::vector<std::pair<std::string, std::string>> names{{"model.embed_tokens.weight", "token_embd.weight"},
                                                         {"model.norm.weight", "output_norm.weight"}};
  for (int layer = 0; layer < 3; ++layer)
    for (const auto& [theirs, ours] : kParts)
      names.emplace_back("model.layers." + std::to_string(layer) + "." + theirs + ".weight",
                         "blk." + std::to_string(layer) + "." + ours + ".weight");
  for (const auto& [theirs, ours] : names) {
    const TensorInfo *tensor = reference->find(theirs), *stored = gguf->find(ours);
    ASSERT_NE(tensor, nullptr) << theirs;
    ASSERT_NE(stored, nullptr) << ours;
    ASSERT_EQ(tensor->shape, stored->shape) << theirs;
    const bool is_reordered = ours.find("attn_q") != ours.npos || ours.find("attn_k") != ours.npos;
    constexpr int64_t kHead = 16;  // 96 / 6
    for (int64_t row = 0; row < tensor->shape.rows(); ++row) {
      int64_t from = row;
      if (is_reordered) {
        const int64_t i = row % kHead;
        from = row - i + (i < kHead / 2 ? 2 * i : 2 * (i - kHead / 2) + 1);
      }
      ASSERT_EQ(read<float>(*reference, *tensor, {row, row + 1}), read<float>(*gguf, *stored, {from, from + 1}))
          << theirs << " " << row;
    }
  }
}

}  // namespace
}  // namespace lstar
