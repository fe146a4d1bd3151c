#include "lstar/report/json/series_json.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "lstar/report/json/chance_json.h"

namespace lstar {
namespace {

// Why there is no mean over layers; null where there is one.
JsonValue reason_of(const LayerSeries& series, const char* not_measured) {
  if (series.mean) return nullptr;
  if (series.by_layer.empty()) return not_measured;
  const auto broken =
      std::find_if(series.by_layer.begin(), series.by_layer.end(), [](double v) { return !std::isfinite(v); });
  if (broken == series.by_layer.end()) return "too large for a mean";
  return fmt::format("not finite in layer {}", broken - series.by_layer.begin());
}

JsonValue layers_json(const LayerSeries& series, const char* not_measured) {
  return {{"by_layer", series.by_layer.empty() ? JsonValue(nullptr) : json_array(series.by_layer)},
          {"mean", json_value(series.mean)},
          {"reason", reason_of(series, not_measured)}};
}

bool holds(const std::optional<Coefficient>& coefficient, double value) {
  return coefficient->interval && coefficient->interval->low <= value && value <= coefficient->interval->high;
}

JsonValue bound_json(const GainBound& bound) {
  const auto value = [](const std::optional<Coefficient>& of) {
    return json_value(of ? std::optional(of->value) : std::nullopt);
  };
  const auto interval = [](const std::optional<Coefficient>& of) {
    return json_interval(of ? of->interval : std::nullopt);
  };
  return {{"n", bound.models},
          {"above", bound.above},
          {"n_with_interval", bound.with_interval},
          {"above_by_interval", bound.above_by_interval},
          {"slope", value(bound.slope)},
          {"slope_interval", interval(bound.slope)},
          {"slope_may_be_1", bound.slope ? JsonValue(holds(bound.slope, 1)) : JsonValue(nullptr)},
          {"intercept", value(bound.intercept)},
          {"intercept_interval", interval(bound.intercept)},
          {"intercept_may_be_0", bound.intercept ? JsonValue(holds(bound.intercept, 0)) : JsonValue(nullptr)},
          {"r_squared", json_value(bound.r_squared)},
          {"reason", json_or_null(bound.reason)}};
}

}  // namespace

JsonValue series_json(const ModelSeries& s, int layers, bool spectral) {
  constexpr const char *kKeptWithout = "not measured of every prompt: an earlier version kept them",
                       *kNoNorms = "not measured";
  const char* no_values = spectral ? kNoNorms : "not asked for: --spectral";
  JsonValue greatest = nullptr;
  if (s.greatest_gain_layer) {
    const double gain = s.residual_gain.by_layer[static_cast<size_t>(*s.greatest_gain_layer)];
    greatest = {{"layer", *s.greatest_gain_layer}, {"gain", gain}, {"bound", greatest_gain(layers)}};
  }
  return {{"attention_entropy", layers_json(s.attention_entropy, kKeptWithout)},
          {"w_v_frobenius", layers_json(s.w_v_frobenius, kNoNorms)},
          {"w_o_frobenius", layers_json(s.w_o_frobenius, kNoNorms)},
          {"w_v_over_w_o", layers_json(s.w_v_over_w_o, kNoNorms)},
          {"w_v_spectral", layers_json(s.w_v_spectral, no_values)},
          {"w_o_spectral", layers_json(s.w_o_spectral, no_values)},
          {"greatest_gain", std::move(greatest)}};
}

JsonValue lab_series_json(const StudySeries& series) {
  JsonValue labs = JsonValue::array();
  for (const LabSeries& lab : series.labs) {
    JsonValue one{{"lab", lab.lab}, {"n", lab.models}};
    for (size_t i = 0; i < lab.means.size(); ++i) one[kSeriesMeans[i].name] = json_value(lab.means[i]);
    labs.push_back(std::move(one));
  }
  return labs;
}

JsonValue gain_bound_json(const StudySeries& series) {
  return {{"of_gain", bound_json(series.of_gain)}, {"of_greatest_layer", bound_json(series.of_greatest_layer)}};
}

}  // namespace lstar
