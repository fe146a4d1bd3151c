#include "lstar/analysis/as_written_dense.h"

#include <cmath>

namespace lstar {

float attention_sum_dense(std::span<const float> probabilities, int64_t n, int64_t heads) {
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

double as_written_dense(std::span<const float> probabilities, int64_t n, int64_t heads, float w_v_sq) {
  const double difference = static_cast<double>(attention_sum_dense(probabilities, n, heads)) - static_cast<double>(n);
  return std::fabs(difference * static_cast<double>(w_v_sq));
}

}  // namespace lstar
