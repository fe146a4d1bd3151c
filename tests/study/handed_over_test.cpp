// Checkpoints as other programs keep them: vision and language in one GGUF, a quantization_config that is left over,
// packed weights, names with a wrapper's prefix.
#include <gmock/gmock.h>

#include <filesystem>

#include "lstar/architecture/family.h"
#include "lstar/base/atomic_file.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/recorded_model.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<StoredTensor> tensors_of(const Checkpoint& checkpoint) {
  std::vector<StoredTensor> tensors;
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
    EXPECT_TRUE(checkpoint.read(tensor, {0, tensor.shape.rows()}, std::span<float>(values)));
    tensors.push_back(make_tensor(tensor.name, tensor.shape.dims, values));
  }
  return tensors;
}

// The recorded Gemma 3 as Ollama writes it: the model for images beside it, keys left out, bases under names of its
// own.
class ImagesAndText : public ::testing::Test {
 protected:
  Result<Model> open(const GgufPairs& more, const std::vector<StoredTensor>& images) {
    GgufPairs pairs{{"general.architecture", std::string("gemma3")}, {"gemma3.block_count", uint32_t{7}},
                    {"gemma3.context_length", uint32_t{128}},        {"gemma3.embedding_length", uint32_t{16}},
                    {"gemma3.feed_forward_length", uint32_t{16}},    {"gemma3.attention.head_count", uint32_t{4}},
                    {"gemma3.attention.head_count_kv", uint32_t{1}}, {"gemma3.attention.key_length", uint32_t{8}},
                    {"gemma3.attention.value_length", uint32_t{8}},  {"gemma3.attention.sliding_window", uint32_t{8}},
                    {"gemma3.vision.block_count", uint32_t{27}}};
    pairs.insert(pairs.end(), more.begin(), more.end());
    const auto recorded = open_checkpoint(source_path("tests/data/gguf_families/gemma3_text.gguf"));
    std::vector<StoredTensor> tensors = tensors_of(**recorded);
    tensors.insert(tensors.end(), images.begin(), images.end());
    write_gguf(folder_ / "model.gguf", pairs, tensors);
    return open_model(folder_ / "model.gguf");
  }
  const GgufPairs kStretched{{"gemma3.rope.scaling.type", std::string("linear")}, {"gemma3.rope.scaling.factor", 8.0f}};
  const std::vector<StoredTensor> kImages{make_tensor("v.blk.0.attn_q.weight", {2, 2}, {1, 2, 3, 4}),
                                          make_tensor("v.patch_embedding.weight", {2}, {1, 2}),
                                          make_tensor("mm.mm_input_projection.weight", {2}, {1, 2})};
  TemporaryFolder folder_;
};

TEST_F(ImagesAndText, GiveTheLanguageModelsNumbers) {
  const auto model = open(kStretched, kImages);
  ASSERT_TRUE(model) << model.error().message();
  const auto expected = JsonDocument::read(source_path("tests/data/gguf_families/gemma3_text.expected.json"));
  ASSERT_TRUE(expected);
  hold_pass<double>(*model, *expected, Dtype::float64, 1e-6);  // as the file that has all keys: see gguf_families_test
  EXPECT_THAT(model->architecture.notes,
              ElementsAre("3 tensors of the model for images (v.*, mm.*) are passed over",
                          "the GGUF leaves out, and these are taken: attention.layer_norm_rms_epsilon (1e-06), "
                          "rope.freq_base (1e+06), rope.freq_base_swa (10000)"));
  const auto plain = open({}, kImages);
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_THAT(plain->architecture.notes.back(), HasSubstr("rope.scaling.factor (1)"));
}

TEST_F(ImagesAndText, BasesUnderOllamasNames) {
  const auto model = open({{"gemma3.rope.local.freq_base", 20000.0f}, {"gemma3.rope.global.freq_base", 3e6f}}, {});
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_EQ(model->architecture.rotary[0].base, 3e6);
  EXPECT_EQ(model->architecture.rotary[1].base, 20000);
  const auto other = open({}, {make_tensor("x.weight", {2}, {1, 2})});
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message(), HasSubstr("tensor x.weight"));
}

TEST_F(ImagesAndText, AFileThatSaysAllHasNoNotes) {
  const auto model = open_model(source_path("tests/data/gguf_families/gemma3_text.gguf"));
  ASSERT_TRUE(model);
  EXPECT_THAT(model->architecture.notes, ElementsAre());
}

