// What a backend is told: the operations' operands and their parameters as plain data. Refers to tensors of a
// checkpoint and owns none. Includes base/ only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lstar/base/array.h"

namespace lstar {

struct TensorInfo;

// Packed prompts: prompt p owns rows start[p] .. start[p+1].
struct Batch {
  std::vector<int32_t> ids;
  std::vector<int64_t> start{0};  // (prompts + 1)
  size_t prompts() const { return start.size() - 1; }
  int64_t length(size_t p) const { return start[p + 1] - start[p]; }
  int64_t rows() const { return start.back(); }
};

// y = x W^T + b as the checkpoint stores it.
struct LinearRef {
  const TensorInfo* weight = nullptr;
  const TensorInfo* bias = nullptr;  // null where there is none
  bool transposed = false;           // stored (in, out), as GPT-2's Conv1D, instead of (out, in)
  int interleaved_heads =
      0;  // > 0: llama.cpp's row order of Q and K (halves of each of this many heads interleaved), undone on reading
  int64_t in = 0, out = 0;
  // The rows of the stored tensor and of its bias that are this layer's start here: > 0 where several layers are stored
  // as one (a fused gate and up projection, the experts of a mixture).
  int64_t first_row = 0, first_bias = 0;
};

struct NormRef {
  enum class Kind { layer, rms } kind = Kind::layer;
  const TensorInfo* gain = nullptr;  // null: 1
  const TensorInfo* bias = nullptr;  // null: 0
  double epsilon = 1e-5;
  double gain_offset = 0;           // added to the stored gain: Gemma's 1
  bool rounds_before_gain = false;  // float16, bfloat16: round once more, before the gain (Llama's RMSNorm)
};

// gelu: exact, by erf. gelu_tanh: the tanh form in one step. gelu_new, gelu_bloom: the same form written out in
// `transformers`, which a float16 or bfloat16 run rounds after every operation. gelu_quick: x sigmoid(1.702 x).
enum class Activation { relu, relu_squared, gelu, gelu_tanh, gelu_new, gelu_bloom, gelu_quick, silu };

// Where the heads of q, k or v sit in a row of a projection's output: element i of head h is at at(h) + i.
// Separate tensors {0, d_h}; GPT-2's fused v {2 d, d_h}; GPT-NeoX's and BLOOM's {2 d_h, 3 d_h}. Heads may come in
// groups of `group`, `group_stride` apart: with g query heads a key head, Falcon's q {0, d_h, g, (g + 2) d_h}.
struct HeadRows {
  int64_t offset = 0;
  int64_t head_stride = 0;
  int64_t group = 0;  // 0: no groups
  int64_t group_stride = 0;
  int64_t at(int64_t head) const {
    return group > 0 ? offset + head / group * group_stride + head % group * head_stride : offset + head * head_stride;
  }
  bool operator==(const HeadRows&) const = default;
};

template <class T>
struct HeadView {
  View<T> rows;
  HeadRows heads;
};

// Where a run in float16 or bfloat16 rounds between the product q.k and the softmax (docs/mathematics.md has the
// table).
enum class ScoreRounding {
  product_then_scale,  // r(r(q.k) * scale)
  query_first,         // r(r(q * scale) . k)
  once,                // r(scale * q.k + r(alibi))
  none,                // scores stay in float32
};

struct AttentionSpec {
  int heads = 0, kv_heads = 0, head_dim = 0;
  double scale = 1;  // 1 / sqrt(head_dim), and GPT-2's optional 1 / (layer + 1)
  ScoreRounding rounding = ScoreRounding::product_then_scale;
  std::vector<double> alibi_slopes;  // (heads): adds slope * key position; empty for none
  double alibi_scale = 1;            // ... times this: Falcon adds before it scales
  bool alibi_in_bfloat16 = false;    // slope * position is rounded to bfloat16 whatever the run's dtype (Falcon)
  bool causal = true;                // false: a row sees the keys behind its own too
  int64_t window = 0;                // > 0: keys that a row sees, its own included; as many behind it if not causal
  double softcap = 0;                // > 0: c tanh(s / c) enters the softmax instead of s (Gemma 2)
  std::vector<double> sinks;         // (heads): a score without key and value that joins every row's softmax; empty for
                                     // none. What goes to it is missing from the row's probabilities (GPT-OSS)
};

struct RotarySpec {
  int heads = 0;
  int dims = 0;                     // leading dims of a head that are rotated
  bool interleaved = false;         // pairs are (2i, 2i + 1) instead of (i, i + dims / 2)
  std::vector<double> frequencies;  // (dims / 2): radians a position
  double factor = 1;                // cosines and sines are multiplied with it (YaRN)
};

// What attention reports for one layer: pointers to (prompts, heads) rows of the observation; null where not wanted.
// Element (p, h) is at p * stride + h.
struct AttentionStats {
  double* diagonal = nullptr;
  double* off_diagonal = nullptr;
  double* entropy = nullptr;
  int64_t stride = 0;             // between prompts, of the three above
  double* rounded_sum = nullptr;  // element p is at p * rounded_stride
  int64_t rounded_stride = 0;
  double* overlap = nullptr;  // element (p, pair) is at p * overlap_stride + pair (Observation::overlap)
  int64_t overlap_stride = 0;
};

// A row's part in a sum of rows.
struct RowShare {
  int64_t row = 0;
  double weight = 1;
};

}  // namespace lstar
