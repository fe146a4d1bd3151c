#include "lstar/architecture/class_sizes.h"

namespace lstar {
namespace {

struct ClassSizes {
  std::string_view model_type;
  // 0: the class has none, and another size stands for it.
  int layers, hidden, heads, kv_heads, mlp, positions, vocab;
};

constexpr ClassSizes kClassSizes[] = {
    {"gpt2", 12, 768, 12, 0, 0, 1024, 50257},
    {"gpt_neox", 44, 6144, 64, 0, 24576, 2048, 50432},
    {"opt", 12, 768, 12, 0, 3072, 2048, 50272},
    {"bloom", 2, 64, 8, 0, 0, 0, 250880},
    {"llama", 32, 4096, 32, 0, 11008, 2048, 32000},
    {"mistral", 32, 4096, 32, 8, 14336, 131072, 32000},
    {"mixtral", 32, 4096, 32, 8, 14336, 131072, 32000},
    {"qwen2", 32, 4096, 32, 32, 22016, 32768, 151936},
    {"qwen2_moe", 24, 2048, 16, 16, 5632, 32768, 151936},
    {"qwen3", 32, 4096, 32, 32, 22016, 32768, 151936},
    {"qwen3_moe", 24, 2048, 32, 4, 6144, 32768, 151936},
    {"gemma", 28, 3072, 16, 16, 24576, 8192, 256000},
    {"gemma2", 26, 2304, 8, 4, 9216, 8192, 256000},
    {"gemma3_text", 26, 2304, 8, 4, 9216, 131072, 262208},
    {"phi", 24, 2048, 32, 0, 8192, 2048, 51200},
    {"phi3", 32, 3072, 32, 0, 8192, 4096, 32064},
    {"gpt_neo", 24, 2048, 16, 0, 0, 2048, 50257},
    {"gptj", 28, 4096, 16, 0, 0, 2048, 50400},
    {"codegen", 28, 4096, 16, 0, 0, 2048, 50400},
    {"falcon", 32, 4544, 71, 0, 0, 2048, 65024},
    {"mpt", 24, 2048, 16, 0, 0, 2048, 50368},
    {"stablelm", 32, 2560, 32, 32, 6912, 4096, 50304},
    {"gpt_bigcode", 12, 768, 12, 0, 0, 1024, 50257},
    {"starcoder2", 30, 3072, 24, 2, 12288, 4096, 49152},
    {"olmo", 32, 4096, 32, 0, 11008, 2048, 50304},
    {"olmo2", 32, 4096, 32, 0, 11008, 2048, 50304},
    {"olmo3", 32, 4096, 32, 0, 11008, 2048, 50304},
    {"olmoe", 16, 2048, 16, 0, 2048, 4096, 50304},
    {"cohere", 40, 8192, 64, 0, 22528, 8192, 256000},
    {"cohere2", 40, 8192, 64, 0, 22528, 8192, 256000},
    {"granite", 32, 4096, 32, 0, 11008, 2048, 32000},
    {"granitemoe", 32, 4096, 32, 0, 11008, 2048, 32000},
    {"gpt_oss", 36, 2880, 64, 8, 2880, 131072, 201088},
    {"smollm3", 36, 2048, 16, 4, 11008, 32768, 128256},
    {"nemotron", 32, 6144, 48, 0, 24576, 4096, 256000},
    {"glm", 40, 4096, 32, 2, 13696, 131072, 151552},
    {"glm4", 40, 4096, 32, 2, 13696, 131072, 151552},
    {"exaone4", 32, 4096, 32, 32, 16384, 2048, 102400},
    {"seed_oss", 64, 4096, 80, 8, 27648, 524288, 155136},
    {"ernie4_5", 18, 1024, 16, 2, 3072, 131072, 103424},
    {"helium", 24, 2560, 20, 20, 7040, 4096, 48000},
    {"bert", 12, 768, 12, 0, 3072, 512, 30522},
    {"roberta", 12, 768, 12, 0, 3072, 512, 50265},
};

}  // namespace

void assume_class_sizes(Config& config, std::string_view model_type) {
  for (const ClassSizes& sizes : kClassSizes) {
    if (sizes.model_type != model_type) continue;
    config.assume("num_hidden_layers", sizes.layers);
    config.assume("hidden_size", sizes.hidden);
    config.assume("num_attention_heads", sizes.heads);
    if (sizes.mlp > 0) config.assume(model_type == "opt" ? "ffn_dim" : "intermediate_size", sizes.mlp);
    if (sizes.positions > 0) config.assume("max_position_embeddings", sizes.positions);
    config.assume("vocab_size", sizes.vocab);
    // Null is said: as many as there are query heads.
    if (sizes.kv_heads > 0 && !config.is_null("num_key_value_heads"))
      config.assume("num_key_value_heads", sizes.kv_heads);
  }
}

}  // namespace lstar
