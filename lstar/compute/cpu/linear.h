// y = x W^T + b with weights that are read from the checkpoint block by block: kLinearColumns output columns are one
// task, whose weights are widened, rounded to the run's dtype, packed into panels and multiplied. A transposed weight,
// whose columns a checkpoint cannot read alone, is read whole. No more than that is ever in memory.
#pragma once

#include <vector>

#include "lstar/base/worker_pool.h"
#include "lstar/compute/backend.h"
#include "lstar/compute/cpu/scratch.h"

namespace lstar {

inline constexpr int64_t kLinearColumns = 64;

template <class T>
class Linear {
 public:
  Linear(Dtype dtype, WorkerPool& pool) : dtype_(dtype), pool_(pool), workers_(pool.threads()) {}
  Result<void> operator()(const Checkpoint&, const LinearRef&, View<const T> x, View<T> y);

 private:
  struct Worker {
    Scratch<T> weights, panels, sums;
  };
  Result<void> read_transposed(const Checkpoint&, const TensorInfo&);

  Dtype dtype_;
  WorkerPool& pool_;
  std::vector<Worker> workers_;
  Scratch<T> transposed_, bias_;
};

}  // namespace lstar
