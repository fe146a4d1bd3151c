// Gemma 1, 2 and 3 (transformers: models/gemma, gemma2, gemma3): Llama with gains stored less 1, an embedding times
// sqrt(hidden) and GELU. Gemma 2 adds norms behind attention and MLP, windows in every other layer and caps on scores
// and logits; Gemma 3 norms on the heads of q and k, windows in five of six layers and a rotary base of their own.
#include <cmath>

#include "lstar/architecture/family.h"
#include "lstar/architecture/layer_types.h"

namespace lstar {
namespace {

constexpr double kLargestCap = 1e6;

Architecture read_gemma_base(Config& config, std::string_view activation_key, const RotaryDefaults& rotary = {}) {
  const bool is_gemma3 = *rotary.layer_type != '\0';  // whose GGUFs by Ollama leave the epsilon out
  Architecture a = read_llama_like(config, {.needs_epsilon_in_gguf = !is_gemma3,
                                            .activation_key = activation_key,
                                            .activation = "gelu_pytorch_tanh",
                                            .kv_heads_or_null = false,
                                            .head_dim = 256,
                                            .reads_attention_bias = true,
                                            .ties_output = true,
                                            .rotary = rotary});
  a.norm_gain_offset = 1;
  a.rounding.norm_before_gain = false;
  a.embedding_scale = std::sqrt(static_cast<double>(a.hidden));
  a.rounding.embedding_scale = true;
  return a;
}

void norm_outputs(Architecture& a) {
  a[Role::attention_output_norm] = {"layers.{}.post_attention_layernorm"};
  a[Role::mlp_norm] = {"layers.{}.pre_feedforward_layernorm"};
  a[Role::mlp_output_norm] = {"layers.{}.post_feedforward_layernorm"};
}

double cap(Config& config, std::string_view key, double fallback) {
  return config.is_null(key)               ? 0
         : config.has(key) || fallback > 0 ? config.positive_or({key}, fallback, kLargestCap)
                                           : 0;
}

// A GGUF does not hold query_pre_attn_scalar: it is the head width, but for the 27B models, which llama.cpp tells by
// their layers.
void scale_queries(Architecture& a, Config& config, int layers_of_27b) {
  const bool by_hidden = config.is_gguf() && a.layers == layers_of_27b;
  const double fallback = by_hidden ? static_cast<double>(a.hidden) / a.heads : config.is_gguf() ? a.head_dim : 256;
  a.attention_scale = 1 / std::sqrt(config.positive_or({"query_pre_attn_scalar"}, fallback, 1e6));
}

// Gemma 1 and 2 with this switch see both ways in one of transformers' attention functions, and not in another. A
// PaliGemma sets it for pictures: its text is causal.
void refuse_bidirectional(Config& config) {
  const bool is_set = !config.is_part() && config.flag_or({"use_bidirectional_attention"}, false, false);
  config.require(!is_set, "key use_bidirectional_attention", "false", "true");
}

}  // namespace

Architecture read_gemma(Config& config, const Checkpoint&) {
  Architecture a = read_gemma_base(config, "hidden_act");
  // "gelu" in the first configurations means the form with tanh.
  if (a.activation == Activation::gelu) a.activation = Activation::gelu_tanh;
  refuse_bidirectional(config);
  return a;
}

Architecture read_gemma2(Config& config, const Checkpoint&) {
  Architecture a = read_gemma_base(config, "hidden_activation");
  norm_outputs(a);
  refuse_bidirectional(config);
  scale_queries(a, config, 46);
  a.attention_softcap = cap(config, "attn_logit_softcapping", 50);
  a.logit_softcap = cap(config, "final_logit_softcapping", 30);
  plan_windows(a, config, read_window(config, 4096), [](int layer) { return layer % 2 == 0; });
  return a;
}

Architecture read_gemma3(Config& config, const Checkpoint&) {
  Architecture a = read_gemma_base(config, "hidden_activation", {.base = 1e6, .layer_type = "full_attention"});
  norm_outputs(a);
  scale_queries(a, config, 62);
  a[Role::query_norm] = {"layers.{}.self_attn.q_norm"};
  a[Role::key_norm] = {"layers.{}.self_attn.k_norm"};
  a.logit_softcap = cap(config, "final_logit_softcapping", 0);
  int64_t window = read_window(config, 4096);
  if (config.flag_or({"use_bidirectional_attention"}, false, false)) {  // EmbeddingGemma: half the window, both ways
    if (window > 0) window = window / 2 + 1;
    a.causal = config.is_masked();
    if (a.causal)
      a.notes.emplace_back(
          "use_bidirectional_attention is true, but the class around the text masks what is ahead: computed so, as "
          "transformers does in eager attention (its sdpa attention looks ahead)");
  }
  plan_windows(a, config, window, all_but_every(config, 6));

  const auto parameters = config.section("rope_parameters");
  const bool by_layer_type = parameters && parameters->section("sliding_attention");
  Rotary full = a.rotary[0], local = full;
  local.scaling = {};
  local.base = config.positive_or({"rope_local_base_freq"}, 10000, kLargestRotaryBase);
  if (by_layer_type) local = read_rotary(config, a.head_dim, {.base = local.base, .layer_type = "sliding_attention"});
  a.rotary = {full, local};
  for (LayerPlan& layer : a.plan) layer.rotary = layer.window > 0 ? 1 : 0;
  return a;
}

}  // namespace lstar
