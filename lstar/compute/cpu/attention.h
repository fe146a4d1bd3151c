// Softmax attention with exact statistics. One task is a block of kQueryBlock query rows of one prompt, head after
// head: the scores of one head's block with all keys that it sees exist at a time, so memory grows with the number of
// tokens and not with its square. A row sees one run of keys that holds its own: all before it, a window of them, the
// whole prompt, or a window to both sides.
//
// Of each row i the maximum m of its scores is found first; then the sums, over the other keys j, of e^(s_j - m) and
// over all keys of e^(s_j - m) (m - s_j), and its own weight e^(s_i - m) apart. With Z their total, a sink's weight
// included, the diagonal, the off-diagonal mass (never a difference: 0 exactly for a row that sees itself alone) and
// the entropy (sum p) ln Z + sum p (m - s) follow, all of non-negative terms. Last, every weight is divided by Z and
// rounded, as `transformers` does it, and multiplied with its value: the bits of what a layer writes do not depend on
// which statistics are wanted.
//
// The heads' overlap needs the probabilities of all heads at once: where it is wanted they are kept, unrounded, until
// the last head has its own, and then every two heads' are multiplied with each other (overlap-inl.h). That memory is
// bounded by taking fewer rows through all heads at a time; each row's numbers are the same.
//
// Who asks for the probabilities themselves (Backend::attention_rows) gets them from the same scores and sums, a block
// and head at a time, and neither values nor outputs are touched.
//
// rounded_sum in float32: at each (i, j) the heads' rounded probabilities are added in the order of the heads and
// divided by H; the keys of a row are then added from left to right, and the rows from first to last.
#pragma once

#include <functional>
#include <vector>

#include "lstar/base/worker_pool.h"
#include "lstar/compute/backend.h"
#include "lstar/compute/cpu/scratch.h"
#include "lstar/observe/observation.h"

namespace lstar {

inline constexpr int64_t kQueryBlock = 96;  // a multiple of every register block's height
inline constexpr int64_t kKeyBlock = 256;   // a multiple of every panel's width
static_assert(kKeyBlock <= kLargestKeyBlock, "the summation floors count on it");

// Rows of a block that go through the heads together where probabilities are kept, of `keys` keys: kQueryBlock, or a
// part of it that is a multiple of every register block's height.
int64_t rows_together(int heads, int64_t keys, int64_t element_bytes);

// What a row of one head knows after the keys it has seen.
template <class T>
struct RowState {
  T largest;        // m
  double own;       // e^(s_i - m)
  double others;    // sum over j != i of e^(s_j - m)
  double distance;  // sum over all j of e^(s_j - m) (m - s_j)
};

// One block of query rows. Heads of q, k and v are packed dense by then.
template <class T>
struct AttentionBlock {
  const AttentionSpec* spec = nullptr;
  Rounding rounding;
  HeadView<const T> q;        // of the whole batch
  int64_t first_row = 0;      // of the prompt, in q
  int64_t length = 0;         // of the prompt
  int64_t begin = 0;          // the block's first row in the prompt
  int64_t rows = 0;           // at most kQueryBlock
  const T* keys = nullptr;    // (kv_heads) of panels (panel, head_dim, width) of this prompt
  const T* values = nullptr;  // (kv_heads) of (keys, value_stride)
  int64_t keys_head_stride = 0, values_head_stride = 0;
  View<T> out;            // (rows, heads * head_dim): where the rows from `first_out` on are written
  int64_t first_out = 0;  // rows of the block before it are not written; `rows` for none
  bool wants_entropy = false;
  double* diagonal = nullptr;      // (heads): the block's rows are added to it, and to the others
  double* off_diagonal = nullptr;  // (heads)
  double* entropy = nullptr;       // (heads)
  float* rounded_rows = nullptr;   // (rows): sums of the mean rounded probabilities; null if not wanted
  double* overlap = nullptr;       // (pairs of heads); null if not wanted
  // Scratch. A key block: kKeyBlock keys, the first of them a multiple of it.
  T* queries = nullptr;          // (kQueryBlock, head_dim)
  T* scores = nullptr;           // (key blocks, kQueryBlock, kKeyBlock)
  T* sums = nullptr;             // (kQueryBlock, value_stride): P V of a head
  float* mean = nullptr;         // as scores: of the heads' probabilities; null if not wanted
  RowState<T>* state = nullptr;  // (kQueryBlock): of a head
  T* kept = nullptr;             // (heads, key blocks, rows, kKeyBlock): probabilities, 0 on the diagonal
  int64_t kept_stride = 0;       // between heads
  // Instead of all that is written and summed: gets each head's unrounded probabilities of some keys, the first of them
  // counted from the prompt's start, 0 where a row does not see one. Null if not wanted.
  const std::function<void(int head, int64_t first_key, View<const T> p)>* on_head = nullptr;
};

// The functions for the best instruction set that the processor has, which the packed layouts depend on too.
template <class T>
struct AttentionKernels {
  int64_t panel_width;                        // keys of a panel
  int64_t (*value_stride)(int64_t head_dim);  // between packed rows of values
  // Packs `rows` keys or values of one head, which start at `from`.
  void (*pack_keys)(const T* from, int64_t stride, int64_t rows, int64_t head_dim, T* to);
  void (*pack_values)(const T* from, int64_t stride, int64_t rows, int64_t head_dim, T* to);
  void (*run)(const AttentionBlock<T>&);
};
template <class T>
AttentionKernels<T> attention_kernels();

template <class T>
class Attention {
 public:
  Attention(Rounding rounding, WorkerPool& pool) : rounding_(rounding), pool_(pool), workers_(pool.threads()) {}
  Result<void> operator()(const AttentionSpec&, const Batch&, HeadView<const T> q, HeadView<const T> k,
                          HeadView<const T> v, bool last_rows_only, View<T> out, const AttentionStats&);
  // Backend::attention_rows.
  Result<void> rows(const AttentionSpec&, const Batch&, HeadView<const T> q, HeadView<const T> k, size_t streams,
                    const OnAttentionRows<T>&);

 private:
  struct Worker {
    Scratch<T> queries, scores, sums, kept;
    Scratch<float> mean;
    Scratch<RowState<T>> state;
  };
  struct Task {
    size_t prompt = 0;
    int64_t begin = 0, end = 0;  // rows in the prompt
  };
  // Without values where v is null.
  void pack(const AttentionSpec&, const Batch&, HeadView<const T> k, const HeadView<const T>* v);
  // What a block of rows of this prompt needs whatever is asked of it, with the worker's scratch.
  AttentionBlock<T> block_of(const AttentionSpec&, const Batch&, HeadView<const T> q, size_t prompt, Worker&);
  void reduce(const AttentionSpec&, const Batch&, const AttentionStats&) const;

  Rounding rounding_;
  WorkerPool& pool_;
  std::vector<Worker> workers_;
  std::vector<Task> tasks_;          // by prompt, then by row
  std::vector<int64_t> key_start_;   // (prompts + 1): a prompt's first key in the packed arrays, whole panels each
  Scratch<T> keys_, values_;         // (kv_heads, packed keys, head_dim), (kv_heads, packed keys, value_stride)
  std::vector<double> block_sums_;   // (tasks, 3, heads)
  std::vector<float> rounded_rows_;  // (rows of the batch)
  std::vector<double> overlaps_;     // (tasks, pairs of heads)
  const AttentionKernels<T> kernels_ = attention_kernels<T>();
};

}  // namespace lstar
