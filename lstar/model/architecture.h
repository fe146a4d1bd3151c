// Everything that makes one model family differ from another, as data. Families (lstar/model/families/) fill one
// Architecture from a checkpoint's configuration; forward.cpp reads it and knows no family by name. Reading this header
// and the table of one family tells how any supported model is computed.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "lstar/compute/backend.h"

namespace lstar {

// Every weight of the models we run. L = per layer.
enum class Role {
  token_embedding,     // (vocab, embed)
  position_embedding,  // (positions, hidden), learned
  embedding_norm,      // norm right after the embedding (BLOOM)
  project_in,          // (hidden, embed): OPT's word_embed_proj_dim
  attention_norm,      // L: norm in front of attention (or after it, post-norm)
  query_key_value,     // L: fused; else query, key, value
  query,
  key,
  value,          // L
  attention_out,  // L
  mlp_norm,       // L
  mlp_up,         // L: (mlp, hidden)
  mlp_gate,       // L: the gate of a gated MLP
  mlp_down,       // L: (hidden, mlp)
  final_norm,     // after the last layer
  project_out,    // (embed, hidden)
  output,         // (vocab, embed); absent: the token embedding is used (tied)
  count
};

// Which tensor plays a role. "{}" in a pattern is the layer; ".weight" and ".bias" are not part of it.
struct TensorRef {
  std::string pattern;
  bool transposed = false;    // stored (in, out): GPT-2's Conv1D
  bool bias = false;          // a bias belongs to it and must exist
  int interleaved_heads = 0;  // llama.cpp's row order, see LinearRef
};

// Row i of head h of q, k or v in the projection's output is offset + h * head_stride + i:
// separate tensors {0, d_h}; GPT-2 fused v {2 d, d_h}; GPT-NeoX and BLOOM fused v {2 d_h, 3 d_h}.
struct HeadRows {
  int64_t offset = 0;
  int64_t head_stride = 0;
};

// Where the two norms of a layer sit.
enum class NormPlace { before, after };
// sequential: x += attention(norm(x)); x += mlp(norm(x)).  parallel: x += attention(norm1(x)) + mlp(norm2(x)).
enum class Residual { sequential, parallel };

struct Position {
  enum class Kind { learned, rotary, alibi } kind = Kind::learned;
  int64_t first_row = 0;  // learned: row of position 0 (OPT: 2)
  int rotary_dims = 0;    // rotary: leading dims of each head that rotate
  double rotary_base = 10000;
};

// Where float16 and bfloat16 runs round, beyond what all families share (each linear layer, norm, product P.V and
// residual addition once; softmax inside in float32, its probabilities once) and what an Activation says itself.
// Source: `transformers` 5.24, eager attention.
struct RoundingPoints {
  ScoreRounding scores = ScoreRounding::product_then_scale;
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
  int embedding = 0;                   // width of the token embedding (= hidden but for OPT's word_embed_proj_dim)
  int64_t max_positions = 0;           // trained length
  bool positions_are_limited = false;  // learned positions: longer prompts cannot run

  NormRef::Kind norm = NormRef::Kind::layer;
  double norm_epsilon = 1e-5;
  NormPlace norm_place = NormPlace::before;
  Residual residual = Residual::sequential;
  bool residual_from_norm =
      false;  // BLOOM's apply_residual_connection_post_layernorm: the residual is the norm's output
  bool final_norm = true;
  Position position;
  Activation activation = Activation::gelu;
  bool scale_by_layer = false;  // GPT-2's scale_attn_by_inverse_layer_idx
  double attention_scale = 0;   // 1 / sqrt(d_h) unless the configuration says otherwise
  RoundingPoints rounding;

  HeadRows q_rows, k_rows, v_rows;    // in the fused output, or in the separate ones
  std::vector<std::string> prefixes;  // tried in this order in front of each pattern: {"transformer.", ""}
  std::array<std::optional<TensorRef>, static_cast<size_t>(Role::count)> weights;

  std::optional<TensorRef>& operator[](Role role) { return weights[static_cast<size_t>(role)]; }
  const std::optional<TensorRef>& operator[](Role role) const { return weights[static_cast<size_t>(role)]; }
  bool has(Role role) const { return (*this)[role].has_value(); }
  bool is_gated() const { return has(Role::mlp_gate); }
  bool is_fused() const { return has(Role::query_key_value); }
  // P_r and P_w of MATH.md, Gauge: whether the mean is projected out on reading and on writing the residual stream.
  bool reads_centred() const { return norm == NormRef::Kind::layer && norm_place == NormPlace::before; }
  bool writes_centred() const { return norm == NormRef::Kind::layer; }
};

}  // namespace lstar
