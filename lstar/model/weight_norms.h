// Norms of the attention weights, layer by layer: what the estimators multiply attention with. Needs no prompt.
#pragma once

#include <functional>

#include "lstar/architecture/head_layout.h"
#include "lstar/architecture/weights.h"
#include "lstar/base/dtype.h"
#include "lstar/base/steps.h"
#include "lstar/base/worker_pool.h"
#include "lstar/observe/weight_norms.h"

namespace lstar {

struct NormOptions {
  Dtype dtype = Dtype::float32;  // float16, bfloat16: weights are rounded to it first, as loading in it would
  HeadLayout head_layout = HeadLayout::actual;  // of w_v_cut_sq; all others are of the real W_V
  bool spectral = false;                        // also the largest singular values
  bool products = false;                        // also ov_products, which takes d^3 multiply-adds a layer
  Steps* steps = nullptr;                       // hears of layers, as the caller's thread ends its own; may be null
};

// Sums are formed in double; where ov_products are, a layer's W_O and W_V are held in double. ov_sq is tr(G_V G_O) with
// d_h x d_h Gram matrices (docs/mathematics.md, Gauge), so no d x d matrix is formed. One layer is in memory a worker.
// `beside`, where given, is one more piece of work for the pool, taken first; if it fails no more layers are taken, and
// its error is returned.
Result<WeightNorms> weight_norms(const Model&, const NormOptions&, WorkerPool&,
                                 const std::function<Result<void>()>& beside = {});

// An error that names the first weight that is NaN or infinite; used to explain a broken trace. Reads every weight.
Result<void> check_finite(const Model&);

}  // namespace lstar
