// Everything that makes one model family differ from another, as data. Families (lstar/architecture/families/) fill one
// Architecture from a checkpoint's configuration; forward.cpp reads it and knows no family by name. Reading this header
// and the table of one family tells how any supported model is computed.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "lstar/architecture/rotary.h"
#include "lstar/compute/ops.h"

namespace lstar {

// Every weight of the models we run. L = per layer, E = per expert. A norm's role that a family leaves out is a norm
// that its models do not have.
enum class Role {
  token_embedding,       // (vocab, embed)
  position_embedding,    // (positions, hidden), learned
  token_type_embedding,  // (types, hidden): row 0 is added to every token (BERT)
  embedding_norm,        // norm right after the embedding (BLOOM, BERT)
  project_in,            // (hidden, embed): OPT's word_embed_proj_dim
  attention_norm,        // L: norm in front of attention (or after it, post-norm)
  query_key_value,       // L: fused; else query, key, value
  query,
  key,
  value,  // L
  query_norm,
  key_norm,               // L: see HeadNorm
  sinks,                  // L: (H) scores of attention sinks
  attention_out,          // L
  attention_output_norm,  // L: norm of attention's output before it is added (Gemma 2, OLMo 2)
  mlp_norm,               // L
  mlp_up,                 // L: (mlp, hidden)
  mlp_gate,               // L: the gate of a gated MLP
  mlp_gate_up,            // L: gate and up row by row in turn, in place of both
  mlp_down,               // L: (hidden, mlp)
  mlp_output_norm,        // L: as attention_output_norm
  router,                 // L: (experts, hidden)
  expert_up,
  expert_gate,
  expert_gate_up,
  expert_down,  // L, E: as the MLP's
  shared_up,
  shared_gate,
  shared_down,    // L: the expert that every token goes through
  shared_switch,  // L: (1, hidden): its output is multiplied with the logistic function of this
  final_norm,     // after the last layer
  project_out,    // (embed, hidden)
  output,         // (vocab, embed); see ties_output
  count
};

// Which tensor plays a role. The first "{}" in a pattern is the layer, the second the expert; suffixes are not part of
// it.
struct TensorRef {
  std::string pattern;
  bool transposed = false;    // stored (in, out): GPT-2's Conv1D
  bool bias = false;          // a bias belongs to it and must exist
  int interleaved_heads = 0;  // llama.cpp's row order, see LinearRef
  int part = 0, parts = 1;    // one of `parts` layers that are stored one after the other (Phi-3's gate_up_proj)
  bool stacked = false;       // all experts in one tensor, (experts, out, in)
  std::string weight_suffix = ".weight", bias_suffix = ".bias";
};

// Where the two norms of a layer sit: in front of attention and MLP, or behind the additions to the residual stream.
enum class NormPlace { before, after };
// sequential: x += attention(norm(x)); x += mlp(norm(x)).  parallel: x += attention(norm1(x)) + mlp(norm2(x)), where
// norm2 is norm1 if mlp_norm is left out.
enum class Residual { sequential, parallel };
// What query_norm and key_norm are applied to, before rotary positions: each head, or all heads as one row (OLMo 2).
enum class HeadNorm { head, projection };

// Where layers differ from each other.
struct LayerPlan {
  int64_t window = 0;    // keys that a row sees, its own included, and as many behind it if not causal; 0: all
  int rotary = 0;        // which of Architecture::rotary; -1: no rotary positions
  bool experts = false;  // a mixture of experts in place of the MLP
};

// A mixture of experts: the router's logits through a softmax, the likeliest `used` experts, their outputs added with
// their probabilities.
struct Experts {
  int count = 0, used = 0;
  int mlp = 0;               // width of an expert
  bool renormalise = false;  // the probabilities of the chosen are divided by their sum
  int shared_mlp = 0;        // width of the shared expert; 0: none
};

// Where float16 and bfloat16 runs round, beyond what all families share (each linear layer, norm, product P.V and
// residual addition once; softmax inside in float32, its probabilities once) and what an Activation says itself.
// Source: `transformers` 5.24, eager attention.
struct RoundingPoints {
  ScoreRounding scores = ScoreRounding::product_then_scale;
  bool norm_before_gain = false;  // RMSNorm rounds before it multiplies by the gain
  bool embedding_scale = false;   // the scale itself is rounded
};

struct Architecture {
  std::string family;         // the field's name: "gpt_neox"
  std::string notebook_name;  // the notebook's word: "pythia"
  int layers = 0;
  int hidden = 0;    // d
  int heads = 0;     // H
  int kv_heads = 0;  // K
  int head_dim = 0;  // d_h
  int mlp = 0;       // width of the MLP
  int vocab = 0;
  int token_types = 0;                 // rows of the token type embedding
  int embedding = 0;                   // width of the token embedding (= hidden but for OPT's word_embed_proj_dim)
  int64_t max_positions = 0;           // trained length
  bool positions_are_limited = false;  // learned positions: longer prompts cannot run
  bool causal = true;                  // false: a token sees those behind it too
  bool ignores_is_causal = false;  // transformers' class has a mask of its own, which the key does not change (GPT-Neo)
  bool predicts_next = true;       // false: an encoder, which has no next token

