#include "lstar/report/json/fit_json.h"

namespace lstar {
namespace {

JsonValue number_or_null(std::optional<double> value) { return json_value(value); }

JsonValue coefficients_json(const FittedForm& form) {
  JsonValue list = JsonValue::array();
  for (size_t j = 0; j < form.fit.coefficients.size(); ++j) {
    const Coefficient& c = form.fit.coefficients[j];
    list.push_back({{"of", form.form->columns[j]},
                    {"value", number_or_null(c.value)},
                    {"standard_error", number_or_null(c.deviation)},
                    {"low", number_or_null(c.interval ? std::optional(c.interval->low) : std::nullopt)},
                    {"high", number_or_null(c.interval ? std::optional(c.interval->high) : std::nullopt)},
                    {"vif", number_or_null(c.inflation)}});
  }
  return list;
}

JsonValue left_out_json(const HeldOutFits& left) {
  JsonValue groups = JsonValue::array();
  for (const HeldOutFit& one : left.groups)
    groups.push_back({{"without", one.group},
                      {"models", one.models},
                      {"rank", one.rank},
                      {"condition", number_or_null(one.condition)},
                      {"mape", number_or_null(one.mape)},
                      {"reason", json_or_null(one.reason)}});
  return {{"mape", number_or_null(left.mape)}, {"reason", json_or_null(left.reason)}, {"fits", std::move(groups)}};
}

JsonValue null_json(const FittedForm& form) {
  if (!form.null) return nullptr;
  const FitNull& null = *form.null;
  return {{"p", null.permuted.p},
          {"p_error", null.permuted.error},
          {"all_orders", null.is_exact},
          {"p_noise", null.random.p},
          {"p_noise_error", null.random.error}};
}

JsonValue models_json(const FitStudy& study, const FittedForm& form) {
  JsonValue list = JsonValue::array();
  for (size_t i = 0; i < form.predicted.size(); ++i) {
    const MeasuredPoint& model = study.measured.models[i];
    list.push_back(
        {{"model", model.model},
         {"L_star_fitted", number_or_null(form.predicted[i])},
         {"residual_pct", number_or_null(100 * (model.point.l_star - form.predicted[i]) / model.point.layers)},
         {"leverage", number_or_null(form.fit.leverage[i])}});
  }
  return list;
}

JsonValue form_json(const FitStudy& study, const FittedForm& form) {
  const LinearFit& fit = form.fit;
  const bool is_fitted = form.reason.empty();
  JsonValue left_out = JsonValue::object();
  for (const HeldOutFits& left : form.left_out) left_out[name(left.leave_out)] = left_out_json(left);
  return {{"form", form.form->name},
          {"bounded", form.is_bounded},
          {"formula", form.form->text},
          {"rank", fit.rank},
          {"columns", fit.columns},
          {"condition", number_or_null(fit.identified() ? std::optional(fit.condition) : std::nullopt)},
          {"identified", fit.identified()},
          {"converged", form.is_bounded ? JsonValue(is_fitted) : JsonValue(nullptr)},
          {"steps", form.is_bounded ? JsonValue(form.steps) : JsonValue(nullptr)},
          {"reason", json_or_null(form.reason)},
          {"coefficients", coefficients_json(form)},
          {"mape", number_or_null(form.mape)},
          {"out_of_range", is_fitted ? JsonValue(form.out_of_range) : JsonValue(nullptr)},
          {"r_squared", number_or_null(is_fitted ? fit.r_squared : std::nullopt)},
          {"f", number_or_null(is_fitted ? fit.f : std::nullopt)},
          {"f_p", number_or_null(is_fitted ? fit.f_p : std::nullopt)},
          {"aicc", number_or_null(is_fitted ? fit.aicc : std::nullopt)},
          {"chance", null_json(form)},
          {"leave_out", std::move(left_out)},
          {"models", models_json(study, form)}};
}

}  // namespace

JsonValue fit_json(const FitStudy& study) {
  JsonValue sources = JsonValue::array(), models = JsonValue::array(), left_out = JsonValue::array(),
            fits = JsonValue::array(), unfitted = JsonValue::object();
  for (const std::string& source : study.measured.sources) sources.push_back(source);
  for (const MeasuredPoint& model : study.measured.models)
    models.push_back({{"model", model.model},
                      {"lab", model.point.lab},
                      {"L", model.point.layers},
                      {"H", model.point.heads},
                      {"G", number_or_null(model.gain)},
                      {"L_star", number_or_null(model.point.l_star)},
                      {"prompts", model.point.prompts},
                      {"resolved", model.is_resolved}});
  for (const UnmeasuredModel& model : study.measured.left_out)
    left_out.push_back({{"model", model.model}, {"reason", model.reason}});
  for (const FittedForm& form : study.forms) fits.push_back(form_json(study, form));
  for (const UnfittedFormula& formula : study.unfitted) unfitted[formula.name] = number_or_null(formula.mape);
  const FittedForm* best = study.best();
  return {
      {"results", std::move(sources)},
      {"estimator", study.measured.estimator},
      {"detector", study.measured.detector},
      {"labs", study.labs},
      {"shapes", study.shapes},
      {"models", std::move(models)},
      {"left_out", std::move(left_out)},
      {"fits", std::move(fits)},
      {"least_aicc", best ? JsonValue{{"form", best->form->name}, {"bounded", best->is_bounded}} : JsonValue(nullptr)},
      {"baselines", std::move(unfitted)}};
}

}  // namespace lstar
