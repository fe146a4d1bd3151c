// GPT-J and CodeGen (transformers: models/gptj, models/codegen): attention and MLP in parallel behind one norm, rotary
// positions in interleaved pairs. CodeGen stores q, v and k (in this order) fused in four blocks, one for each of the
// processors it was trained on.
#include "lstar/architecture/family.h"

namespace lstar {
namespace {

Architecture read_gptj_base(Config& config) {
  Architecture a;
  a.layers = config.size({"num_hidden_layers", "n_layer"});
  a.hidden = a.embedding = config.size({"hidden_size", "n_embd"});
  a.heads = a.kv_heads = config.size({"num_attention_heads", "n_head"});
  a.head_dim = a.hidden / a.heads;
  a.mlp = config.size_or({"n_inner"}, 4 * a.hidden, 4 * a.hidden);
  a.vocab = config.vocab_size();
  a.max_positions = config.size_or({"max_position_embeddings", "n_positions"}, 2048);
  a.norm_epsilon = config.positive_or({"layer_norm_epsilon"}, 1e-5, 1);
  a.residual = Residual::parallel;
  a.activation = config.activation({"activation_function"}, "gelu_new");
  a.rounding.scores = ScoreRounding::none;
  const int dims = config.size_or({"rotary_dim"}, 64);
  a.rotary = {{.dims = dims, .interleaved = true, .scaling = {}}};
  config.require(a.hidden % a.heads == 0, "key n_embd", "a multiple of n_head", std::to_string(a.hidden));

  a.split_heads();
  a.prefixes = {"transformer.", ""};
  a[Role::token_embedding] = {"wte"};
  a[Role::attention_norm] = {.pattern = "h.{}.ln_1", .bias = true};
  a[Role::attention_out] = {"h.{}.attn.out_proj"};
  a[Role::mlp_up] = {.pattern = "h.{}.mlp.fc_in", .bias = true};
  a[Role::mlp_down] = {.pattern = "h.{}.mlp.fc_out", .bias = true};
  a[Role::final_norm] = {.pattern = "ln_f", .bias = true};
  a[Role::output] = {.pattern = "lm_head", .bias = true};
  a.ties_output = config.flag_or({"tie_word_embeddings"}, false);
  return a;
}

}  // namespace

Architecture read_gptj(Config& config, const Checkpoint&) {
  Architecture a = read_gptj_base(config);
  a[Role::query] = {"h.{}.attn.q_proj"};
  a[Role::key] = {"h.{}.attn.k_proj"};
  a[Role::value] = {"h.{}.attn.v_proj"};
  return a;
}

Architecture read_codegen(Config& config, const Checkpoint&) {
  constexpr int kBlocks = 4;
  Architecture a = read_gptj_base(config);
  config.require(a.heads % kBlocks == 0, "key n_head", "a multiple of 4", std::to_string(a.heads));
  const int64_t block = int64_t{a.hidden} / kBlocks, group = a.heads / kBlocks;
  a.q_rows = {0, a.head_dim, group, 3 * block};
  a.v_rows = {block, a.head_dim, group, 3 * block};
  a.k_rows = {2 * block, a.head_dim, group, 3 * block};
  a[Role::query_key_value] = {"h.{}.attn.qkv_proj"};
  return a;
}

}  // namespace lstar
