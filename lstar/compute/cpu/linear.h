// y = x W^T + b with weights that are read from the checkpoint a few rows at a time, widened, rounded to the run's
// dtype and packed into panels; float16, bfloat16 and quantised blocks that need no rounding are widened on their way.
// Of few rows of x threads share the columns of W: each packs a block of them and multiplies it with all rows. Of many
// they share the rows: a group of columns is packed by all, then each takes rows of its own through the group. A
// transposed weight, whose columns a checkpoint cannot read alone, is packed whole first. No more than that is ever in
// memory.
#pragma once

#include <vector>

#include "lstar/base/worker_pool.h"
#include "lstar/compute/backend.h"
#include "lstar/compute/cpu/elementwise.h"
#include "lstar/compute/cpu/linear_kernel.h"
#include "lstar/compute/cpu/scratch.h"

namespace lstar {

template <class T>
class Linear {
 public:
  Linear(Rounding rounding, WorkerPool& pool) : rounding_(rounding), pool_(pool), workers_(pool.threads()) {}
  Result<void> operator()(const Checkpoint&, const LinearRef&, View<const T> x, View<T> y);

 private:
  struct Worker {
    Scratch<T> x, rows, panels, sums;
  };
  int64_t columns_of_a_task(int64_t out) const;
  int64_t rows_of_a_task(int64_t rows, int64_t in) const;
  Result<void> pack_transposed(const Checkpoint&, const LinearRef&, T* panels);
  Result<void> pack_block(const Checkpoint&, const LinearRef&, RowRange, Worker&, T* panels);
  Result<void> pack_group(const Checkpoint&, const LinearRef&, RowRange, T* panels);
  Result<void> share_columns(const Checkpoint&, const LinearRef&, LinearBlock<T>);
  Result<void> share_rows(const Checkpoint&, const LinearRef&, LinearBlock<T>);

  Rounding rounding_;
  WorkerPool& pool_;
  std::vector<Worker> workers_;
  Scratch<T> panels_, bias_;
  const LinearKernels<T> kernels_ = linear_kernels<T>();
  const ElementwiseKernels<T> elementwise_ = elementwise_kernels<T>();
};

}  // namespace lstar
