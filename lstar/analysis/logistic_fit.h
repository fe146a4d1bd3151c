// A form that stays inside the model: a target between 0 and 1 as 1 / (1 + exp(-x·c)), by least squares on the target
// itself. Pure; safe from any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lstar/analysis/linear_fit.h"

namespace lstar {

// As LinearFit, of the curve's tangent plane where the fit ended: deviations, intervals, leverage, condition and AICc
// are what they would be if the curve were that plane, as is usual for such fits (Bates and Watts, Nonlinear
// Regression Analysis, 1988). `inflation` is that of the columns; there is no F.
struct LogisticFit {
  LinearFit fit;  // no coefficients where it is not identified, or did not converge
  bool converged = false;
  int steps = 0;
  std::string reason;  // why there are no coefficients
};

// Levenberg's and Marquardt's steps from the linear fit of the logits. It has not converged where steps no longer lead
// anywhere before the gradient vanishes, or where they lead to infinity: targets of 0 and 1 alone are reached nowhere.
LogisticFit fit_logistic(std::span<const std::vector<double>> design, std::span<const double> target);

double logistic(double x);

}  // namespace lstar
