#include "lstar/study/fit_study.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "lstar/analysis/formulas.h"
#include "lstar/analysis/logistic_fit.h"

namespace lstar {
namespace {

// What a form is fitted to.
struct FitTable {
  std::vector<std::vector<double>> design;
  std::vector<double> target;  // L*/L
};

FitTable table_of(const Form& form, std::span<const MeasuredPoint> models) {
  FitTable table;
  for (const MeasuredPoint& model : models) {
    table.design.push_back(row_of(form, {model.point.layers, model.point.heads, model.gain}));
    table.target.push_back(model.point.l_star / model.point.layers);
  }
  return table;
}

struct OneFit {
  LinearFit fit;
  int steps = 0;
  std::string reason;
};

OneFit fitted(const FitTable& table, bool is_bounded) {
  OneFit one;
  if (is_bounded) {
    LogisticFit found = fit_logistic(table.design, table.target);
    one = {std::move(found.fit), found.steps, std::move(found.reason)};
  } else {
    one.fit = fit_linear(table.design, table.target);
  }
  if (!one.fit.identified()) one.reason = fmt::format("not identified: rank {} of {}", one.fit.rank, one.fit.columns);
  return one;
}

// L*/L by a fit.
double value_of(const LinearFit& fit, bool is_bounded, const std::vector<double>& row) {
  double sum = 0;
  for (size_t j = 0; j < row.size(); ++j) sum += fit.coefficients[j].value * row[j];
  return is_bounded ? logistic(sum) : sum;
}

std::string group_name(const MeasuredPoint& model, LeaveOut leave_out) {
  switch (leave_out) {
    case LeaveOut::one: return model.model;
    case LeaveOut::lab: return model.point.lab;
    case LeaveOut::shape: break;
  }
  return fmt::format("L = {}, H = {}", model.point.layers, model.point.heads);
}

HeldOutFits leaving_out(const FitTable& table, std::span<const MeasuredPoint> models, bool is_bounded,
                        LeaveOut leave_out) {
  HeldOutFits all{.leave_out = leave_out};
  std::vector<std::string> groups, order;  // in the order of the models
  std::set<std::string> seen;
  for (const MeasuredPoint& model : models) {
    groups.push_back(group_name(model, leave_out));
    if (seen.insert(groups.back()).second) order.push_back(groups.back());
  }
  double sum = 0;
  for (const std::string& held_out : order) {
    FitTable others;
    for (size_t i = 0; i < models.size(); ++i) {
      if (groups[i] == held_out) continue;
      others.design.push_back(table.design[i]);
      others.target.push_back(table.target[i]);
    }
    HeldOutFit left{.group = held_out, .models = static_cast<int>(models.size() - others.target.size())};
    const OneFit one = fitted(others, is_bounded);
    left.rank = one.fit.rank;
    left.reason = others.target.empty() ? "no other model" : one.reason;
    if (one.fit.identified()) left.condition = one.fit.condition;
    if (left.reason.empty()) {
      double errors = 0;
      for (size_t i = 0; i < models.size(); ++i)
        if (groups[i] == held_out)
          errors += 100 * std::fabs(value_of(one.fit, is_bounded, table.design[i]) - table.target[i]);
      left.mape = errors / left.models;
      sum += errors;
    } else if (all.reason.empty()) {
      all.reason = fmt::format("without {}: {}", held_out, left.reason);
    }
    all.groups.push_back(std::move(left));
  }
  if (all.reason.empty()) all.mape = sum / static_cast<double>(models.size());
  return all;
}

FittedForm fit_form(const Form& form, const MeasuredPoints& measured, bool is_bounded, uint64_t seed) {
  FittedForm result{.form = &form, .is_bounded = is_bounded};
  result.fit.columns = static_cast<int>(form.columns.size());
  constexpr std::array<LeaveOut, 3> kinds{LeaveOut::one, LeaveOut::lab, LeaveOut::shape};
  for (size_t k = 0; k < kinds.size(); ++k) result.left_out[k].leave_out = kinds[k];
  const auto without =
      std::find_if(measured.models.begin(), measured.models.end(), [](const auto& m) { return !m.gain; });
  if (form.needs_gain && without != measured.models.end()) {
    result.reason = fmt::format("no gain of {} was measured", without->model);
    for (HeldOutFits& left : result.left_out) left.reason = result.reason;
    return result;
  }
  const FitTable table = table_of(form, measured.models);
  OneFit one = fitted(table, is_bounded);
  result.fit = std::move(one.fit);
  result.steps = one.steps;
  result.reason = std::move(one.reason);
  for (size_t k = 0; k < kinds.size(); ++k)
    result.left_out[k] = leaving_out(table, measured.models, is_bounded, kinds[k]);
  if (!result.reason.empty()) return result;

  std::vector<ModelPoint> points;
  for (size_t i = 0; i < measured.models.size(); ++i) {
    const ModelPoint& point = measured.models[i].point;
    points.push_back(point);
    result.predicted.push_back(result.fit.fitted[i] * point.layers);
    result.out_of_range += !in_range(result.predicted.back(), point.layers);
  }
  result.mape = mape(points, result.predicted);
  if (!is_bounded && form.columns.size() > 1) {
    constexpr size_t kWork = 400'000'000, kLeast = 2'000, kMost = 20'000;
    result.null =
        fit_null(points, table.design, seed, std::clamp(kWork / (points.size() * points.size()), kLeast, kMost));
  }
  return result;
}

}  // namespace

const char* name(LeaveOut leave_out) {
  switch (leave_out) {
    case LeaveOut::one: return "model";
    case LeaveOut::lab: return "lab";
    case LeaveOut::shape: break;
  }
  return "shape";
}

const FittedForm* FitStudy::best() const {
  const FittedForm* best = nullptr;
  for (const FittedForm& form : forms)
    if (form.reason.empty() && form.fit.aicc && (!best || *form.fit.aicc < *best->fit.aicc)) best = &form;
  return best;
}

Result<FitStudy> fit_study(MeasuredPoints measured, std::span<const std::string> only, uint64_t seed) {
  if (measured.models.empty()) {
    const std::string why = measured.left_out.empty() ? "" : ": " + measured.left_out[0].reason;
    return fail({.kind = ErrorKind::missing,
                 .what = "no model with an L* to fit to" + why,
                 .file = measured.sources.empty() ? "" : measured.sources[0]});
  }
  FitStudy study{.measured = std::move(measured)};
  std::set<std::string> labs, shapes;
  for (const MeasuredPoint& model : study.measured.models) {
    labs.insert(model.point.lab);
    shapes.insert(group_name(model, LeaveOut::shape));
  }
  study.labs = static_cast<int>(labs.size());
  study.shapes = static_cast<int>(shapes.size());
  for (const Form& form : forms()) {
    const bool is_constant = form.columns.size() == 1;
    if (!is_constant && !only.empty() && std::find(only.begin(), only.end(), form.name) == only.end()) continue;
    study.forms.push_back(fit_form(form, study.measured, false, seed));
    if (!is_constant) study.forms.push_back(fit_form(form, study.measured, true, seed));  // a constant is bounded
  }
  for (const Formula& formula : formulas()) {
    std::vector<ModelPoint> points;
    std::vector<double> predicted;
    for (const MeasuredPoint& model : study.measured.models) {
      points.push_back(model.point);
      if (const auto l_star = predict(formula, model.point.layers, model.point.heads, model.gain).l_star)
        predicted.push_back(*l_star);
    }
    const bool all = predicted.size() == points.size();
    study.unfitted.push_back({std::string(formula.name), all ? std::optional(mape(points, predicted)) : std::nullopt});
  }
  return study;
}

}  // namespace lstar
