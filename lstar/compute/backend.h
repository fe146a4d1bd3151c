// The arithmetic of a forward pass, behind a few coarse calls a layer. `T` is float (float32, and float16 or bfloat16
// emulated by rounding) or double (float64, and float32 where it is rounded at random). A backend owns its scratch and
// its threads; views are borrowed for the call. One forward pass uses a backend at a time. Includes base/, checkpoint/
// and observe/.
//
// Promise: a row of an output depends on its own prompt alone, to the bit, whatever else is packed beside it and
// however many threads there are.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "lstar/base/array.h"
#include "lstar/base/dtype.h"
#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/compute/ops.h"

namespace lstar {

class WorkerPool;

// Probabilities of one head, as they are before a run rounds them.
template <class T>
struct AttentionRows {
  size_t stream = 0, prompt = 0;
  int head = 0;
  int64_t first_row = 0, first_key = 0;  // counted from the prompt's start
  View<const T> p;                       // (rows, keys): 0 where a row does not see a key
};
template <class T>
using OnAttentionRows = std::function<void(const AttentionRows<T>&)>;

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
  // The probabilities that `attention` would weigh values with, of every head, in blocks of rows and keys that live for
  // the call that they are handed to: memory grows with n. What no row of a block sees is not handed out. Blocks of
  // rows are dealt to `streams` in turn. A stream's blocks come one after the other, on any thread, by row, head and
  // key; streams run side by side. Which block is whose depends on the batch and `streams` alone, so that what each
  // stream adds up, and the streams' sums in their order, do not depend on threads.
  virtual Result<void> attention_rows(const AttentionSpec&, const Batch&, HeadView<const T> q, HeadView<const T> k,
                                      size_t streams, const OnAttentionRows<T>&) = 0;
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

// Backend::description() of this processor's.
std::string cpu_description(Rounding = {});

// 0 threads: as many as the process may use. Rounding at random is of float16 and bfloat16 by float, of float32 by
// double.
template <class T>
std::unique_ptr<Backend<T>> make_cpu_backend(Rounding, int threads);

// On threads that others use too: new ones may take milliseconds to find a free core. Backends that run at the same
// time on one pool wait for each other, call by call.
template <class T>
std::unique_ptr<Backend<T>> make_cpu_backend(Rounding, std::shared_ptr<WorkerPool> pool);

}  // namespace lstar
