// Detectors of L*: at which layer does a trace t_0 ... t_{L-1} change most? Pure; safe from any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lstar {

// Where a trace has no L*: a NaN in it, one layer, zero in every layer, steps that are all equal. `report` gives none
// and says why. `propagate` answers as numpy does, for audits: argmax takes the first of equals and the first NaN, a
// comparison with NaN is false.
enum class NanPolicy { report, propagate };

struct Detection {
  std::optional<int> layer;  // L*
  std::string rule;          // which rule gave it: the detector's name, or sign_change's peak, gradient_drop, fallback
  bool resolved = false;     // no rounding within the floors could move L*
  std::string reason;        // why there is no L*, or why it is not resolved
  std::optional<double> margin;    // 1 - runner-up step / winning step; none for sign_change, which has no runner-up
  std::optional<int> broken_from;  // first layer whose trace is not finite
};

struct Detector {
  std::string_view name;
  std::string_view description;
  Detection (*find)(std::span<const double> trace, std::span<const double> floor);  // called through detect()
};

// argmax_step, sign_change, central_difference.
std::span<const Detector> detectors();
const Detector* find_detector(std::string_view name);  // null if there is none of this name

// L* of a trace. `floor` (layers) bounds the rounding error of each value; without it (empty, or of another length)
// only exact ties leave L* unresolved.
//
// argmax_step and central_difference are resolved where the winning step beats every other by more than the floor of
// their difference. That difference is a linear combination sum c_i t_i of at most four layers, so its floor is
// sum |c_i| f_i; a layer that both steps share enters once, with coefficients added or cancelled. sign_change is
// resolved where every step up to the pair that fired is larger than the floors of its two ends, so no sign can flip.
// Two layers have one step, which beats no other: their L* is never resolved.
Detection detect(const Detector&, std::span<const double> trace, std::span<const double> floor,
                 NanPolicy = NanPolicy::report);

// detect(detector, trace, {}).layer, for those who ask it thousands of times.
std::optional<int> detect_layer(const Detector&, std::span<const double> trace);

// By every detector, in the order of detectors().
std::vector<Detection> detect_all(std::span<const double> trace, std::span<const double> floor,
                                  NanPolicy = NanPolicy::report);

}  // namespace lstar
