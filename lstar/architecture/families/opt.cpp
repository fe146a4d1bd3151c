// OPT (transformers: models/opt). Learned positions that start at row 2, ReLU, separate projections. opt-350m puts its
// norms after attention and MLP, has no final norm, and embeds in a narrower space (word_embed_proj_dim).
#include "lstar/architecture/family.h"

namespace lstar {

Architecture read_opt(Config& config, const Checkpoint&) {
  Architecture a;
  a.layers = config.size({"num_hidden_layers"});
  a.hidden = config.size({"hidden_size"});
  a.embedding = config.size_or({"word_embed_proj_dim"}, a.hidden, a.hidden);
  a.heads = a.kv_heads = config.size({"num_attention_heads"});
  a.head_dim = a.hidden / a.heads;
  a.mlp = config.size({"ffn_dim"});
  a.vocab = config.vocab_size();
  a.max_positions = config.size({"max_position_embeddings"});
  a.positions_are_limited = true;
  a.first_position_row = 2;
  const bool before = config.flag_or({"do_layer_norm_before"}, true);
  a.norm_place = before ? NormPlace::before : NormPlace::after;
  a.final_norm = before && !config.flag_or({"_remove_final_layer_norm"}, false);
  a.activation = config.activation({"activation_function"}, "relu");
  a.rounding.scores = ScoreRounding::query_first;
  config.require(config.flag_or({"layer_norm_elementwise_affine"}, true), "key layer_norm_elementwise_affine", "true",
                 "false");
  config.require(a.hidden % a.heads == 0, "key hidden_size", "a multiple of num_attention_heads",
                 std::to_string(a.hidden));

  const bool bias = config.flag_or({"enable_bias"}, true);
  a.split_heads();
  a.prefixes = {"model.decoder.", "decoder.", ""};
  a[Role::token_embedding] = {"embed_tokens"};
  a[Role::position_embedding] = {"embed_positions"};
  if (a.embedding != a.hidden) {
    a[Role::project_in] = {"project_in"};
    a[Role::project_out] = {"project_out"};
  }
  a[Role::attention_norm] = {.pattern = "layers.{}.self_attn_layer_norm", .bias = true};
  a[Role::query] = {.pattern = "layers.{}.self_attn.q_proj", .bias = bias};
  a[Role::key] = {.pattern = "layers.{}.self_attn.k_proj", .bias = bias};
  a[Role::value] = {.pattern = "layers.{}.self_attn.v_proj", .bias = bias};
  a[Role::attention_out] = {.pattern = "layers.{}.self_attn.out_proj", .bias = bias};
  a[Role::mlp_norm] = {.pattern = "layers.{}.final_layer_norm", .bias = true};
  a[Role::mlp_up] = {.pattern = "layers.{}.fc1", .bias = bias};
  a[Role::mlp_down] = {.pattern = "layers.{}.fc2", .bias = bias};
  if (a.final_norm) a[Role::final_norm] = {.pattern = "final_layer_norm", .bias = true};
  if (!config.flag_or({"tie_word_embeddings"}, true)) a[Role::output] = {"lm_head"};
  return a;
}

}  // namespace lstar
