// What a checkpoint holds beyond its model: refused where it would change the numbers, said where it is another part's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lstar/architecture/weights.h"
#include "lstar/base/json.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/config_text.h"

namespace lstar {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kRecorded = "tests/data/checkpoints/";

// A recorded checkpoint with further tensors, of which nothing is read, and further keys in its configuration.
class WithMore : public Checkpoint {
 public:
  WithMore(const std::string& folder, const std::vector<std::string>& names, const std::string& keys = "")
      : inner_(*open_checkpoint(kRecorded + folder)), config_(with_keys(keys)) {
    tensors_.assign(inner_->tensors().begin(), inner_->tensors().end());
    for (const std::string& name : names) tensors_.push_back({name, StoredType::float32, {{4, 4}}});
    std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    path_ = inner_->path();
    format_ = inner_->format();
  }
  Result<void> read(const TensorInfo&, RowRange, std::span<float>) const override { return fail("not read"); }
  Result<void> read(const TensorInfo&, RowRange, std::span<double>) const override { return fail("not read"); }
  Configuration configuration() const override { return Configuration(config_.root()); }
  TokenizerSource tokenizer() const override { return {}; }

 private:
  JsonDocument with_keys(const std::string& keys) const {
    const std::string text = testing::config_text(*inner_);
    return *JsonDocument::parse(text.substr(0, text.size() - 1) + keys + "}", "config");  // the last of two keys counts
  }
  std::unique_ptr<Checkpoint> inner_;
  JsonDocument config_;
};

std::vector<std::string> warnings(const std::string& folder, const std::vector<std::string>& names,
                                  const std::string& keys = "") {
  const auto model = open_model(std::make_unique<WithMore>(folder, names, keys));
  return model ? model->warnings : std::vector{"error: " + model.error().message()};
}

TEST(Unread, EveryFamilyRefusesALayerBehindItsLast) {
  int families = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kRecorded)) {
    const std::string folder = entry.path().filename();
    const auto model = open_model(entry.path());
    ASSERT_TRUE(model) << folder << ": " << model.error().message();
    // The heads of BERT and RoBERTa and the image encoder of the larger Gemma 3 are no part of the model; nothing else
    // is left over.
    const bool has_other_parts = folder.starts_with("bert") || folder.starts_with("roberta") || folder == "gemma3";
    EXPECT_EQ(model->warnings.size(), has_other_parts ? 1u : 0u)
        << folder << ": " << ::testing::PrintToString(model->warnings);
    std::string name = model->weights.layers[0].attention_out.weight->name;
    const size_t at = name.find(".0.");
    ASSERT_NE(at, std::string::npos) << name;
    name.replace(at, 3, fmt::format(".{}.", model->architecture.layers));
    const auto refused = open_model(std::make_unique<WithMore>(folder, std::vector{name}));
    ASSERT_FALSE(refused) << folder;
    EXPECT_THAT(refused.error().message(), HasSubstr("tensor " + name + ": the checkpoint has more")) << folder;
    ++families;
  }
  EXPECT_GT(families, 43);
}

TEST(Unread, FurtherExpertsAndPartsOfALayerAreRefused) {
  EXPECT_THAT(warnings("qwen3_moe", {"model.layers.1.mlp.experts.99.up_proj.weight"}),
              ElementsAre(HasSubstr("found part 99 of layer 1")));
  // This layer is dense by the configuration; the expert says otherwise.
  EXPECT_THAT(warnings("qwen3_moe", {}, R"(, "mlp_only_layers": [0])"), ElementsAre(HasSubstr("missing tensor")));
}

TEST(Unread, AnAdapterBesideItsBaseIsRefused) {
  for (const char* name :
       {"model.layers.0.self_attn.q_proj.lora_A.weight", "base_model.model.model.layers.0.lora_B.default.weight",
        "model.layers.0.self_attn.v_proj.lora_magnitude_vector", "model.layers.0.mlp.up_proj.hada_w1_a",
        "model.layers.0.mlp.up_proj.ia3_l"})
    EXPECT_THAT(warnings("llama", {name}), ElementsAre(HasSubstr("not merged into its model: merge it"))) << name;
}

