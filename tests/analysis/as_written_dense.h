// The notebook's arithmetic on attention matrices that exist as a whole: what streaming statistics and the recorded
// traces are compared with, bit for bit.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

namespace lstar::testing {

// Sum over i, j of the head mean of `probabilities` (heads, n, n), all in float32: heads added in order and divided by
// their number, then each row left to right, then the rows in order.
inline float attention_sum_dense(std::span<const float> probabilities, int64_t n, int64_t heads) {
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    float row = 0;
    for (int64_t j = 0; j < n; ++j) {
      float entry = 0;
      for (int64_t h = 0; h < heads; ++h) entry += probabilities[static_cast<size_t>((h * n + i) * n + j)];
      row += entry / static_cast<float>(heads);
    }
    sum += row;
  }
  return sum;
}

// |(attention sum - n) * w_v_sq|, difference and product in double.
inline double as_written_dense(std::span<const float> probabilities, int64_t n, int64_t heads, float w_v_sq) {
  const double difference = static_cast<double>(attention_sum_dense(probabilities, n, heads)) - static_cast<double>(n);
  return std::fabs(difference * static_cast<double>(w_v_sq));
}

}  // namespace lstar::testing
