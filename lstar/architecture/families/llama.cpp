// Llama (transformers: models/llama): RMSNorm, rotary positions on whole heads, grouped key/value heads, gated MLP.
// Most later families are this one with a few fields changed; they start from read_llama_like.
#include <algorithm>

#include "lstar/architecture/family.h"
#include "lstar/architecture/layer_types.h"

namespace lstar {

Architecture read_llama_like(Config& config, const LlamaClass& assumed) {
  Architecture a;
  a.layers = config.size({"num_hidden_layers"});
  a.hidden = a.embedding = config.size({"hidden_size"});
  a.heads = config.size({"num_attention_heads"});
  const auto or_null = [](bool has_meaning, int value) { return has_meaning ? std::optional(value) : std::nullopt; };
  a.kv_heads = config.size_or({"num_key_value_heads"}, a.heads, or_null(assumed.kv_heads_or_null, a.heads));
  const int even_share = std::max(1, a.hidden / a.heads);
  const bool has_head_dim = assumed.head_dim > 0 && !config.is_gguf();
  a.head_dim = config.size_or({"head_dim"}, has_head_dim ? assumed.head_dim : even_share,
                              or_null(assumed.head_dim_or_null, even_share));
  a.mlp = config.size({"intermediate_size"});
  a.vocab = config.vocab_size();
  a.max_positions = config.size_or({"max_position_embeddings"}, 2048);
  a.norm = NormRef::Kind::rms;
  if (assumed.needs_epsilon_in_gguf) config.need_in_gguf({assumed.epsilon_key});
  a.norm_epsilon = config.positive_or({assumed.epsilon_key}, assumed.epsilon, 1);
  a.rounding.norm_before_gain = true;
  a.activation = config.activation({assumed.activation_key}, assumed.activation);
  a.rotary = {read_rotary(config, a.head_dim, assumed.rotary)};

  const bool attention_bias = assumed.reads_attention_bias && config.flag_or({"attention_bias"}, false);
  const bool mlp_bias = assumed.reads_mlp_bias && config.flag_or({"mlp_bias"}, false);
  a.split_heads();
  a.prefixes = {"model.", ""};
  a[Role::token_embedding] = {"embed_tokens"};
  a[Role::attention_norm] = {"layers.{}.input_layernorm"};
  a[Role::query] = {.pattern = "layers.{}.self_attn.q_proj", .bias = attention_bias};
  a[Role::key] = {.pattern = "layers.{}.self_attn.k_proj", .bias = attention_bias};
  a[Role::value] = {.pattern = "layers.{}.self_attn.v_proj", .bias = attention_bias};
  a[Role::attention_out] = {.pattern = "layers.{}.self_attn.o_proj", .bias = attention_bias};
  a[Role::mlp_norm] = {"layers.{}.post_attention_layernorm"};
  a[Role::mlp_gate] = {.pattern = "layers.{}.mlp.gate_proj", .bias = mlp_bias};
  a[Role::mlp_up] = {.pattern = "layers.{}.mlp.up_proj", .bias = mlp_bias};
  a[Role::mlp_down] = {.pattern = "layers.{}.mlp.down_proj", .bias = mlp_bias};
  a[Role::final_norm] = {"norm"};
  if (!config.flag_or({"tie_word_embeddings"}, assumed.ties_output)) a[Role::output] = {"lm_head"};
  return a;
}

Architecture read_llama(Config& config, const Checkpoint&) {
  Architecture a =
      read_llama_like(config, {.head_dim_or_null = true, .reads_attention_bias = true, .reads_mlp_bias = true});
  // llama.cpp calls Mixtral a Llama too.
  if (config.is_gguf() && config.text_or({"model_type"}, "") == "llama" &&
      config.count_or({"num_local_experts"}, 0) > 0) {
    a.experts = {
        .count = config.size({"num_local_experts"}), .used = config.size({"num_experts_per_tok"}), .mlp = a.mlp};
    a.experts.renormalise = true;
    for (LayerPlan& layer : plan_of(a)) layer.experts = true;
    a[Role::router] = a[Role::expert_gate] = a[Role::expert_up] = a[Role::expert_down] = TensorRef{};
  }
  return a;
}

}  // namespace lstar
