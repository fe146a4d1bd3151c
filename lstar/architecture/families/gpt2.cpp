// GPT-2 (transformers: models/gpt2). Learned positions, LayerNorm in front, fused Conv1D projections stored transposed
// with columns Q | K | V, gelu_new. openai-community/gpt2 publishes names without "transformer." and with causal-mask
// buffers ("attn.bias"), which no role names.
#include "lstar/architecture/family.h"

namespace lstar {

Architecture read_gpt2(Config& config, const Checkpoint&) {
  Architecture a;
  a.layers = config.size({"num_hidden_layers", "n_layer"});
  a.hidden = a.embedding = config.size({"hidden_size", "n_embd"});
  a.heads = a.kv_heads = config.size({"num_attention_heads", "n_head"});
  a.head_dim = a.hidden / a.heads;
  a.mlp = config.size_or({"n_inner", "intermediate_size"}, 4 * a.hidden, 4 * a.hidden);
  a.vocab = config.vocab_size();
  a.max_positions = config.size({"max_position_embeddings", "n_positions", "n_ctx"});
  a.positions_are_limited = true;
  config.need_in_gguf({"layer_norm_epsilon"});
  a.norm_epsilon = config.positive_or({"layer_norm_epsilon"}, 1e-5, 1);
  a.activation = config.activation({"activation_function"}, "gelu_new");
  a.scale_by_layer = config.flag_or({"scale_attn_by_inverse_layer_idx"}, false);
  if (!config.flag_or({"scale_attn_weights"}, true)) a.attention_scale = 1;
  if (config.flag_or({"reorder_and_upcast_attn"}, false)) a.rounding.scores = ScoreRounding::none;
  config.require(!config.flag_or({"add_cross_attention"}, false), "key add_cross_attention", "false", "true");
  config.require(a.hidden % a.heads == 0, "key n_embd", "a multiple of n_head", std::to_string(a.hidden));

  a.initializes_by_depth = true;

  a.fuse_heads_in_turn();
  a.prefixes = {"transformer.", ""};
  a[Role::token_embedding] = {"wte"};
  a[Role::position_embedding] = {"wpe"};
  a[Role::attention_norm] = {.pattern = "h.{}.ln_1", .bias = true};
  a[Role::query_key_value] = {.pattern = "h.{}.attn.c_attn", .transposed = true, .bias = true};
  a[Role::attention_out] = {.pattern = "h.{}.attn.c_proj", .transposed = true, .bias = true};
  a[Role::mlp_norm] = {.pattern = "h.{}.ln_2", .bias = true};
  a[Role::mlp_up] = {.pattern = "h.{}.mlp.c_fc", .transposed = true, .bias = true};
  a[Role::mlp_down] = {.pattern = "h.{}.mlp.c_proj", .transposed = true, .bias = true};
  a[Role::final_norm] = {.pattern = "ln_f", .bias = true};
  if (!config.flag_or({"tie_word_embeddings"}, true)) a[Role::output] = {"lm_head"};
  return a;
}

}  // namespace lstar
