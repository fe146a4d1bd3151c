// BLOOM (transformers: models/bloom). ALiBi positions, a norm after the embedding, query_key_value stored by head:
// rows (H, 3, d_h). The bias of attention and its product with the keys are added before one rounding.
#include "lstar/architecture/alibi.h"
#include "lstar/architecture/family.h"

namespace lstar {

Architecture read_bloom(Config& config, const Checkpoint&) {
  Architecture a;
  a.layers = config.size({"num_hidden_layers", "n_layer"});
  a.hidden = a.embedding = config.size({"n_embed", "hidden_size"});
  a.heads = a.kv_heads = config.size({"num_attention_heads", "n_head"});
  a.head_dim = a.hidden / a.heads;
  a.mlp = 4 * a.hidden;
  a.vocab = config.vocab_size();
  a.max_positions = config.size_or({"seq_length"}, 2048, 2048);
  config.need_in_gguf({"layer_norm_epsilon"});
  a.norm_epsilon = config.positive_or({"layer_norm_epsilon"}, 1e-5, 1);
  a.residual_from_norm = config.flag_or({"apply_residual_connection_post_layernorm"}, false);
  a.activation = Activation::gelu_bloom;
  a.alibi_slopes = alibi_slopes(a.heads);
  a.rounding.scores = ScoreRounding::once;
  // slow_but_exact splits the projections by pretraining_tp ranks; only the order of float16 sums differs.
  config.require(a.hidden % a.heads == 0, "key hidden_size", "a multiple of n_head", std::to_string(a.hidden));

  a.fuse_by_head();
  a.prefixes = {"transformer.", ""};
  a[Role::token_embedding] = {"word_embeddings"};
  a[Role::embedding_norm] = {.pattern = "word_embeddings_layernorm", .bias = true};
  a[Role::attention_norm] = {.pattern = "h.{}.input_layernorm", .bias = true};
  a[Role::query_key_value] = {.pattern = "h.{}.self_attention.query_key_value", .bias = true};
  a[Role::attention_out] = {.pattern = "h.{}.self_attention.dense", .bias = true};
  a[Role::mlp_norm] = {.pattern = "h.{}.post_attention_layernorm", .bias = true};
  a[Role::mlp_up] = {.pattern = "h.{}.mlp.dense_h_to_4h", .bias = true};
  a[Role::mlp_down] = {.pattern = "h.{}.mlp.dense_4h_to_h", .bias = true};
  a[Role::final_norm] = {.pattern = "ln_f", .bias = true};
  if (!config.flag_or({"tie_word_embeddings"}, true)) a[Role::output] = {"lm_head"};
  return a;
}

}  // namespace lstar
