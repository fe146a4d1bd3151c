#include "lstar/analysis/detectors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/core.h>

namespace lstar {
namespace {

using Values = std::span<const double>;

// A difference of two layers, scale * (t_to - t_from): a step, or a slope.
struct Slope {
  size_t from = 0, to = 0;
  double scale = 1;
  double of(Values t) const { return scale * (t[to] - t[from]); }
};

// Floor of a + sign * b: the absolute coefficients of the layers times their floors.
double floor_of_combination(const Slope& a, const Slope& b, double sign, Values floor) {
  if (floor.empty()) return 0;
  std::array<std::pair<size_t, double>, 4> terms{
      {{a.from, -a.scale}, {a.to, a.scale}, {b.from, -sign * b.scale}, {b.to, sign * b.scale}}};
  double sum = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    double coefficient = terms[i].second;
    for (size_t j = i + 1; j < terms.size(); ++j)
      if (terms[j].first == terms[i].first) coefficient += std::exchange(terms[j].second, 0.0);
    sum += std::fabs(coefficient) * floor[terms[i].first];
  }
  return sum;
}

// Whether |winner| > |other| whatever the errors inside the floors: both winner - other and winner + other must keep
// the winner's sign. (For errors smaller than the steps the one in which the steps' own sizes are subtracted decides.)
bool beats(const Slope& winner, const Slope& other, Values t, Values floor) {
  const double sign = winner.of(t) < 0 ? -1 : 1;
  for (const double s : {-1.0, 1.0})
    if (!(sign * (winner.of(t) + s * other.of(t)) > floor_of_combination(winner, other, s, floor))) return false;
  return true;
}

// numpy.argmax: the first of the largest, or the first NaN.
template <class Value>
size_t argmax(size_t count, Value value) {
  size_t best = 0;
  for (size_t i = 0; i < count; ++i) {
    if (std::isnan(value(i))) return i;
    if (value(i) > value(best)) best = i;
  }
  return best;
}

// The slope of largest size, and whether that is certain. The caller turns its index into a layer.
Detection largest(std::span<const Slope> slopes, Values t, Values floor, std::string_view rule, int offset) {
  const auto size = [&](size_t i) { return std::fabs(slopes[i].of(t)); };
  const size_t winner = argmax(slopes.size(), size);
  Detection found{.layer = static_cast<int>(winner) + offset, .rule = std::string(rule), .resolved = true};
  double runner_up = 0;
  for (size_t i = 0; i < slopes.size(); ++i) {
    if (i == winner) continue;
    runner_up = std::max(runner_up, size(i));
    if (!beats(slopes[winner], slopes[i], t, floor)) found.resolved = false;
  }
  if (!found.resolved)
    found.reason = runner_up == size(winner)
                       ? "the largest step is tied"
                       : "the largest step does not beat the others by more than the rounding floor";
  found.margin = size(winner) > 0 ? 1 - runner_up / size(winner) : 0;
  return found;
}

Detection argmax_step(Values t, Values floor) {
  if (t.size() == 1) return {.layer = 0, .rule = "argmax_step", .reason = "one layer has no steps"};
  std::vector<Slope> steps;
  steps.reserve(t.size());
  for (size_t i = 0; i + 1 < t.size(); ++i) steps.push_back({i, i + 1});
  return largest(steps, t, floor, "argmax_step", 1);
}

// numpy.gradient at unit spacing.
Detection central_difference(Values t, Values floor) {
  const size_t layers = t.size();
  if (layers == 1) return {.rule = "central_difference", .reason = "one layer has no slope"};
  std::vector<Slope> slopes;
  slopes.reserve(layers);
  for (size_t i = 0; i < layers; ++i) {
    if (i == 0)
      slopes.push_back({0, 1});
    else if (i + 1 == layers)
      slopes.push_back({i - 1, i});
    else
      slopes.push_back({i - 1, i + 1, 0.5});
  }
  return largest(slopes, t, floor, "central_difference", 0);
}

Detection sign_change(Values t, Values floor) {
  const size_t layers = t.size();
  if (layers < 3)
    return {.layer = static_cast<int>(layers / 2), .rule = "fallback", .reason = "fewer than three layers"};
  const auto step = [&](size_t i) { return t[i + 1] - t[i]; };
  const auto step_floor = [&](size_t i) { return floor.empty() ? 0 : floor[i] + floor[i + 1]; };
  // Whether no sign among steps 0 .. last can flip.
  const auto signs_hold = [&](size_t last) {
    for (size_t i = 0; i <= last; ++i)
      if (!(std::fabs(step(i)) > step_floor(i))) return false;
    return true;
  };
  const auto answer = [](size_t layer, std::string rule, bool resolved) {
    return Detection{.layer = static_cast<int>(layer),
                     .rule = std::move(rule),
                     .resolved = resolved,
                     .reason = resolved ? "" : "the sign of a step can flip within the rounding floor"};
  };

  const size_t steps = layers - 1;
  for (size_t i = 0; i + 1 < steps; ++i)
    if (step(i) > 0 && step(i + 1) < 0) return answer(i + 1, "sign_change", signs_hold(i + 1));

  const size_t peak = argmax(layers, [&](size_t i) { return t[i]; });
  if (peak >= 1 && peak + 1 < layers) return answer(peak, "peak", signs_hold(steps - 1));

  const auto size = [&](size_t i) { return std::fabs(step(i)); };
  const double half = 0.5 * size(argmax(steps, size));
  std::optional<size_t> last;
  double widest_floor = 0;
  for (size_t i = 0; i < steps; ++i) {
    if (size(i) >= half) last = i;
    widest_floor = std::max(widest_floor, step_floor(i));
  }
  if (!last) return {.rule = "gradient_drop", .reason = "no step is comparable: NaN in the trace"};
  // Neither a sign nor the side of the threshold on which the last steps lie may change.
  bool resolved = signs_hold(steps - 1);
  for (size_t i = *last; i < steps; ++i)
    resolved = resolved && std::fabs(size(i) - half) > step_floor(i) + 0.5 * widest_floor;
  Detection found = answer(*last + 1, "gradient_drop", resolved);
  if (!resolved) found.reason = "a step can cross a threshold within the rounding floor";
  return found;
}

constexpr std::array<Detector, 3> kDetectors{{
    {"argmax_step", "layer after the largest absolute step", argmax_step},
    {"sign_change", "first layer at which the trace turns from rising to falling", sign_change},
    {"central_difference", "layer of the largest absolute slope, differences central inside and one-sided at the ends",
     central_difference},
}};

// Why no layer of a finite trace is one at which it changes most; empty where there may be one. Two layers that differ
// have a change, if nothing to hold it against.
std::string_view why_no_layer(Values t) {
  if (t.size() == 1) return "one layer has no steps";
  if (std::all_of(t.begin(), t.end(), [](double value) { return value == 0; }))
    return "the trace is zero in every layer";
  if (t.size() == 2) return t[0] == t[1] ? "the trace does not change" : "";
  for (size_t i = 1; i + 1 < t.size(); ++i)
    if (t[i + 1] - t[i] != t[1] - t[0]) return "";
  return "all steps are equal";
}

}  // namespace

