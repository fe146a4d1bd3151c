// Errors of predicted against measured L*, the verdict, and the fits that a formula is held against. Pure; safe from
// any thread.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lstar {

double mean(std::span<const double> values);                  // NaN if empty
double population_deviation(std::span<const double> values);  // numpy's default: divided by n; NaN if empty

// |predicted - l_star| / layers * 100: the notebook's error, normalised by depth.
double error_pct(double predicted, double l_star, int layers);
// |predicted - l_star| / l_star * 100, what MAPE usually means; none at l_star = 0.
std::optional<double> error_of_actual_pct(double predicted, double l_star);

// The notebook's words for an overall error: < 10, < 15, else.
std::string_view verdict(double overall_mape);

// A model with its measured L*.
struct ModelPoint {
  int layers = 0;
  int heads = 0;
  double l_star = 0;
  std::string lab;
  int prompts = 1;  // that l_star is the mean of
};

// The mean of error_pct over models is what the notebook calls MAPE. `predicted` has one value a point. NaN if empty.
double mape(std::span<const ModelPoint>, std::span<const double> predicted);
// The mean of error_of_actual_pct over the models where it exists.
std::optional<double> mape_of_actual(std::span<const ModelPoint>, std::span<const double> predicted);

// L*/L = c_0 + c_1 L + c_2 / H by least squares: the form of v3 on other models.
struct ShapeFit {
  int rank = 0;                // of the design matrix; below 3 the coefficients are not identified
  double condition = 0;        // of its columns, each scaled to length 1
  std::array<double, 3> c{};   // all zero if not identified
  std::optional<double> mape;  // on the points themselves
  bool identified() const { return rank == 3; }
  double predict(int layers, int heads) const { return layers * (c[0] + c[1] * layers + c[2] / heads); }
};
ShapeFit fit_shape(std::span<const ModelPoint>);

// What is held out together: one model; all models of a lab; all models that share L and H (no formula in L and H can
// tell these apart).
enum class LeaveOut { one, lab, shape };

struct CrossValidation {
  std::optional<double> mape;     // mean over models of the error of the fit that did not see them
  std::vector<double> predicted;  // (points); empty if there is no mape
  std::string reason;             // why there is none: "not identified without EleutherAI"
  int rank = 0;                   // the least of the fits' design matrices
  double condition = 0;           // the greatest of those that are identified
};
// The baseline: L* = c L, with c the mean of L*/L over the models that are not held out.
CrossValidation cross_validate_constant(std::span<const ModelPoint>, LeaveOut);
CrossValidation cross_validate_shape_fit(std::span<const ModelPoint>, LeaveOut);

// The smallest mape that any function of (L, H) can have on these points: models of one shape share a prediction, and
// their median is the best one. NaN if empty.
double shape_lower_bound(std::span<const ModelPoint>);

}  // namespace lstar
