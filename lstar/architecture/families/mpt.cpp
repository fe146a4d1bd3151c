// MPT (transformers: models/mpt): ALiBi, LayerNorm without bias, q, k and v fused one after the other and cut off
// beyond clip_qkv, no biases.
#include <cmath>

#include "lstar/architecture/family.h"

namespace lstar {
namespace {

// The geometric sequence for the power of two above; with another number of heads, its second, fourth ... slope first.
std::vector<double> mpt_slopes(int heads) {
  int power = 1;
  while (power < heads) power *= 2;
  const auto slope = [&](int k) { return std::exp2(-8.0 * k / power); };
  std::vector<double> slopes;
  if (power == heads)
    for (int k = 1; k <= power; ++k) slopes.push_back(slope(k));
  for (int first : {2, 1})
    for (int k = first; k <= power && static_cast<int>(slopes.size()) < heads; k += 2) slopes.push_back(slope(k));
  return slopes;
}

}  // namespace

Architecture read_mpt(Config& config, const Checkpoint&) {
  Architecture a;
  a.layers = config.size({"num_hidden_layers", "n_layers"});
  a.hidden = a.embedding = config.size({"hidden_size", "d_model"});
  a.heads = a.kv_heads = config.size({"num_attention_heads", "n_heads"});
  a.head_dim = a.hidden / a.heads;
  a.mlp = config.is_gguf() ? config.size({"intermediate_size"}) : 4 * a.hidden;  // whatever expansion_ratio says
  a.vocab = config.vocab_size();
  a.max_positions = config.size_or({"max_seq_len"}, 2048);
  config.need_in_gguf({"layer_norm_epsilon"});
  a.norm_epsilon = config.positive_or({"layer_norm_epsilon"}, 1e-5, 1);
  a.activation = Activation::gelu;
  a.alibi_slopes = mpt_slopes(a.heads);
  Config attention = config.section("attn_config").value_or(config);
  a.qkv_limit = attention.has("clip_qkv") ? attention.positive_or({"clip_qkv"}, 1, 1e6) : 0;
  if (attention.has("softmax_scale")) a.attention_scale = attention.positive_or({"softmax_scale"}, 1, 1e6);
  // What transformers would pass over without a word, and compute another model.
  attention.require(attention.flag_or({"alibi"}, true), "key attn_config.alibi", "true", "false");
  attention.require(!attention.flag_or({"qk_ln"}, false), "key attn_config.qk_ln", "false", "true");
  attention.require(attention.number_or({"alibi_bias_max"}, 8) == 8, "key attn_config.alibi_bias_max", "8", "another");
  config.absorb(attention);
  // With it transformers' class fails.
  config.require(config.flag_or({"is_causal"}, true, false), "key is_causal", "true", "false");
  config.require(config.flag_or({"no_bias"}, true), "key no_bias", "true", "false");
  config.require(a.hidden % a.heads == 0, "key d_model", "a multiple of n_heads", std::to_string(a.hidden));

  a.fuse_heads_in_turn();
  a.prefixes = {"transformer.", ""};
  a[Role::token_embedding] = {"wte"};
  a[Role::attention_norm] = {"blocks.{}.norm_1"};
  a[Role::query_key_value] = {"blocks.{}.attn.Wqkv"};
  a[Role::attention_out] = {"blocks.{}.attn.out_proj"};
  a[Role::mlp_norm] = {"blocks.{}.norm_2"};
  a[Role::mlp_up] = {"blocks.{}.ffn.up_proj"};
  a[Role::mlp_down] = {"blocks.{}.ffn.down_proj"};
  a[Role::final_norm] = {"norm_f"};
  if (!config.flag_or({"tie_word_embeddings"}, true)) a[Role::output] = {"lm_head"};
  return a;
}

}  // namespace lstar