class Llama : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto recorded = open_checkpoint(source_path("tests/data/checkpoints/llama-smollm2-shape"));
    ASSERT_TRUE(recorded);
    tensors_ = tensors_of(**recorded);
    config_ = *read_file(source_path("tests/data/checkpoints/llama-smollm2-shape/config.json"));
  }
  Result<Model> open(const std::string& more_config = "") {
    std::string config = config_;
    config.insert(config.find('{') + 1, more_config);
    write_bytes(folder_ / "config.json", config);
    write_safetensors(folder_ / "model.safetensors", tensors_);
    return open_model(folder_.path());
  }
  void expect_recorded(const Model& model) {
    const auto expected = JsonDocument::read(source_path("tests/data/checkpoints/llama-smollm2-shape/expected.json"));
    ASSERT_TRUE(expected);
    hold_pass<float>(model, *expected, Dtype::float32, kFloat32);
  }
  StoredTensor& named(const std::string& end) {
    return *std::find_if(tensors_.begin(), tensors_.end(),
                         [&](const StoredTensor& tensor) { return tensor.name.ends_with(end); });
  }
  std::string message(const std::string& more_config = "") {
    const auto opened = open(more_config);
    if (opened) return "opened";
    return opened.error().message().substr(folder_.path().size() + 1);
  }

  TemporaryFolder folder_;
  std::vector<StoredTensor> tensors_;
  std::string config_;
};

TEST_F(Llama, PlainWeightsBesideALeftOverQuantizationConfig) {
  for (const char* method : {"gptq", "awq", "bitsandbytes", "fp8", "compressed-tensors"}) {
    const auto model = open(fmt::format(R"("quantization_config": {{"quant_method": "{}", "bits": 4}},)", method));
    ASSERT_TRUE(model) << model.error().message();
    expect_recorded(*model);
    EXPECT_THAT(
        model->architecture.notes,
        ElementsAre(fmt::format("quantization_config says {}; the weights are plain and read as they are", method)));
  }
  EXPECT_THAT(message(R"("quantization_config": {"quant_method": "bitnet", "quantization_mode": "online"},)"),
              HasSubstr("rounds its weights while it runs"));
}

TEST_F(Llama, PackedWeightsAreNamed) {
  StoredTensor& query = named("layers.0.self_attn.q_proj.weight");
  const StoredTensor plain = query;
  const std::string stem = "model.layers.0.self_attn.q_proj.";
  query.name = stem + "qweight";
  tensors_.push_back(make_tensor(stem + "qzeros", {2}, {1, 2}, StoredType::int32));
  tensors_.push_back(make_tensor(stem + "scales", {2}, {1, 2}));
  for (const char* config : {"", R"("quantization_config": {"quant_method": "awq"},)"})
    EXPECT_THAT(message(config), StartsWith("model.safetensors: tensor " + stem +
                                            "qweight: weights are packed by AWQ or "
                                            "GPTQ, which is not read"));
  tensors_.resize(tensors_.size() - 2);
  named("qweight") = make_tensor(stem + "weight", {4, 4}, std::vector<float>(16, 1), StoredType::uint32);
  tensors_.push_back(make_tensor(stem + "scales", {2}, {1, 2}));
  tensors_.push_back(make_tensor(stem + "biases", {2}, {1, 2}));
  EXPECT_THAT(message(), HasSubstr("weights are packed by MLX"));
  tensors_.resize(tensors_.size() - 2);
  named(stem + "weight") = make_tensor(stem + "weight", {0}, {});
  EXPECT_THAT(message(), HasSubstr("an empty tensor, as ZeRO's stage 3 leaves them"));
  named(stem + "weight") = make_tensor(stem + "packed_somehow", {1}, {1});
  for (const std::string said : {R"("quantization_config": {"quant_method": "new"},)",
                                 R"("text_config": {"quantization_config": {"quant_algo": "new"}},)"})
    EXPECT_THAT(
        message(said),
        HasSubstr("(its weight seems packed as .packed_somehow; quantization_config says new: get the checkpoint "
                  "as it was before, or a GGUF)"));
  EXPECT_THAT(message(R"("quantization_config": {"load_in_4bit": true},)"), HasSubstr("says bitsandbytes: get the"));
  EXPECT_THAT(message(R"("quantization_config": {"group_size": 64},)"), HasSubstr("says unknown: get the"));
  EXPECT_THAT(message(), HasSubstr("(its weight seems packed as .packed_somehow: get the checkpoint as it was before"));
  named("packed_somehow") = plain;
  const auto model = open();
  ASSERT_TRUE(model);
  expect_recorded(*model);
}

TEST_F(Llama, NamesWithAWrappersPrefix) {
  const std::vector<StoredTensor> bare = tensors_;
  for (const std::string prefix : {"module.", "_orig_mod.", "_forward_module.", "base_model.model.", "model.",
                                   "module._orig_mod.", "_fsdp_wrapped_module."}) {
    tensors_ = bare;
    for (StoredTensor& tensor : tensors_) tensor.name.insert(0, prefix);
    const auto model = open();
    ASSERT_TRUE(model) << prefix << " " << model.error().message();
    expect_recorded(*model);
    EXPECT_EQ(model->checkpoint->notes().size(), 1u + (prefix == "module._orig_mod."));
  }
}

}  // namespace
}  // namespace lstar
