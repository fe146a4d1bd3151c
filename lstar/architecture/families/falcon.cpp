// Falcon (transformers: models/falcon), three architectures: 7B (attention and MLP in parallel behind one norm, one key
// head for all), 40B and 11B (the "new decoder architecture": grouped heads stored group by group, two norms or one),
// and RW (sequential, ALiBi). ALiBi is computed in bfloat16 and scaled together with the scores.
#include <cmath>

#include "lstar/architecture/alibi.h"
#include "lstar/architecture/family.h"

namespace lstar {
namespace {

void lay_out_heads(Architecture& a, Config& config, bool is_new) {
  const int64_t d_h = a.head_dim;
  if (is_new) {
    a.kv_heads = config.size_or({"num_kv_heads"}, a.heads, a.heads);
    const int64_t group = a.heads / std::max(1, a.kv_heads), stride = (group + 2) * d_h;
    a.q_rows = {0, d_h, group, stride};
    a.k_rows = {group * d_h, stride};
    a.v_rows = {(group + 1) * d_h, stride};
  } else if (config.flag_or({"multi_query"}, true, false)) {
    a.kv_heads = config.is_gguf() ? config.size_or({"num_kv_heads"}, 1) : 1;
    a.fuse_heads_in_turn();
  } else {
    a.kv_heads = a.heads;
    a.fuse_by_head();
  }
}

}  // namespace

Architecture read_falcon(Config& config, const Checkpoint& checkpoint) {
  Architecture a;
  a.layers = config.size({"num_hidden_layers", "n_layer"});
  a.hidden = a.embedding = config.size({"n_embed", "hidden_size"});
  a.heads = a.kv_heads = config.size({"num_attention_heads", "n_head"});
  a.head_dim = a.hidden / a.heads;
  a.mlp = config.size_or({"ffn_hidden_size"}, 4 * a.hidden, 4 * a.hidden);
  a.vocab = config.vocab_size();
  a.max_positions = config.size_or({"max_position_embeddings"}, 2048);
  config.need_in_gguf({"layer_norm_epsilon"});
  a.norm_epsilon = config.positive_or({"layer_norm_epsilon"}, 1e-5, 1);
  a.activation = config.activation({"activation"}, "gelu");
  // A GGUF is of one of the first two, and its second norm tells them apart.
  const bool two_norms_in_gguf = checkpoint.find("blk.0.attn_norm_2.weight") != nullptr;
  const bool is_new = config.flag_or({"new_decoder_architecture"}, two_norms_in_gguf, false);
  const int usual_norms = is_new && (!config.is_gguf() || two_norms_in_gguf) ? 2 : 1;
  const int norms = config.size_or({"num_ln_in_parallel_attn"}, usual_norms, usual_norms);
  const bool is_parallel = is_new || config.flag_or({"parallel_attn"}, true, false);
  a.residual = is_parallel ? Residual::parallel : Residual::sequential;
  if (config.flag_or({"alibi"}, false, false)) {
    a.alibi_slopes = alibi_slopes(a.heads);
    a.alibi_in_bfloat16 = true;
    a.alibi_scale = 1 / std::sqrt(static_cast<double>(a.head_dim));
  } else {
    a.rotary = {read_rotary(config, a.head_dim)};
  }
  config.require(a.hidden % a.heads == 0, "key hidden_size", "a multiple of num_attention_heads",
                 std::to_string(a.hidden));
  config.require(!config.flag_or({"apply_residual_connection_post_layernorm"}, false),
                 "key apply_residual_connection_post_layernorm", "false", "true");
  lay_out_heads(a, config, is_new);

  const bool bias = config.flag_or({"bias"}, false, false);
  a.prefixes = {"transformer.", ""};
  a[Role::token_embedding] = {"word_embeddings"};
  if (is_new && norms == 2) {
    a[Role::attention_norm] = {.pattern = "h.{}.ln_attn", .bias = true};
    a[Role::mlp_norm] = {.pattern = "h.{}.ln_mlp", .bias = true};
  } else {
    a[Role::attention_norm] = {.pattern = "h.{}.input_layernorm", .bias = true};
    if (!is_parallel) a[Role::mlp_norm] = {.pattern = "h.{}.post_attention_layernorm", .bias = true};
  }
  a[Role::query_key_value] = {.pattern = "h.{}.self_attention.query_key_value", .bias = bias};
  a[Role::attention_out] = {.pattern = "h.{}.self_attention.dense", .bias = bias};
  a[Role::mlp_up] = {.pattern = "h.{}.mlp.dense_h_to_4h", .bias = bias};
  a[Role::mlp_down] = {.pattern = "h.{}.mlp.dense_4h_to_h", .bias = bias};
  a[Role::final_norm] = {.pattern = "ln_f", .bias = true};
  if (!config.flag_or({"tie_word_embeddings"}, true)) a[Role::output] = {"lm_head"};
  return a;
}

}  // namespace lstar
