#include "lstar/analysis/statistics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "lstar/analysis/linear_fit.h"

namespace lstar {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double fraction(const ModelPoint& point) { return point.l_star / point.layers; }

// What is held out together with a point, as text; also names it in messages.
std::string group_of(const ModelPoint& point, size_t index, LeaveOut leave_out) {
  switch (leave_out) {
    case LeaveOut::one: return fmt::format("model {}", index);  // of no name
    case LeaveOut::lab: return point.lab;
    case LeaveOut::shape: return fmt::format("L = {}, H = {}", point.layers, point.heads);
  }
  return {};
}

// A fit without one group; no `predict` if the points do not determine it.
struct Fitted {
  std::function<double(const ModelPoint&)> predict;
  int rank = 0;
  double condition = 0;
};

// Fits on all groups but one and predicts that one, for each.
template <class Fit>
CrossValidation cross_validate(std::span<const ModelPoint> points, LeaveOut leave_out, Fit fit) {
  std::vector<std::string> groups;
  for (size_t i = 0; i < points.size(); ++i) groups.push_back(group_of(points[i], i, leave_out));

  CrossValidation result{.rank = std::numeric_limits<int>::max()};
  std::vector<double> predicted(points.size());
  for (const std::string& held_out : std::set<std::string>(groups.begin(), groups.end())) {
    std::vector<ModelPoint> others;
    for (size_t i = 0; i < points.size(); ++i)
      if (groups[i] != held_out) others.push_back(points[i]);
    const Fitted fitted = fit(others);
    result.rank = std::min(result.rank, fitted.rank);
    if (!fitted.predict) {
      if (result.reason.empty())
        result.reason =
            fmt::format("not identified without {}", leave_out == LeaveOut::one ? "one of the models" : held_out);
      continue;
    }
    result.condition = std::max(result.condition, fitted.condition);
    for (size_t i = 0; i < points.size(); ++i)
      if (groups[i] == held_out) predicted[i] = fitted.predict(points[i]);
  }
  if (points.empty()) result = {.reason = "no models"};
  if (!result.reason.empty()) return result;
  result.mape = mape(points, predicted);
  result.predicted = std::move(predicted);
  return result;
}

}  // namespace

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? kNan : sum / static_cast<double>(values.size());
}

double population_deviation(std::span<const double> values) {
  const double centre = mean(values);
  std::vector<double> squares;
  for (const double value : values) squares.push_back((value - centre) * (value - centre));
  return std::sqrt(mean(squares));
}

double error_pct(double predicted, double l_star, int layers) { return std::fabs(predicted - l_star) / layers * 100; }

std::optional<double> error_of_actual_pct(double predicted, double l_star) {
  if (l_star == 0) return std::nullopt;
  return std::fabs(predicted - l_star) / std::fabs(l_star) * 100;
}

std::string_view verdict(double overall_mape) {
  if (overall_mape < 10) return "FORMULA GENERALIZES";
  if (overall_mape < 15) return "PARTIAL GENERALIZATION";
  return "CALIBRATION NEEDED";
}

double mape(std::span<const ModelPoint> points, std::span<const double> predicted) {
  std::vector<double> errors;
  for (size_t i = 0; i < points.size(); ++i)
    errors.push_back(error_pct(predicted[i], points[i].l_star, points[i].layers));
  return mean(errors);
}

std::optional<double> mape_of_actual(std::span<const ModelPoint> points, std::span<const double> predicted) {
  std::vector<double> errors;
  for (size_t i = 0; i < points.size(); ++i)
    if (const auto error = error_of_actual_pct(predicted[i], points[i].l_star)) errors.push_back(*error);
  return errors.empty() ? std::nullopt : std::optional(mean(errors));
}

ShapeFit fit_shape(std::span<const ModelPoint> points) {
  std::vector<std::vector<double>> design;
  std::vector<double> target, predicted;
  for (const ModelPoint& point : points) {
    design.push_back({1, static_cast<double>(point.layers), 1.0 / point.heads});
    target.push_back(fraction(point));
  }
  const LinearFit found = fit_linear(design, target);
  ShapeFit fit{.rank = found.rank, .condition = found.condition};
  if (!fit.identified()) return fit;
  for (size_t j = 0; j < fit.c.size(); ++j) fit.c[j] = found.coefficients[j].value;
  for (const ModelPoint& point : points) predicted.push_back(fit.predict(point.layers, point.heads));
  fit.mape = mape(points, predicted);
  return fit;
}

CrossValidation cross_validate_constant(std::span<const ModelPoint> points, LeaveOut leave_out) {
  return cross_validate(points, leave_out, [](std::span<const ModelPoint> others) {
    if (others.empty()) return Fitted{};
    std::vector<double> fractions;
    for (const ModelPoint& point : others) fractions.push_back(fraction(point));
    const double constant = mean(fractions);
    return Fitted{[constant](const ModelPoint& point) { return constant * point.layers; }, 1, 1};
  });
}

CrossValidation cross_validate_shape_fit(std::span<const ModelPoint> points, LeaveOut leave_out) {
  return cross_validate(points, leave_out, [](std::span<const ModelPoint> others) {
    const ShapeFit fit = fit_shape(others);
    if (!fit.identified()) return Fitted{.predict = {}, .rank = fit.rank};
    return Fitted{[fit](const ModelPoint& point) { return fit.predict(point.layers, point.heads); }, fit.rank,
                  fit.condition};
  });
}

double shape_lower_bound(std::span<const ModelPoint> points) {
  std::map<std::pair<int, int>, std::vector<double>> by_shape;
  for (const ModelPoint& point : points) by_shape[{point.layers, point.heads}].push_back(point.l_star);
  std::vector<double> errors;
  for (auto& [shape, values] : by_shape) {
    std::sort(values.begin(), values.end());
    const double median = values[values.size() / 2];  // any point between the two middle ones does as well
    for (const double value : values) errors.push_back(error_pct(median, value, shape.first));
  }
  return mean(errors);
}

}  // namespace lstar
