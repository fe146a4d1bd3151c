// Keys of a GGUF that llama.cpp has no default for: left out, they are asked for by name, and nothing is assumed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/architecture/family.h"
#include "tests/support/config_sweep.h"

namespace lstar {
namespace {

std::string without(const Configuration& config, std::string_view left_out) {
  std::string text;
  config.each([&](std::string_view key, const Configuration& value) {
    if (key == left_out) return;
    text += text.empty() ? "{\"" : ",\"";
    text += std::string(key) + "\":" + value.shown(std::string::npos);
  });
  return text + "}";
}

TEST(GgufKeys, WhatNobodyHasADefaultForIsAskedForByName) {
  int epsilons = 0, others = 0;
  for (const auto& entry : std::filesystem::directory_iterator(testing::source_path("tests/data/gguf_families"))) {
    if (entry.path().extension() != ".gguf") continue;
    const std::string name = entry.path().stem();
    const auto checkpoint = open_checkpoint(entry.path());
    ASSERT_TRUE(checkpoint) << checkpoint.error().message();
    const Configuration config = (*checkpoint)->configuration();
    for (std::string_view key :
         {"attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon", "logit_scale", "attention.scale",
          "expert_used_count", "use_parallel_residual", "attention.sliding_window"}) {
      if (!config.find(key)) continue;
      // OLMo's epsilon is torch's own, Ollama's Gemma 3 leaves it out, and windows have defaults in most families.
      if (name.starts_with("olmo-clip") || (name == "gemma3_text" && key.ends_with("epsilon"))) continue;
      if (name == "nemotron" && key.ends_with("rms_epsilon")) continue;  // a file with LayerNorms that has both
      const bool is_window = key == "attention.sliding_window";
      if (is_window && name != "cohere2" && name != "gpt_oss") continue;
      if (key == "attention.scale" && !name.starts_with("granite")) continue;
      if (key == "use_parallel_residual" && name != "gpt_neox") continue;
      const auto read = read_architecture(testing::Reconfigured(**checkpoint, without(config, key)));
      ASSERT_FALSE(read) << name << " without " << key;
      EXPECT_THAT(read.error().message(), ::testing::HasSubstr("key " + std::string(key))) << name;
      ++(key.ends_with("epsilon") ? epsilons : others);
    }
  }
  EXPECT_GE(epsilons, 35);
  EXPECT_GE(others, 12);
}

}  // namespace
}  // namespace lstar
