// GPT-NeoX (transformers: models/gpt_neox): Pythia and GPT-NeoX-20B. Rotary positions on the leading part of each head,
// attention and MLP in parallel (or one after the other), query_key_value stored by head: rows (H, 3, d_h).
#include <algorithm>

#include "lstar/architecture/family.h"

namespace lstar {

Architecture read_gpt_neox(Config& config, const Checkpoint& checkpoint) {
  Architecture a;
  a.layers = config.size({"num_hidden_layers"});
  a.hidden = a.embedding = config.size({"hidden_size"});
  a.heads = a.kv_heads = config.size({"num_attention_heads"});
  a.head_dim = a.hidden / a.heads;
  a.mlp = config.size({"intermediate_size"});
  a.vocab = config.vocab_size();
  a.max_positions = config.size_or({"max_position_embeddings"}, 2048);
  config.need_in_gguf({"layer_norm_eps", "use_parallel_residual"});
  a.norm_epsilon = config.positive_or({"layer_norm_eps"}, 1e-5, 1);
  a.residual = config.flag_or({"use_parallel_residual"}, true) ? Residual::parallel : Residual::sequential;
  a.activation = config.activation({"hidden_act"}, "gelu");
  a.rotary = {
      read_rotary(config, a.head_dim, {.share = 0.25, .base_key = "rotary_emb_base", .share_key = "rotary_pct"})};
  config.require(a.hidden % a.heads == 0, "key hidden_size", "a multiple of num_attention_heads",
                 std::to_string(a.hidden));

  const bool bias = config.flag_or({"attention_bias"}, true);
  a.fuse_by_head();
  a.prefixes = {"gpt_neox.", ""};
  a[Role::token_embedding] = {"embed_in"};
  a[Role::attention_norm] = {.pattern = "layers.{}.input_layernorm", .bias = true};
  a[Role::query_key_value] = {.pattern = "layers.{}.attention.query_key_value", .bias = bias};
  a[Role::attention_out] = {.pattern = "layers.{}.attention.dense", .bias = bias};
  a[Role::mlp_norm] = {.pattern = "layers.{}.post_attention_layernorm", .bias = true};
  a[Role::mlp_up] = {.pattern = "layers.{}.mlp.dense_h_to_4h", .bias = true};
  a[Role::mlp_down] = {.pattern = "layers.{}.mlp.dense_4h_to_h", .bias = true};
  a[Role::final_norm] = {.pattern = "final_layer_norm", .bias = true};
  // Published files say embed_out, files written by transformers 5 may say lm_head.
  const auto is_published = [](const TensorInfo& tensor) { return tensor.name.ends_with("embed_out.weight"); };
  const bool published = std::any_of(checkpoint.tensors().begin(), checkpoint.tensors().end(), is_published);
  a[Role::output] = {published ? "embed_out" : "lm_head"};
  a.ties_output = config.flag_or({"tie_word_embeddings"}, false);
  return a;
}

}  // namespace lstar
