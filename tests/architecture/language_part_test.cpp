// The language model inside each class of transformers that holds one (tools/oracle/record_language_parts.py): what
// such a class makes of keys that text_config leaves out or says otherwise, in float64, and where its tensors lie.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <set>

#include <fmt/format.h>

#include "tests/support/altered_checkpoint.h"
#include "tests/support/config_sweep.h"

namespace lstar {
namespace {

using testing::Altered;
using ::testing::HasSubstr;
using testing::hold_recorded;
using testing::SweepOutcome;
using testing::SweptCheckpoint;

// [the outer class's model_type, keys left out of text_config, keys set in it, numbers]
struct Case {
  Case(Json parts, const std::string& published) {
    outer = parts.at(0)->string().value();
    const auto document = JsonDocument::parse(published, "config.json");
    testing::Keys text = testing::keys_of(document->root());
    for (const Json key : parts.at(1)->items()) testing::take(text, std::string(key.string().value()));
    for (const auto& [key, value] : testing::keys_of(parts.at(2).value())) testing::set(text, key, value);
    testing::flatten(parts.at(3).value(), numbers);
    config = testing::text_of({{"model_type", '"' + outer + '"'}, {"text_config", testing::text_of(text)}});
  }
  std::string outer, config;
  std::vector<double> numbers;
};

TEST(LanguagePart, MatchesTransformersInEveryClass) {
  std::set<std::string> outers;
  int cases = 0, moved = 0;
  std::ifstream file(testing::source_path("tests/data/language_parts.jsonl"));
  for (std::string line; std::getline(file, line);) {
    const auto record = JsonDocument::parse(line, "language_parts.jsonl");
    ASSERT_TRUE(record);
    SweptCheckpoint swept(record->root());
    for (const Json item : testing::items(record->root(), "cases")) {
      const Case one(item, swept.published_config);
      const SweepOutcome ours = swept.run(one.config);
      EXPECT_TRUE(testing::agree(ours.numbers, one.numbers))
          << swept.name << " " << item.minified() << ": ours " << ::testing::PrintToString(ours.numbers) << " "
          << ours.refusal;
      outers.insert(one.outer);
      ++cases;
      moved += testing::agree(one.numbers, swept.base) ? 0 : 1;
    }
  }
  std::cout << fmt::format("{} cases in {} classes, {} with other numbers than alone\n", cases, outers.size(), moved);
  EXPECT_GT(outers.size(), 30u);
  EXPECT_GT(moved, 40);
}

// transformers 5.24 saves Qianfan-OCR's layers under "encoder." and takes that off again; published ones have it not.
TEST(LanguagePart, LayersUnderAWordThatTheClassTakesOff) {
  for (const char* inner : {"qwen3", "llama", "phi3", "qwen3_moe", "stablelm"}) {
    for (const char* before : {"encoder.", ""}) {
      Altered altered(inner);
      testing::Keys outer{{"model_type", "\"qianfan_ocr\""}, {"text_config", testing::text_of(altered.keys)}};
      const bool is_tied = !altered.has("lm_head.weight");
      if (is_tied) outer.emplace_back("tie_word_embeddings", "true");
      altered.keys = outer;
      altered.rename = [&](std::string name) {
        if (const size_t at = name.find("layers."); at != name.npos) name.insert(at, before);
        return "language_model." + name;
      };
      hold_recorded(altered.model(), inner);
      altered.keys[0].second = "\"internvl\"";
      const bool is_read = altered.model().has_value();
      EXPECT_EQ(is_read, *before == '\0') << "no other class takes it off";
    }
  }
}

// Classes with a language model of their own build no other that the text names; Llama's inside Mllama's would pass
// over the layers that look at the picture.
TEST(LanguagePart, ClassesThatBuildOneLanguageModel) {
  for (const auto& [outer, own] : {std::pair("mllama", "mllama_text_model"), {"paddleocr_vl", "paddleocr_vl_text"}}) {
    Altered altered("llama");
    altered.keys = {{"model_type", fmt::format("\"{}\"", outer)}, {"text_config", testing::text_of(altered.keys)}};
    const auto model = altered.model();
    ASSERT_FALSE(model);
    EXPECT_THAT(model.error().message(), HasSubstr(own));
  }
}

// Both ways in a class of text alone, the halved window alone where the class around it makes the masks; the note says
// so.
TEST(LanguagePart, MasksOfTheOuterClass) {
  for (const auto& [outer, causal] : {std::pair("gemma3", true), {"paligemma", true}, {"llava", false}}) {
    Altered altered("gemma3_text");
    testing::set(altered.keys, "use_bidirectional_attention", "true");
    altered.keys = {{"model_type", fmt::format("\"{}\"", outer)}, {"text_config", testing::text_of(altered.keys)}};
    const auto model = altered.model();
    ASSERT_TRUE(model) << model.error().message();
    EXPECT_EQ(model->architecture.causal, causal) << outer;
    const auto& notes = model->architecture.notes;
    EXPECT_EQ(std::ranges::any_of(notes, [](const auto& note) { return note.find("masks") != note.npos; }), causal);
  }
}

// Gemma 3's outer class reads its text as gemma3_text, whatever the text calls itself; LLaVA-NeXT-Video's ties where
// either configuration says so (configuration_llava_next_video.py of transformers 5.24).
TEST(LanguagePart, NamesAndTiesOfSingleClasses) {
  Altered gemma("gemma3_text");
  testing::set(gemma.keys, "model_type", "\"gemma3\"");
  gemma.keys = {{"model_type", "\"gemma3\""}, {"text_config", testing::text_of(gemma.keys)}};
  const auto model = gemma.model();
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_EQ(model->architecture.family, "gemma3_text");
  for (const char* outer : {"llava_next_video", "llava_next"}) {
    Altered llama("llama");
    testing::set(llama.keys, "tie_word_embeddings", "true");
    llama.keys = {{"model_type", fmt::format("\"{}\"", outer)}, {"text_config", testing::text_of(llama.keys)}};
    const auto tied = llama.model();
    ASSERT_TRUE(tied) << tied.error().message();
    EXPECT_EQ(tied->architecture.ties_output, std::string(outer) == "llava_next_video") << outer;
  }
}

// What Voxtral's and GLM-ASR's classes lay under text_config; a null that is written down lies over it.
TEST(LanguagePart, SizesThatTheOuterClassLaysUnder) {
  const auto inside = [](const std::string& outer, const std::string& text) {
    return read_architecture(
        testing::MemoryCheckpoint(fmt::format(R"({{"model_type": "{}", "text_config": {}}})", outer, text)));
  };
  const auto voxtral = inside("voxtral", R"({"num_attention_heads": 32})");
  ASSERT_TRUE(voxtral) << voxtral.error().message();
  EXPECT_EQ(voxtral->layers, 30);
  EXPECT_EQ(voxtral->hidden, 3072);
  EXPECT_EQ(voxtral->head_dim, 128);
  EXPECT_EQ(voxtral->kv_heads, 8);
  EXPECT_EQ(voxtral->mlp, 8192);
  EXPECT_EQ(voxtral->vocab, 131072);
  EXPECT_EQ(voxtral->norm_epsilon, 1e-5);
  EXPECT_EQ(voxtral->rotary[0].base, 1e8);
  const auto glmasr = inside("glmasr", "{}");
  ASSERT_TRUE(glmasr) << glmasr.error().message();
  EXPECT_EQ(glmasr->layers, 28);
  EXPECT_EQ(glmasr->heads, 16);
  EXPECT_EQ(glmasr->kv_heads, 4);
  EXPECT_EQ(glmasr->head_dim, 128);
  EXPECT_EQ(glmasr->max_positions, 8192);
  const auto null = inside("glmasr", R"({"num_key_value_heads": null})");
  ASSERT_TRUE(null) << null.error().message();
  EXPECT_EQ(null->kv_heads, 16);
}

// torch's pruning, weight norm and parametrizations leave no tensor of the weight's own name.
TEST(LanguagePart, ReparametrisedWeightsAreNamed) {
  for (const auto& [other, says] : {std::pair("_orig", "torch.nn.utils.prune.remove"), {"_g", "remove_weight_norm"}}) {
    for (const char* place : {"", "language_model."}) {
      Altered altered("llama");
      altered.keys = {{"model_type", "\"llava\""}, {"text_config", testing::text_of(altered.keys)}};
      altered.rename = [&, other = other](const std::string& name) {
        const bool is_held = name.find("self_attn") != name.npos;
        return place + name + (is_held ? other : "");
      };
      altered.also = [](const std::string& name) {
        return name.ends_with("_orig") ? name.substr(0, name.size() - 5) + "_mask"
               : name.ends_with("_g")  ? name.substr(0, name.size() - 2) + "_v"
                                       : std::string();
      };
      const auto model = altered.model();
      ASSERT_FALSE(model);
      EXPECT_THAT(model.error().message(), HasSubstr(says));
    }
  }
}

}  // namespace
}  // namespace lstar
