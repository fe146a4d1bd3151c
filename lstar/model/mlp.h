// What a layer does to each token for itself: a plain or gated MLP, or a mixture of experts. Works on a chunk of rows
// at a time; owns its scratch, which grows to the largest chunk.
#pragma once

#include "lstar/architecture/weights.h"
#include "lstar/compute/backend.h"

namespace lstar {

template <class T>
class Mlp {
 public:
  // `rows`: the largest chunk.
  Mlp(const Architecture&, const Checkpoint&, Backend<T>&, int64_t rows);

  // out = MLP(in) for the layer's MLP or experts; in, out: (rows, hidden). `in` and `out` must not overlap.
  Result<void> run(const LayerWeights&, View<const T> in, View<T> out);

 private:
  Result<void> run_mlp(const MlpWeights&, int64_t width, View<const T> in, View<T> out);
  Result<void> run_experts(const ExpertWeights&, View<const T> in, View<T> out);
  Result<std::vector<std::vector<RowShare>>> route(const LinearRef& router, View<const T> in);

  const Architecture& a_;
  const Checkpoint& c_;
  Backend<T>& backend_;
  Matrix<T> up_, gate_;       // (rows, the widest MLP)
  Matrix<T> both_;            // (rows, twice that): gate and up in turn
  Matrix<T> gathered_, one_;  // (rows, hidden): an expert's input and output
  Matrix<T> logits_;          // (rows, experts)
};

}  // namespace lstar
