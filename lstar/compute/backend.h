// The arithmetic of a forward pass, behind a few coarse calls a layer. `T` is float (float32, and float16 or bfloat16
// emulated by rounding) or double. A backend owns its scratch and its threads; views are borrowed for the call. One
// forward pass uses a backend at a time. Includes base/, checkpoint/ and observe/.
//
// Promise: a row of an output depends on its own prompt alone, to the bit, whatever else is packed beside it and
// however many threads there are.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lstar/base/array.h"
#include "lstar/base/dtype.h"
#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/observe/observation.h"

namespace lstar {

class WorkerPool;

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
};

// A row's part in a sum of rows.
struct RowShare {
  int64_t row = 0;
  double weight = 1;
};

template <class T>
class Backend {
 public:
  virtual ~Backend() = default;

  // y(r) = weight(ids[r]); the rows of a table. Rounded to the run's dtype.
  virtual Result<void> embed(const Checkpoint&, const TensorInfo& table, std::span<const int32_t> ids, View<T> y) = 0;
  // y = x W^T + b, one rounding at the end.
  virtual Result<void> linear(const Checkpoint&, const LinearRef&, View<const T> x, View<T> y) = 0;
  virtual Result<void> norm(const Checkpoint&, const NormRef&, View<const T> x, View<T> y) = 0;
  // Each of `heads` heads, `width` wide, for itself, in place. The gain has `width` elements, or one set a head.
  virtual Result<void> norm_heads(const Checkpoint&, const NormRef&, int heads, int width, HeadView<T> x) = 0;
  // In place; positions (rows) count from each prompt's start.
  virtual void rotate(const RotarySpec&, std::span<const int32_t> positions, HeadView<T> x) = 0;
  // Softmax attention with statistics. Nothing of size n^2 is allocated. out: (rows, heads * head_dim);
  // only the last row of each prompt is written where `last_rows_only` (out then has one row a prompt).
  virtual Result<void> attention(const AttentionSpec&, const Batch&, HeadView<const T> q, HeadView<const T> k,
                                 HeadView<const T> v, bool last_rows_only, View<T> out, const AttentionStats&) = 0;
  virtual void activate(Activation, View<T> x) = 0;
  // x *= y, rounded: the gate of a gated MLP.
  virtual void multiply(View<T> x, View<const T> y) = 0;
  // x += y, rounded once.
  virtual void add(View<T> x, View<const T> y) = 0;
  // y(shares[i].row) += shares[i].weight * x(i), the product rounded, then the sum. No row of y is named twice.
  virtual void add_rows(View<T> y, std::span<const RowShare> shares, View<const T> x) = 0;
  // x *= factor, x += by, and x = min(max(x, low), high), rounded.
  virtual void scale(View<T> x, double factor) = 0;
  virtual void shift(View<T> x, double by) = 0;
  virtual void clamp(View<T> x, double low, double high) = 0;
  // L2 norm of each row, in double.
  virtual void row_norms(View<const T> x, std::span<double> norms) = 0;
  // Gives back the pages of weights that were multiplied with.
  virtual void drop(const Checkpoint&, std::span<const LinearRef* const>) = 0;

  virtual Dtype dtype() const = 0;
  // What computed this, for the result: "Highway AVX3".
  virtual std::string description() const = 0;
};

// 0 threads: as many as the process may use.
template <class T>
std::unique_ptr<Backend<T>> make_cpu_backend(Dtype dtype, int threads);

// On threads that others use too: new ones may take milliseconds to find a free core. Backends that run at the same
// time on one pool wait for each other, call by call.
template <class T>
std::unique_ptr<Backend<T>> make_cpu_backend(Dtype dtype, std::shared_ptr<WorkerPool> pool);

}  // namespace lstar
