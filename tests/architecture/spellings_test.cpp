// What must not change a model's numbers: keys that transformers does not read, the other names of those that it does,
// a model of text and images around it, and under which of two names a tied tensor was kept. Each recorded checkpoint
// is altered in memory and held to what it was recorded with.
#include <gtest/gtest.h>

#include <tuple>

#include "tests/support/altered_checkpoint.h"

namespace lstar {
namespace {

using testing::Altered;
using testing::hold_recorded;

constexpr const char* kMxfp4 = "gpt_oss-mxfp4";  // whose pairs are not copied into memory

std::vector<std::string> decoders() {
  std::vector<std::string> names;
  for (const std::string& name : testing::recorded_checkpoints())
    if (name != kMxfp4 && name != "gemma3" && !name.starts_with("bert") && !name.starts_with("roberta"))
      names.push_back(name);
  return names;
}

// Held to transformers by tools/oracle/record_switches.py.
TEST(Spellings, SharesThatNobodyReads) {
  for (const char* name : {"cohere",        "cohere2",
                           "ernie4_5",      "exaone4",
                           "falcon",        "gemma",
                           "gemma2",        "gemma3_text-pattern",
                           "gpt_oss-plain", "granite",
                           "granitemoe",    "helium",
                           "llama",         "mistral",
                           "mixtral",       "olmo",
                           "olmo2",         "olmo3-layer-types",
                           "olmoe",         "qwen2",
                           "qwen2_moe",     "qwen3",
                           "qwen3_moe",     "seed_oss",
                           "smollm3",       "starcoder2"}) {
    Altered altered(name);
    for (const char* key : {"partial_rotary_factor", "rotary_pct", "rope_pct"}) testing::set(altered.keys, key, "0.5");
    testing::set(altered.keys, "rotary_dim", "4");
    testing::set(altered.keys, "rotary_emb_base", "17.0");
    hold_recorded(altered.model(), name);
  }
  Altered inside("llama");
  testing::set(inside.keys, "rope_parameters",
               R"({"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5})");
  hold_recorded(inside.model(), "llama");
}

// EXAONE 4 as published has its pattern twice; as transformers 5 saves it without windows, as 0.
TEST(Spellings, PatternBesideLayerTypes) {
  const auto usual = Altered("exaone4").model();
  ASSERT_TRUE(usual);
  std::string types;
  for (const LayerPlan& layer : usual->architecture.plan)
    types +=
        std::string(types.empty() ? "" : ", ") + (layer.window > 0 ? "\"sliding_attention\"" : "\"full_attention\"");
  for (const char* pattern : {"\"LLLG\"", "0"}) {
    Altered same("exaone4");
    testing::set(same.keys, "layer_types", "[" + types + "]");
    testing::set(same.keys, "sliding_window_pattern", pattern);
    hold_recorded(same.model(), "exaone4");
  }
}

// transformers' attribute_map: either name is read, and of both the one that counts there.
TEST(Spellings, EitherNameOfAKey) {
  struct Names {
    const char *checkpoint, *counts, *other;
  };
  for (const Names& names : {Names{"gpt2", "hidden_size", "n_embd"},
                             {"gpt2", "num_attention_heads", "n_head"},
                             {"gpt2", "num_hidden_layers", "n_layer"},
                             {"gpt2", "max_position_embeddings", "n_positions"},
                             {"gpt_bigcode", "hidden_size", "n_embd"},
                             {"gpt_bigcode", "num_attention_heads", "n_head"},
                             {"gpt_bigcode", "num_hidden_layers", "n_layer"},
                             {"gptj", "hidden_size", "n_embd"},
                             {"gptj", "num_attention_heads", "n_head"},
                             {"gptj", "num_hidden_layers", "n_layer"},
                             {"codegen", "hidden_size", "n_embd"},
                             {"codegen", "num_hidden_layers", "n_layer"},
                             {"bloom", "n_embed", "hidden_size"},
                             {"bloom", "num_attention_heads", "n_head"},
                             {"bloom", "num_hidden_layers", "n_layer"},
                             {"gpt_neo", "num_attention_heads", "num_heads"},
                             {"gpt_neo", "num_hidden_layers", "num_layers"},
                             {"mpt", "hidden_size", "d_model"},
                             {"mpt", "num_attention_heads", "n_heads"},
                             {"mpt", "num_hidden_layers", "n_layers"},
                             {"mixtral", "num_experts", "num_local_experts"},
                             {"qwen3_moe", "num_local_experts", "num_experts"},
                             {"gpt_oss", "num_experts", "num_local_experts"},
                             {"olmoe", "num_local_experts", "num_experts"}}) {
    SCOPED_TRACE(::testing::Message() << names.checkpoint << ": " << names.counts << ", " << names.other);
    for (const bool both : {false, true}) {
      Altered altered(names.checkpoint);
      std::string value = testing::take(altered.keys, names.other);
      if (value.empty()) value = testing::take(altered.keys, names.counts);
      ASSERT_FALSE(value.empty());
      testing::set(altered.keys, names.counts, value);
      if (both) testing::set(altered.keys, names.other, "3");
      hold_recorded(altered.model(), names.checkpoint);
      if (both) continue;
      testing::take(altered.keys, names.counts);
      testing::set(altered.keys, names.other, value);
      hold_recorded(altered.model(), names.checkpoint);
    }
  }
}

bool is_head(const std::string& name) { return name.starts_with("lm_head.") || name.starts_with("embed_out."); }

// Where transformers has put a language model inside another, in old names and new: with the first word of its own
// names ("model.", "transformer.") or without it, and its output.
struct Place {
  const char* model;
  bool keeps_word;
  const char* output;
};
constexpr Place kPlaces[] = {{"language_model.", true, "language_model."},
                             {"model.language_model.", false, ""},
                             {"model.language_model.", true, "model.language_model."},
                             {"model.text_model.", false, ""},
                             {"text_model.", true, "text_model."},
                             {"language_model.", false, ""}};

std::string without_word(const std::string& name) {
  for (const std::string word : {"model.", "transformer.", "gpt_neox."})
    if (name.starts_with(word)) return name.substr(word.size());
  return name;
}
std::string placed(const Place& place, const std::string& name) {
  return is_head(name) ? place.output + name : place.model + (place.keeps_word ? name : without_word(name));
}

class InsideAnother : public ::testing::TestWithParam<std::string> {};

TEST_P(InsideAnother, GivesItsNumbers) {
  for (const Place& place : kPlaces) {
    SCOPED_TRACE(place.model);
    Altered altered(GetParam());
    altered.rename = [&](const std::string& name) { return placed(place, name); };
    // The configuration is the same, and the tensors alone say where the model is.
    hold_recorded(altered.model(), GetParam());
    // The configuration is of another model, whose class is not known here: both keys for tied tensors are read.
    testing::Keys outer{{"model_type", "\"something_that_sees\""}, {"text_config", testing::text_of(altered.keys)}};
    altered.keys = outer;
    hold_recorded(altered.model(), GetParam());
    altered.keys[1].first = "llm_config";
    hold_recorded(altered.model(), GetParam());
  }
}
INSTANTIATE_TEST_SUITE_P(Checkpoints, InsideAnother, ::testing::ValuesIn(decoders()), testing::test_name);

// safetensors' save_model keeps the name that sorts first of two tied tensors.
TEST(Spellings, TiedTensorUnderTheOtherName) {
  int tied = 0;
  for (const std::string& name : decoders()) {
    Altered altered(name);
    const auto usual = altered.model();
    ASSERT_TRUE(usual) << name;
    const Architecture& a = usual->architecture;
    if (!a.ties_output || altered.has(a[Role::output]->pattern + ".weight")) continue;
    ++tied;
    const std::string embedding = usual->weights.token_embedding->name, output = a[Role::output]->pattern + ".weight";
    for (const Place& place : kPlaces) {
      altered.rename = [&](const std::string& tensor) {
        if (tensor == embedding) return place.output + output;
        return placed(place, tensor);
      };
      hold_recorded(altered.model(), name);
    }
    altered.rename = [&](const std::string& tensor) { return tensor == embedding ? output : tensor; };
    hold_recorded(altered.model(), name);
  }
  EXPECT_GT(tied, 40);
  for (const auto& [name, embedding, output] :
       {std::tuple("roberta", "roberta.embeddings.word_embeddings.weight", "lm_head.decoder.weight"),
        {"bert", "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"}}) {
    Altered altered(name);
    ASSERT_TRUE(altered.has(embedding));
    altered.rename = [&, embedding = embedding, output = output](const std::string& tensor) {
      return tensor == output ? "" : tensor == embedding ? output : tensor;
    };
    hold_recorded(altered.model(), name);
    testing::set(altered.keys, "tie_word_embeddings", "false");
    EXPECT_FALSE(altered.model()) << "not tied, so the embedding is missing";
  }
}

// Both stored and different: transformers does not tie them, whatever the configuration says.
TEST(Spellings, TiedButDifferent) {
  int untied = 0;
  for (const std::string& name : decoders()) {
    Altered altered(name);
    if (!altered.has("lm_head.weight") && !altered.has("embed_out.weight")) continue;
    ++untied;
    testing::set(altered.keys, "tie_word_embeddings", "true");
    hold_recorded(altered.model(), name);
  }
  EXPECT_GT(untied, 20);
}

// AutoModel saves no output: next tokens are what cannot be had, and the tensor is named as it would be.
TEST(Spellings, NoOutputStored) {
  Altered altered("llama");
  altered.rename = [](const std::string& name) { return is_head(name) ? "" : without_word(name); };
  const auto model = altered.model();
  ASSERT_TRUE(model) << model.error().message();
  ASSERT_FALSE(model->weights.output);
  EXPECT_NE(model->weights.output.error().message().find("tensor lm_head.weight: missing"), std::string::npos)
      << model->weights.output.error().message();
}

// A part without model_type is of the class that its outer class assumes; whether the output is tied, the outer class
// says.
TEST(LanguagePart, AsItsOuterClassAssumes) {
  struct Case {
    const char *outer, *checkpoint;
    bool tied;
  };
  for (const Case& c : {Case{"llava", "llama", false},
                        {"llava_next", "llama", false},
                        {"vipllava", "llama", false},
                        {"mistral3", "mistral", true},
                        {"paligemma", "gemma", true},
                        {"internvl", "qwen2-window", true},
                        {"idefics3", "llama", false},
                        {"smolvlm", "llama", false},
                        {"idefics2", "mistral", false},
                        {"aya_vision", "cohere2", true},
                        {"llava_onevision", "qwen2-window", false},
                        {"granite_speech", "granite", true},
                        {"blip-2", "opt", true},
                        {"qwen2_audio", "qwen2", false}}) {
    SCOPED_TRACE(c.outer);
    Altered altered(c.checkpoint);
    testing::take(altered.keys, "model_type");
    const bool has_own = altered.has("lm_head.weight");
    altered.keys = {{"model_type", '"' + std::string(c.outer) + '"'}, {"text_config", testing::text_of(altered.keys)}};
    altered.rename = [](const std::string& name) { return placed(kPlaces[0], name); };
    const auto model = altered.model();
    ASSERT_TRUE(model) << model.error().message();
    EXPECT_EQ(model->architecture.ties_output, c.tied);
    // Granite's and Cohere's own multiplier of the logits is not the outer class's.
    EXPECT_EQ(model->architecture.logit_scale, 1);
    const bool is_scaled = c.checkpoint == std::string_view("granite") || c.checkpoint == std::string_view("cohere2");
    if (!is_scaled && (c.tied || has_own)) hold_recorded(altered.model(), c.checkpoint);
    testing::set(altered.keys, "tie_word_embeddings", c.tied ? "false" : "true");
    const auto other = altered.model();
    ASSERT_TRUE(other);
    const std::string outer = c.outer;
    if (outer == "blip-2" || outer == "qwen2_audio")  // the first asks the inner key alone, the second none
      EXPECT_EQ(other->architecture.ties_output, c.tied);
    else
      EXPECT_EQ(other->architecture.ties_output, !c.tied);
  }
}

// llava-hf/llava-1.5-7b-hf's text_config: what it leaves out is LlamaConfig's.
TEST(LanguagePart, SizesOfItsClass) {
  const testing::MemoryCheckpoint checkpoint(
      R"({"model_type": "llava", "text_config": {"model_type": "llama", "max_position_embeddings": 4096,
          "rms_norm_eps": 1e-05, "vocab_size": 32064}, "vision_config": {"hidden_size": 1024}})");
  const auto a = read_architecture(checkpoint);
  ASSERT_TRUE(a) << a.error().message();
  EXPECT_EQ(a->layers, 32);
  EXPECT_EQ(a->hidden, 4096);
  EXPECT_EQ(a->heads, 32);
  EXPECT_EQ(a->kv_heads, 32);
  EXPECT_EQ(a->mlp, 11008);
  EXPECT_EQ(a->max_positions, 4096);
  EXPECT_EQ(a->vocab, 32064);
  // Mistral's class has 8 key heads; in Qwen2's null means as many as there are query heads, and in Mistral's nothing.
  const auto inside = [](const std::string& text) {
    return read_architecture(testing::MemoryCheckpoint(R"({"model_type": "mistral3", "text_config": )" + text + "}"));
  };
  const auto mistral = inside(R"({"hidden_size": 5120})");
  ASSERT_TRUE(mistral) << mistral.error().message();
  EXPECT_EQ(mistral->family, "mistral");
  EXPECT_EQ(mistral->kv_heads, 8);
  const auto qwen2 = inside(R"({"model_type": "qwen2", "num_key_value_heads": null, "num_attention_heads": 16})");
  ASSERT_TRUE(qwen2) << qwen2.error().message();
  EXPECT_EQ(qwen2->kv_heads, 16);
  EXPECT_FALSE(inside(R"({"num_key_value_heads": null})"));
}

TEST(LanguagePart, UnknownOnesAreNamed) {
  const testing::MemoryCheckpoint other(
      R"({"model_type": "internvl_chat", "llm_config": {"model_type": "internlm2"}})");
  const auto a = read_architecture(other);
  ASSERT_FALSE(a);
  EXPECT_NE(a.error().message().find("internlm2"), std::string::npos) << a.error().message();
}

}  // namespace
}  // namespace lstar
