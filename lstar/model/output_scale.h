// What a norm behind W_O divides by: 1 / rho^2 of the rows of attention's output, added up for Observation.
#pragma once

#include <cstdint>
#include <span>

#include "lstar/compute/ops.h"

namespace lstar {

// Of rows `begin`, `begin` + 1, ... of a batch, whose L2 norms before the norm behind W_O are `lengths`. Adds each
// row's 1 / rho^2 to its prompt's element, sums + p * stride, rho^2 being the mean square of the row's `width` elements
// and `epsilon`. With a prompt's last row its sum becomes the mean. Rows come in order, so that no cut into chunks
// shows.
void add_output_scales(std::span<const double> lengths, int width, double epsilon, const Batch&, int64_t begin,
                       double* sums, int64_t stride);

}  // namespace lstar
