// Gains of several models against the bound that was stated of them, G_max = 10^(1/L): how many lie above it, and the
// line that log10 G follows in 1/L, which the bound would have at slope 1 and intercept 0. Pure; safe from any thread.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "lstar/analysis/intervals.h"
#include "lstar/analysis/linear_fit.h"

namespace lstar {

// 10^(1/L).
double greatest_gain(int layers);

struct GainPoint {
  int layers = 0;
  double gain = 0;                   // a ratio above 0
  std::optional<Interval> interval;  // of the gain; none where it is not known
};

struct GainBound {
  int models = 0;
  int above = 0;                                // whose gain exceeds the bound
  int with_interval = 0;                        // models
  int above_by_interval = 0;                    // of these whose whole interval does
  std::optional<Coefficient> slope, intercept;  // of log10 G over 1/L, by least squares
  std::optional<double> r_squared;
  std::string reason;  // why there is no line
};

// Gains that are no positive number are left out. There is no line through fewer than three different depths: the form
// of a bound cannot be seen at two of them.
GainBound gain_bound(std::span<const GainPoint>);

}  // namespace lstar
