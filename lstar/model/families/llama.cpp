// Llama (transformers: models/llama; llama.cpp: arch "llama"): RMSNorm, rotary positions on whole heads, grouped
// key/value heads, gated MLP. A GGUF keeps the rows of Q and K in llama.cpp's order, which reading undoes.
#include <algorithm>

#include "lstar/model/family.h"

namespace lstar {
namespace {

void name_tensors_as_transformers(Architecture& a, Config& config) {
  const bool attention_bias = config.flag_or({"attention_bias"}, false);
  const bool mlp_bias = config.flag_or({"mlp_bias"}, false);
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
  if (!config.flag_or({"tie_word_embeddings"}, false)) a[Role::output] = {"lm_head"};
}

void name_tensors_as_llama_cpp(Architecture& a, Config& config, const Checkpoint& checkpoint) {
  a.prefixes = {""};
  a[Role::token_embedding] = {"token_embd"};
  a[Role::attention_norm] = {"blk.{}.attn_norm"};
  a[Role::query] = {.pattern = "blk.{}.attn_q", .interleaved_heads = a.heads};
  a[Role::key] = {.pattern = "blk.{}.attn_k", .interleaved_heads = a.kv_heads};
  a[Role::value] = {"blk.{}.attn_v"};
  a[Role::attention_out] = {"blk.{}.attn_output"};
  a[Role::mlp_norm] = {"blk.{}.ffn_norm"};
  a[Role::mlp_gate] = {"blk.{}.ffn_gate"};
  a[Role::mlp_up] = {"blk.{}.ffn_up"};
  a[Role::mlp_down] = {"blk.{}.ffn_down"};
  a[Role::final_norm] = {"output_norm"};
  if (checkpoint.find("output.weight")) a[Role::output] = {"output"};
  for (std::string_view extra : {"rope_freqs.weight", "blk.0.attn_q.bias", "blk.0.ffn_gate_inp.weight"})
    config.require(!checkpoint.find(extra), "tensor " + std::string(extra),
                   "a plain Llama: no rotary scaling, biases or experts", "this tensor");
}

}  // namespace

Architecture read_llama(Config& config, const Checkpoint& checkpoint) {
  const bool is_gguf = checkpoint.format() == "gguf";
  Architecture a;
  a.layers = config.size({"num_hidden_layers", "block_count"});
  a.hidden = a.embedding = config.size({"hidden_size", "embedding_length"});
  a.heads = config.size({"num_attention_heads", "attention.head_count"});
  a.kv_heads = config.size_or({"num_key_value_heads", "attention.head_count_kv"}, a.heads);
  a.head_dim = config.size_or({"head_dim", "attention.key_length"}, std::max(1, a.hidden / a.heads));
  a.mlp = config.size({"intermediate_size", "feed_forward_length"});
  a.max_positions = config.size_or({"max_position_embeddings", "context_length"}, 2048);
  const TensorInfo* table = checkpoint.find("token_embd.weight");
  a.vocab = is_gguf && table ? static_cast<int>(table->shape.rows()) : config.size({"vocab_size"});
  a.norm = NormRef::Kind::rms;
  a.norm_epsilon = config.positive_or({"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, is_gguf ? 0 : 1e-6, 1);
  a.activation = config.activation({"hidden_act"}, "silu");
  a.position.kind = Position::Kind::rotary;
  a.position.rotary_base = config.rotary_or({"rope_theta", "rope.freq_base"}, 10000, kLargestRotaryBase);
  a.position.rotary_dims = is_gguf ? config.size_or({"rope.dimension_count"}, a.head_dim) : a.head_dim;
  config.require(a.position.rotary_dims == a.head_dim, "key rope.dimension_count", "the whole head",
                 std::to_string(a.position.rotary_dims));
  config.refuse_rotary_scaling();
  a.q_rows = a.k_rows = a.v_rows = {0, a.head_dim};
  if (is_gguf)
    name_tensors_as_llama_cpp(a, config, checkpoint);
  else
    name_tensors_as_transformers(a, config);
  return a;
}

}  // namespace lstar
