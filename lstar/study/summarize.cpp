#include "lstar/study/summarize.h"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>
#include <utility>

#include <fmt/core.h>

#include "lstar/analysis/statistics.h"

namespace lstar {
namespace {

std::vector<double> errors_of(const StudyResult& result, size_t estimator,
                              const std::function<bool(const ModelResult&)>& in) {
  std::vector<double> errors;
  for (const ModelResult& model : result.models)
    if (in(model) && model.scores[estimator].error_pct) errors.push_back(*model.scores[estimator].error_pct);
  return errors;
}

// The mean error over models that have one, and nothing where none has.
std::optional<double> mean_error(const StudyResult& result, size_t estimator,
                                 const std::function<bool(const ModelResult&)>& in) {
  const std::vector<double> errors = errors_of(result, estimator, in);
  return errors.empty() ? std::nullopt : std::optional(mean(errors));
}

ScoredModel scored_model(const ModelResult& model, double l_star, size_t prompts) {
  const ModelShape& shape = model.measurement.shape;
  return {model.entry.name,
          model.entry.path,
          {shape.layers, shape.heads, l_star, model.entry.lab, static_cast<int>(prompts)},
          model.gain};
}

// The same models as the formula's, so that neither looks better for what it leaves out; all with an L* where it
// predicts none.
std::vector<ScoredModel> scored_models(const StudyResult& result, size_t estimator) {
  const bool has_errors = std::any_of(result.models.begin(), result.models.end(), [&](const ModelResult& model) {
    return model.scores[estimator].error_pct.has_value();
  });
  std::vector<ScoredModel> models;
  for (const ModelResult& model : result.models) {
    const ModelScore& scored = model.scores[estimator];
    if (!scored.l_star || (has_errors && !scored.error_pct)) continue;
    const auto prompts = scored.l_star_per_prompt.size() -
                         std::count(scored.l_star_per_prompt.begin(), scored.l_star_per_prompt.end(), std::nullopt);
    models.push_back(scored_model(model, *scored.l_star, prompts));
  }
  return models;
}

// Those with an L* by an estimator and a detector.
std::vector<ScoredModel> found_models(const StudyResult& result, const std::string& estimator, size_t detector) {
  std::vector<ScoredModel> models;
  for (const ModelResult& model : result.models)
    for (const ModelTraces& traces : model.traces) {
      if (traces.estimator != estimator) continue;
      std::vector<double> found;
      for (const PromptTrace& prompt : traces.prompts)
        if (prompt.detections[detector].layer) found.push_back(*prompt.detections[detector].layer);
      if (!found.empty()) models.push_back(scored_model(model, mean(found), found.size()));
    }
  return models;
}

void add_baselines(std::span<const ScoredModel> models, EstimatorSummary& s) {
  std::vector<ModelPoint> points;
  for (const ScoredModel& model : models) points.push_back(model.point);
  for (const Formula& formula : formulas()) {
    const auto predicted = predictions(formula, models);
    s.baselines.push_back({std::string(formula.name),
                           predicted ? std::optional(mape(points, *predicted)) : std::nullopt, !formula.is_fitted});
  }
  std::optional<double> random;
  if (!points.empty()) {
    random = 0;
    for (const ModelPoint& point : points)
      *random += expected_noise_error_pct(point.l_star, point.layers, 1) / static_cast<double>(points.size());
  }
  s.baselines.push_back({"random layer", random, true});
  for (const auto& [leave_out, what, is_simple] : {std::tuple{LeaveOut::one, "one", true},
                                                   {LeaveOut::lab, "one lab", false},
                                                   {LeaveOut::shape, "one shape", false}})
    s.baselines.push_back({fmt::format("constant fraction, leave {} out", what),
                           cross_validate_constant(points, leave_out).mape, is_simple});
  for (const auto& [leave_out, what] :
       {std::pair{LeaveOut::one, "one"}, {LeaveOut::lab, "one lab"}, {LeaveOut::shape, "one shape"}})
    s.baselines.push_back(
        {fmt::format("refit of v3, leave {} out", what), cross_validate_shape_fit(points, leave_out).mape});
}

}  // namespace

EstimatorSummary summarize(const StudyResult& result, size_t estimator, NoiseDesigns& designs) {
  EstimatorSummary s{.estimator = result.study.estimators[estimator]};
  std::vector<double> of_actual;
  std::map<std::string, int> labs;  // sorted by name
  const auto& labs_fitted = result.study.in_sample;
  const bool is_fitted = !labs_fitted.empty() && find_formula(result.study.formula)->is_fitted;
  const auto is_in_sample = [&](const ModelResult& model) {
    return is_fitted && std::find(labs_fitted.begin(), labs_fitted.end(), model.entry.lab) != labs_fitted.end();
  };
  s.asked = static_cast<int>(result.models.size() + result.failed.size());
  for (const ModelResult& model : result.models) {
    const ModelScore& scored = model.scores[estimator];
    const auto missing = std::count(scored.l_star_per_prompt.begin(), scored.l_star_per_prompt.end(), std::nullopt);
    if (!scored.error_pct) {
      s.left_out.push_back(
          {model.entry, scored.l_star ? "no prediction: " + model.no_prediction : "no L*: " + scored.reason});
      continue;
    }
    if (missing > 0)
      s.partly.push_back({model.entry, static_cast<int>(missing), static_cast<int>(scored.l_star_per_prompt.size()),
                          scored.missing_reason});
    ++s.models;
    s.resolved += scored.resolved;
    s.not_noise += scored.resolved_by_summation && scored.resolved_by_pass.value_or(true);
    s.in_sample += is_in_sample(model);
    ++labs[model.entry.lab];
    if (scored.error_of_actual_pct) of_actual.push_back(*scored.error_of_actual_pct);
  }
  for (const FailedModel& failed : result.failed)
    s.left_out.push_back({failed.entry, "failed: " + failed.error.message()});
  s.overall_mape = mean_error(result, estimator, [](const ModelResult&) { return true; });
  if (!of_actual.empty()) s.mape_of_actual = mean(of_actual);
  s.models_of_actual = static_cast<int>(of_actual.size());
  if (s.overall_mape) s.verdict = verdict(*s.overall_mape);
  for (const auto& [lab, count] : labs) {
    const std::vector<double> errors =
        errors_of(result, estimator, [&](const ModelResult& m) { return m.entry.lab == lab; });
    s.labs.push_back({lab, count, mean(errors), interval_of_mean(errors, result.study.seed)});
  }
  s.in_sample_mape = mean_error(result, estimator, is_in_sample);
  s.out_of_sample_mape = mean_error(result, estimator, [&](const ModelResult& m) {
    return is_fitted && !is_in_sample(m) && m.entry.lab != ModelEntry{}.lab;
  });
  const std::vector<ScoredModel> models = scored_models(result, estimator);
  add_baselines(models, s);
  s.chance = chance_of(s.models > 0 ? models : std::vector<ScoredModel>{}, *find_formula(result.study.formula),
                       s.not_noise, result.study.seed, designs);
  return s;
}

std::vector<FormulaComparison> compare_all(const StudyResult& result, NoiseDesigns& designs) {
  std::vector<FormulaComparison> all;
  for (const std::string& estimator : result.study.estimators)
    for (size_t d = 0; d < detectors().size(); ++d) {
      const std::vector<ScoredModel> found = found_models(result, estimator, d);
      for (const Formula& formula : formulas()) {
        std::vector<ScoredModel> models;
        std::vector<ModelPoint> points;
        for (const ScoredModel& model : found)
          if (predict(formula, model.point.layers, model.point.heads, model.gain).l_star) {
            models.push_back(model);
            points.push_back(model.point);
          }
        const auto predicted = predictions(formula, models);
        if (!predicted) continue;
        const Share p = noise_null(designs.mapes(points, *predicted), points, *predicted).as_good;
        all.push_back({estimator, std::string(detectors()[d].name), std::string(formula.name),
                       static_cast<int>(models.size()), mape(points, *predicted), p, 0});
      }
    }
  std::vector<double> p;
  for (const FormulaComparison& one : all) p.push_back(one.p.p);
  const std::vector<double> rates = false_discovery_rates(p);
  for (size_t i = 0; i < all.size(); ++i) all[i].false_finds = rates[i];
  return all;
}

}  // namespace lstar
