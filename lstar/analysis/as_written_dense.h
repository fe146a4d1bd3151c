// The notebook's arithmetic on attention matrices that exist as a whole: the reference that streaming statistics and
// the recorded traces are compared with, bit for bit. Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <span>

namespace lstar {

// Sum over i, j of the head mean of `probabilities` (heads, n, n), all in float32: heads added in order and divided by
// their number, then each row left to right, then the rows in order.
float attention_sum_dense(std::span<const float> probabilities, int64_t n, int64_t heads);

// |(attention sum - n) * w_v_sq|, difference and product in double.
double as_written_dense(std::span<const float> probabilities, int64_t n, int64_t heads, float w_v_sq);

}  // namespace lstar
