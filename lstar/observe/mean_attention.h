// Attention of one layer over one prompt, the mean A of its heads, as something to multiply vectors with: nothing of
// size n^2 exists, here or behind it. Includes base/ only; lives for the call that it is handed to.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "lstar/base/result.h"

namespace lstar {

// Of unrounded probabilities, all sums in double and in one order, however many threads there are.
struct MeanAttention {
  bool causal = true;
  std::vector<double> given;     // (tokens): what row i gives to other tokens, sum over j != i of A_ij
  std::vector<double> received;  // (tokens): what the others give to token i, sum over j != i of A_ji
  // y_i = sum over j != i of (A_ij + A_ji) / 2 x_j. Forms A anew, which costs about what the layer's attention costs. x
  // and y: (tokens), no part of each other. From the thread that was called alone. Fails where the pass is ended, and
  // what it fails with is for the caller to hand on.
  std::function<Result<void>(std::span<const double> x, std::span<double> y)> multiply;
};

// Called behind a layer's attention, prompt by prompt, from the thread that runs the pass; `prompt` is its row in the
// Observation. An error ends the pass.
using OnMeanAttention = std::function<Result<void>(int layer, size_t prompt, const MeanAttention&)>;

}  // namespace lstar
