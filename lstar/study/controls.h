// Controls: what the same model, or one that never learned anything, says of L* where nothing but one thing is changed.
// Each is a measurement like any other; what it means is evaluated from it (study.h). Plain data.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/dtype.h"
#include "lstar/study/measurement.h"

namespace lstar {

// Which ones a study asks for.
struct ControlWishes {
  std::optional<Dtype> shadow;  // the same prompts computed in this dtype
  int mca = 0;                  // seeds of Monte Carlo arithmetic: the same prompts, rounded at random (Rounding)
  int untrained = 0;            // seeds of untrained twins (architecture/untrained_twin.h) on the same prompts
  std::vector<int> lengths;     // tokens of cuts, with and without a beginning-of-sequence token; ascending
  bool any() const { return shadow || mca > 0 || untrained > 0 || !lengths.empty(); }
  bool operator==(const ControlWishes&) const = default;
};

inline constexpr int kMostSeeds = 10'000, kMostLengths = 64, kLongestCut = 1'000'000;

enum class ControlKind { shadow, untrained, length, mca };

struct Control {
  ControlKind kind = ControlKind::shadow;
  int number = 0;          // the seed, or the tokens
  bool has_begin = false;  // of a length: whether the cut begins with the beginning-of-sequence token
  bool operator==(const Control&) const = default;
};

// One that was measured, or why it was not.
struct ControlMeasurement {
  Control control;
  Result<Measurement> measurement;
};

}  // namespace lstar
