// The same model written otherwise (docs/mathematics.md, Gauge): what L* would have been then. Pure; safe from any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "lstar/analysis/detectors.h"
#include "lstar/analysis/estimators.h"

namespace lstar {

// The norms of a model whose KV heads' values are each multiplied by a factor of its own and layer's, 2^u with u
// uniform in [-1, 1], which the output projection takes back: it computes the same. What does not move with them is
// kept.
WeightNorms in_random_gauge(const WeightNorms&, uint64_t seed);

// Between which the mean L* of prompts lies in so many seeded gauges, the model's own among them.
struct GaugeSpread {
  double low = 0, high = 0;
  int gauges = 0;  // 1 for an estimator that no gauge moves
};

// `prompts` are rows of the observation. None where no prompt has an L*, or where the norm that is read is not of a
// known part of W_V (as_written with the notebook's cut).
std::optional<GaugeSpread> gauge_spread(const Estimator&, const Detector&, const Observation&, const WeightNorms&,
                                        std::span<const size_t> prompts, uint64_t seed);

}  // namespace lstar