// The parameters of PEFT 0.21's methods, and those of 0.17's that it has no more, one of each.
TEST(Unread, EveryMethodOfPeftIsAnAdapter) {
  for (const std::string parameter : {"adamss_A",
                                      "beft_bias",
                                      "boft_R",
                                      "boft_s",
                                      "bone_block",
                                      "c3a_kernel",
                                      "deft_P",
                                      "deft_R",
                                      "delora_A",
                                      "delora_lambda",
                                      "fourierft_spectrum",
                                      "frod_lambda_l",
                                      "frod_lambda_s_values",
                                      "glora_A",
                                      "gralora_A",
                                      "gralora_B_general",
                                      "hada_w1_a",
                                      "hada_t1",
                                      "hira_A",
                                      "hira_embedding_B",
                                      "hra_u",
                                      "ia3_l",
                                      "lily_A",
                                      "lily_router",
                                      "ln_tuning_layers",
                                      "lokr_w1",
                                      "lokr_t2",
                                      "lora_A",
                                      "lora_E",
                                      "lora_embedding_A",
                                      "miss_block",
                                      "oft_R",
                                      "oft_embedding_R",
                                      "osf_svd_params",
                                      "peanut_A",
                                      "peanut_encoders",
                                      "poly_lora_A",
                                      "poly_router",
                                      "psoft_R",
                                      "pvera_lambda_b",
                                      "randlora_lambda",
                                      "randlora_gamma",
                                      "ranknum",
                                      "road_theta",
                                      "road_alpha",
                                      "shadow_down",
                                      "shadow_up",
                                      "shadow_update_gate",
                                      "shira_weight",
                                      "supertuning_values",
                                      "tinylora_v",
                                      "token_adapter.trainable_tokens_delta",
                                      "unilora_theta_d",
                                      "vblora_logits_A",
                                      "vblora_vector_bank",
                                      "vera_lambda_b",
                                      "waveft_spectrum"})
    for (const char* end : {"", ".default", ".default.weight"})
      EXPECT_THAT(warnings("llama", {"model.layers.0.self_attn.q_proj." + parameter + end}),
                  ElementsAre(HasSubstr("not merged into its model: merge it")))
          << parameter << end;
  for (const char* name : {"prompt_encoder.default.embedding.weight", "prompt_embeddings", "randlora_A.default",
                           "vera_A.default", "internal_xlora_classifier.layers.0.weight"})
    EXPECT_THAT(warnings("llama", {name}), ElementsAre(HasSubstr("not merged into its model: merge it"))) << name;
  // Names that begin alike in the middle of a word, and a segmenter's.
  for (const char* name : {"vision.softbone_x.weight", "visual.prompt_encoder.pe.weight", "vision.shadow.weight"})
    EXPECT_THAT(warnings("llama", {name}), ElementsAre(HasSubstr("not read: 1 tensor"))) << name;
}

TEST(Unread, OtherPartsAreNamedByKind) {
  EXPECT_THAT(warnings("llama", {"score.weight"}), ElementsAre("not read: 1 tensor of other heads: score.weight"));
  EXPECT_THAT(
      warnings("llama", {"vision_tower.layers.0.q.weight", "vision_tower.layers.17.q.weight", "mm_projector.2.bias"}),
      ElementsAre("not read: 3 tensors of vision and audio parts: mm_projector.{}.bias, "
                  "vision_tower.layers.{}.q.weight"));
  EXPECT_THAT(warnings("llama", {"mtp.0.proj.weight"}),
              ElementsAre("not read: 1 tensor of prediction layers: mtp.{}.proj.weight"));
  EXPECT_THAT(warnings("llama", {"a1.w", "a2.w", "a3.w", "a4.w", "a5.w", "a6.w", "a7.w"}),
              ElementsAre("not read: 7 tensors of unknown use: a1.w, a2.w, a3.w, a4.w, a5.w, a6.w and 1 more"));
  EXPECT_THAT(warnings("llama", {"model.layers.0.self_attn.q_proj.bias", "score.weight"}),
              ElementsAre("not read: 1 tensor of other heads: score.weight",
                          "not read: 1 tensor of biases that the configuration leaves out: "
                          "model.layers.{}.self_attn.q_proj.bias"));
}

TEST(Unread, LayersThatPredictFurtherTokensAreNoLayersOfTheModel) {
  const std::string further = "model.layers.4.self_attn.o_proj.weight",
                    furthest = "model.layers.5.self_attn.o_proj.weight";
  EXPECT_THAT(warnings("llama", {further}, R"(, "num_nextn_predict_layers": 1)"),
              ElementsAre("not read: 1 tensor of prediction layers: model.layers.{}.self_attn.o_proj.weight"));
  EXPECT_THAT(warnings("llama", {furthest}, R"(, "num_nextn_predict_layers": 1)"),
              ElementsAre(HasSubstr("found layer 5")));
  EXPECT_THAT(warnings("llama", {further}, R"(, "text_config": {"num_nextn_predict_layers": 1})"),
              ElementsAre(HasSubstr("prediction layers")));
}

TEST(Unread, BuffersAreNotMentioned) {
  EXPECT_THAT(warnings("gpt_neox", {"gpt_neox.layers.0.attention.bias", "gpt_neox.layers.0.attention.masked_bias",
                                    "gpt_neox.layers.0.attention.rotary_emb.inv_freq"}),
              IsEmpty());
  EXPECT_THAT(warnings("llama", {"model.rotary_emb.inv_freq"}), IsEmpty());
  EXPECT_THAT(warnings("llama", {"embeddings.position_ids"}), IsEmpty());
}

}  // namespace
}  // namespace lstar
