// A layer's attention as something to multiply with (observe/mean_attention.h): rows of probabilities are formed anew
// from the layer's queries and keys for each product, and forgotten. Memory grows with n.
#pragma once

#include <cstddef>
#include <functional>

#include "lstar/compute/backend.h"
#include "lstar/observe/mean_attention.h"

namespace lstar {

// Hands each prompt of the batch to `on_mean_attention`, the first as prompt `first_prompt`. `go_on` is asked before
// every product and every prompt; its error is the product's.
template <class T>
Result<void> show_mean_attention(Backend<T>&, const AttentionSpec&, const Batch&, HeadView<const T> q,
                                 HeadView<const T> k, int layer, size_t first_prompt,
                                 const std::function<Result<void>()>& go_on, const OnMeanAttention& on_mean_attention);

}  // namespace lstar