  NormRef::Kind norm = NormRef::Kind::layer;
  double norm_epsilon = 1e-5;
  double norm_gain_offset = 0;  // gains are stored less this: Gemma's 1
  bool norm_has_gain = true;    // false: OLMo's LayerNorm without weights
  NormPlace norm_place = NormPlace::before;
  HeadNorm head_norm = HeadNorm::head;
  bool head_norm_of_each = false;  // query_norm and key_norm have one tensor a head, "{}" "{}" (StableLM)
  Residual residual = Residual::sequential;
  bool residual_from_norm =
      false;  // BLOOM's apply_residual_connection_post_layernorm: the residual is the norm's output
  bool final_norm = true;
  bool ties_output = false;  // one tensor may stand for both the embedding and the output's weight, under either name

  int64_t first_position_row = 0;    // learned positions: row of position 0 (OPT, RoBERTa: 2)
  int padding_token = -1;            // >= 0: it takes no position, and the row in front of the first (RoBERTa)
  std::vector<Rotary> rotary;        // one, or two that layers choose from; empty: none
  std::vector<double> alibi_slopes;  // (H); empty: no ALiBi
  double alibi_scale = 1;            // see AttentionSpec
  bool alibi_in_bfloat16 = false;
  std::vector<LayerPlan> plan;  // (layers); left empty, all layers are LayerPlan{}

  Activation activation = Activation::gelu;
  double gate_limit = 0;  // > 0: the gate is cut off above it and the up projection beyond it either way (GPT-OSS)
  double up_offset = 0;   // added to the up projection (GPT-OSS: 1)
  Experts experts;

  bool scale_by_layer = false;                      // GPT-2's scale_attn_by_inverse_layer_idx
  double attention_scale = 0;                       // 1 / sqrt(d_h) unless the configuration says otherwise
  double attention_softcap = 0, logit_softcap = 0;  // c tanh(s / c) in place of s; 0: none
  double qkv_limit = 0;                             // > 0: q, k and v are cut off beyond it (OLMo, MPT)
  double embedding_scale = 1, residual_scale = 1, logit_scale = 1;
  RoundingPoints rounding;

  double initializer_range = 0.02;    // standard deviation of weights before training (untrained_twin.h)
  double initial_norm_gain = 1;       // ... and what norms multiply with
  bool initializes_by_depth = false;  // ... divided by sqrt(2 L) where they write the residual stream (GPT-2)

  HeadRows q_rows, k_rows, v_rows;    // in the fused output, or in the separate ones
  std::vector<std::string> notes;     // what a reader of results should know: values assumed, tensors passed over
  std::vector<std::string> prefixes;  // tried in this order in front of each pattern: {"transformer.", ""}
  std::array<std::optional<TensorRef>, static_cast<size_t>(Role::count)> weights;

  std::optional<TensorRef>& operator[](Role role) { return weights[static_cast<size_t>(role)]; }
  const std::optional<TensorRef>& operator[](Role role) const { return weights[static_cast<size_t>(role)]; }
  bool has(Role role) const { return (*this)[role].has_value(); }
  bool is_fused() const { return has(Role::query_key_value); }
  int64_t q_width() const { return int64_t{heads} * head_dim; }
  int64_t kv_width() const { return int64_t{kv_heads} * head_dim; }
  // q, k and v as separate tensors, or fused one after the other, or fused by head as GPT-NeoX and BLOOM store them.
  void split_heads() { q_rows = k_rows = v_rows = {0, head_dim}; }
  void fuse_heads_in_turn() {
    q_rows = {0, head_dim};
    k_rows = {q_width(), head_dim};
    v_rows = {q_width() + kv_width(), head_dim};
  }
  void fuse_by_head() {
    q_rows = {0, 3 * int64_t{head_dim}};
    k_rows = {head_dim, 3 * int64_t{head_dim}};
    v_rows = {2 * int64_t{head_dim}, 3 * int64_t{head_dim}};
  }
  // P_r and P_w of docs/mathematics.md, Gauge: whether the mean is projected out on reading and on writing the residual
  // stream.
  bool reads_centred() const {
    return norm == NormRef::Kind::layer && norm_place == NormPlace::before && has(Role::attention_norm);
  }
  bool writes_centred() const { return norm == NormRef::Kind::layer; }
};

}  // namespace lstar
