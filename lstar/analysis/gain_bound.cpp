#include "lstar/analysis/gain_bound.h"

#include <cmath>
#include <set>
#include <vector>

#include <fmt/core.h>

namespace lstar {

double greatest_gain(int layers) { return std::pow(10, 1.0 / layers); }

GainBound gain_bound(std::span<const GainPoint> points) {
  constexpr size_t kFewestDepths = 3;
  GainBound bound;
  std::set<int> depths;
  std::vector<std::vector<double>> design;
  std::vector<double> logs;
  for (const GainPoint& point : points) {
    if (point.layers < 1 || !std::isfinite(point.gain) || point.gain <= 0) continue;
    const double most = greatest_gain(point.layers);
    ++bound.models;
    bound.above += point.gain > most;
    bound.with_interval += point.interval.has_value();
    bound.above_by_interval += point.interval && point.interval->low > most;
    depths.insert(point.layers);
    design.push_back({1, 1.0 / point.layers});
    logs.push_back(std::log10(point.gain));
  }
  if (depths.size() < kFewestDepths) {
    bound.reason =
        fmt::format("not identified: {} {} of {} different {}, and a line needs three depths", bound.models,
                    bound.models == 1 ? "model" : "models", depths.size(), depths.size() == 1 ? "depth" : "depths");
    return bound;
  }
  const LinearFit fit = fit_linear(design, logs);
  if (!fit.identified()) {
    bound.reason = "not identified: the depths lie too close";
    return bound;
  }
  bound.intercept = fit.coefficients[0];
  bound.slope = fit.coefficients[1];
  bound.r_squared = fit.r_squared;
  return bound;
}

}  // namespace lstar
