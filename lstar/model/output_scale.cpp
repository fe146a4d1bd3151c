#include "lstar/model/output_scale.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lstar {

void add_output_scales(std::span<const double> lengths, int width, double epsilon, const Batch& batch, int64_t begin,
                       double* sums, int64_t stride) {
  const auto& start = batch.start;
  auto p = static_cast<size_t>(std::upper_bound(start.begin(), start.end(), begin) - start.begin()) - 1;
  int64_t row = begin;
  for (const double length : lengths) {
    while (row >= start[p + 1]) ++p;
    const double square = length * length / width + epsilon;
    double& sum = sums[static_cast<int64_t>(p) * stride];
    // A row that has overflowed becomes NaN in the norm, where 1 / rho^2 would be an innocent 0.
    sum += std::isfinite(square) ? 1 / square : std::numeric_limits<double>::quiet_NaN();
    if (++row == start[p + 1]) sum /= static_cast<double>(batch.length(p));
  }
}

}  // namespace lstar
