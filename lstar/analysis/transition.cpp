#include "lstar/analysis/transition.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lstar/analysis/random.h"

namespace lstar {
namespace {

struct Split {
  size_t at = 0;
  double r_squared = 0;
};

// The variance between the two parts over the whole variance, for the best of all splits. `t` has mean 0.
Split best_split(std::span<const double> t, double variance) {
  Split best;
  const auto n = static_cast<double>(t.size());
  double before = 0;  // the sum of the first part, and minus that of the second
  for (size_t at = 1; at < t.size(); ++at) {
    before += t[at - 1];
    const auto k = static_cast<double>(at);
    const double r_squared = before * before * (1 / k + 1 / (n - k)) / variance;
    if (r_squared > best.r_squared) best = {at, r_squared};
  }
  return best;
}

}  // namespace

std::optional<Transition> find_transition(std::span<const std::vector<double>> traces, uint64_t seed, int shuffles) {
  if (traces.empty() || traces[0].size() < 3) return std::nullopt;
  std::vector<double> t(traces[0].size());
  for (const std::vector<double>& trace : traces) {
    const double sum = std::accumulate(trace.begin(), trace.end(), 0.0);
    for (size_t l = 0; l < t.size(); ++l) t[l] += trace[l] / sum;
  }
  const double centre = std::accumulate(t.begin(), t.end(), 0.0) / static_cast<double>(t.size());
  double variance = 0;
  for (double& value : t) {
    value -= centre;
    variance += value * value;
  }
  // What rounding leaves of equal values is no variance.
  if (!std::isfinite(variance) || variance <= 1e-24 * centre * centre) return std::nullopt;
  const Split found = best_split(t, variance);
  Random random(seed);
  size_t as_good = 0;
  for (int k = 0; k < shuffles; ++k) {
    random.shuffle(std::span(t));
    as_good += best_split(t, variance).r_squared >= found.r_squared * (1 - 1e-9);
  }
  return Transition{static_cast<int>(found.at), found.r_squared, p_of_draws(as_good, static_cast<size_t>(shuffles))};
}

}  // namespace lstar
