#include "lstar/analysis/association.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "lstar/analysis/distributions.h"

namespace lstar {
namespace {

std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t end = first;
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    for (size_t i = first; i < end; ++i) ranks[order[i]] = static_cast<double>(first + end + 1) / 2;
    first = end;
  }
  return ranks;
}

bool is_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

}  // namespace

std::optional<Correlation> pearson(std::span<const double> x, std::span<const double> y) {
  const size_t n = x.size();
  if (n < 3 || !is_finite(x) || !is_finite(y)) return std::nullopt;
  const auto count = static_cast<double>(n);
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / count,
               mean_y = std::accumulate(y.begin(), y.end(), 0.0) / count;
  double xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < n; ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  if (!(xx > 0) || !(yy > 0)) return std::nullopt;
  const double r = std::clamp(xy / std::sqrt(xx) / std::sqrt(yy), -1.0, 1.0);
  const double degrees = count - 2, left = (1 - r) * (1 + r);
  const double t = left > 0 ? r * std::sqrt(degrees / left) : std::numeric_limits<double>::infinity();
  return Correlation{.r = r, .p = student_t_two_sided(t, degrees)};
}

std::optional<Correlation> spearman(std::span<const double> x, std::span<const double> y) {
  if (!is_finite(x) || !is_finite(y)) return std::nullopt;
  return pearson(ranks_of(x), ranks_of(y));
}

double fisher_exact(const TwoByTwo& table) {
  const int64_t a = table.first_with, b = table.first_without, c = table.second_with, d = table.second_without;
  if (std::min({a, b, c, d}) < 0) return std::numeric_limits<double>::quiet_NaN();
  const int64_t first = a + b, with = a + c, least = std::max<int64_t>(0, with - (c + d)), most = std::min(first, with);
  const double observed = hypergeometric(a, first, with, a + b + c + d);
  constexpr double kSame = 1 + 1e-7;  // the same probability by another order of factors
  double p = 0;
  for (int64_t k = least; k <= most; ++k) {
    const double one = hypergeometric(k, first, with, a + b + c + d);
    if (one <= observed * kSame) p += one;
  }
  return std::min(p, 1.0);
}

}  // namespace lstar