std::span<const Detector> detectors() { return kDetectors; }

const Detector* find_detector(std::string_view name) {
  const auto* found = std::find_if(kDetectors.begin(), kDetectors.end(), [&](const auto& d) { return d.name == name; });
  return found == kDetectors.end() ? nullptr : found;
}

Detection detect(const Detector& detector, Values trace, Values floor, NanPolicy policy) {
  if (trace.empty()) return {.rule = std::string(detector.name), .reason = "no layers"};
  if (floor.size() != trace.size()) floor = {};

  const auto broken = std::find_if(trace.begin(), trace.end(), [](double t) { return !std::isfinite(t); });
  std::string broken_reason;
  if (broken != trace.end())
    broken_reason =
        fmt::format("{} from layer {} on", std::isnan(*broken) ? "NaN" : "infinite", broken - trace.begin());
  if (broken != trace.end() && policy == NanPolicy::report)
    return {.rule = std::string(detector.name),
            .reason = broken_reason,
            .broken_from = static_cast<int>(broken - trace.begin())};
  const std::string_view nowhere = broken == trace.end() ? why_no_layer(trace) : "";
  if (!nowhere.empty() && policy == NanPolicy::report)
    return {.rule = std::string(detector.name), .reason = std::string(nowhere)};

  Detection found = detector.find(trace, floor);
  if (broken != trace.end()) {
    found.resolved = false;
    found.margin.reset();
    found.reason = found.layer ? broken_reason : found.reason + "; " + broken_reason;
    found.broken_from = static_cast<int>(broken - trace.begin());
  } else if (!nowhere.empty() || trace.size() == 2) {
    found.resolved = false;
    found.reason = nowhere.empty() ? "two layers have one step" : nowhere;
  }
  return found;
}

std::optional<int> detect_layer(const Detector& detector, Values trace) {
  const bool is_whole = std::all_of(trace.begin(), trace.end(), [](double t) { return std::isfinite(t); });
  if (trace.empty() || !is_whole || !why_no_layer(trace).empty()) return std::nullopt;
  if (detector.find != argmax_step) return detector.find(trace, {}).layer;
  // Without the runner-up and the margin: a twentieth of a study's instructions.
  const auto size = [&](size_t i) { return std::fabs(trace[i + 1] - trace[i]); };
  return static_cast<int>(argmax(trace.size() - 1, size)) + 1;
}

std::vector<Detection> detect_all(Values trace, Values floor, NanPolicy policy) {
  std::vector<Detection> found;
  for (const Detector& detector : kDetectors) found.push_back(detect(detector, trace, floor, policy));
  return found;
}

}  // namespace lstar
