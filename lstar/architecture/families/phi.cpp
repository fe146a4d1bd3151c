// Phi 1, 1.5, 2 and 3 (transformers: models/phi, models/phi3). The first three: LayerNorm, attention and MLP in
// parallel behind one norm, biases everywhere, rotary positions on the first dims of a head. Phi 3: Llama with q, k and
// v in one tensor and gate and up in another, and frequencies stretched one by one for long prompts.
#include "lstar/architecture/family.h"
#include "lstar/architecture/layer_types.h"

namespace lstar {

Architecture read_phi(Config& config, const Checkpoint&) {
  Architecture a;
  a.layers = config.size({"num_hidden_layers"});
  a.hidden = a.embedding = config.size({"hidden_size"});
  a.heads = config.size({"num_attention_heads"});
  a.kv_heads = config.size_or({"num_key_value_heads"}, a.heads, a.heads);
  a.head_dim = config.size_or({"head_dim"}, std::max(1, a.hidden / a.heads));
  a.mlp = config.size({"intermediate_size"});
  a.vocab = config.vocab_size();
  a.max_positions = config.size_or({"max_position_embeddings"}, 2048);
  config.need_in_gguf({"layer_norm_eps"});
  a.norm_epsilon = config.positive_or({"layer_norm_eps"}, 1e-5, 1);
  a.residual = Residual::parallel;
  a.activation = config.activation({"hidden_act"}, "gelu_new");
  a.rotary = {read_rotary(config, a.head_dim, {.share = 0.5})};

  a.split_heads();
  a.prefixes = {"model.", ""};
  a[Role::token_embedding] = {"embed_tokens"};
  a[Role::attention_norm] = {.pattern = "layers.{}.input_layernorm", .bias = true};
  a[Role::query] = {.pattern = "layers.{}.self_attn.q_proj", .bias = true};
  a[Role::key] = {.pattern = "layers.{}.self_attn.k_proj", .bias = true};
  a[Role::value] = {.pattern = "layers.{}.self_attn.v_proj", .bias = true};
  a[Role::attention_out] = {.pattern = "layers.{}.self_attn.dense", .bias = true};
  a[Role::mlp_up] = {.pattern = "layers.{}.mlp.fc1", .bias = true};
  a[Role::mlp_down] = {.pattern = "layers.{}.mlp.fc2", .bias = true};
  a[Role::final_norm] = {.pattern = "final_layernorm", .bias = true};
  a[Role::output] = {.pattern = "lm_head", .bias = true};
  a.ties_output = config.flag_or({"tie_word_embeddings"}, false);
  if (config.flag_or({"qk_layernorm"}, false)) {
    a[Role::query_norm] = {.pattern = "layers.{}.self_attn.q_layernorm", .bias = true};
    a[Role::key_norm] = {.pattern = "layers.{}.self_attn.k_layernorm", .bias = true};
  }
  return a;
}

Architecture read_phi3(Config& config, const Checkpoint&) {
  Architecture a = read_llama_like(config, {.epsilon = 1e-5, .rotary = {.share = 1, .trained_positions = 4096}});
  const RotaryScaling::Kind kind = a.rotary[0].scaling.kind;
  config.require(kind == RotaryScaling::Kind::none || kind == RotaryScaling::Kind::per_frequency || config.is_gguf(),
                 "key rope_scaling (rope_type)", "longrope", "another");
  see_windows(a, read_window(config));
  for (Role role : {Role::query, Role::key, Role::value}) a[role].reset();
  a[Role::query_key_value] = {"layers.{}.self_attn.qkv_proj"};
  a.fuse_heads_in_turn();
  a[Role::mlp_gate] = {.pattern = "layers.{}.mlp.gate_up_proj", .part = 0, .parts = 2};
  a[Role::mlp_up] = {.pattern = "layers.{}.mlp.gate_up_proj", .part = 1, .parts = 2};
  return a;
}

}  // namespace lstar
