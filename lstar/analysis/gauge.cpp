#include "lstar/analysis/gauge.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "lstar/analysis/random.h"
#include "lstar/analysis/statistics.h"

namespace lstar {
namespace {

// Gauges of few prompts; of many, fewer, since their mean moves less.
constexpr size_t kMostGauges = 100, kLeastGauges = 10, kTraces = 2'000;

std::optional<double> mean_l_star(const Estimator& estimator, const Detector& detector, const Observation& seen,
                                  const WeightNorms& norms, std::span<const size_t> prompts) {
  std::vector<double> found, trace(norms.w_v_sq.size());
  for (const size_t prompt : prompts) {
    for (size_t l = 0; l < trace.size(); ++l) trace[l] = estimator.trace(layer_view(seen, norms, prompt, l));
    if (const auto layer = detect_layer(detector, trace)) found.push_back(*layer);
  }
  return found.empty() ? std::nullopt : std::optional(mean(found));
}

}  // namespace

WeightNorms in_random_gauge(const WeightNorms& norms, uint64_t seed) {
  WeightNorms other = norms;
  Random random(seed);
  for (size_t l = 0; l < norms.w_v_head_sq.dim0(); ++l) {
    double before = 0, after = 0;
    for (size_t k = 0; k < norms.w_v_head_sq.dim1(); ++k) {
      const double squared = std::exp2(2 * (2 * random.uniform() - 1));
      before += norms.w_v_head_sq(l, k);
      after += other.w_v_head_sq(l, k) *= squared;
    }
    if (before > 0) other.w_v_sq[l] *= after / before;
  }
  return other;
}

std::optional<GaugeSpread> gauge_spread(const Estimator& estimator, const Detector& detector, const Observation& seen,
                                        const WeightNorms& norms, std::span<const size_t> prompts, uint64_t seed) {
  if (estimator.kind == EstimatorKind::residue && !norms.w_v_cut_sq.empty()) return std::nullopt;
  const auto own = mean_l_star(estimator, detector, seen, norms, prompts);
  if (!own) return std::nullopt;
  GaugeSpread spread{*own, *own, 1};
  if (estimator.gauge == Gauge::free) return spread;
  const size_t gauges = std::clamp(kTraces / std::max<size_t>(1, prompts.size()), kLeastGauges, kMostGauges);
  for (size_t g = 1; g < gauges; ++g) {
    const auto l_star = mean_l_star(estimator, detector, seen, in_random_gauge(norms, seed + g), prompts);
    if (!l_star) continue;
    spread.low = std::min(spread.low, *l_star);
    spread.high = std::max(spread.high, *l_star);
    ++spread.gauges;
  }
  return spread;
}

}  // namespace lstar
