#include "lstar/report/text/fit_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

std::string name_of_form(const FittedForm& form) {
  return std::string(form.form->name) + (form.is_bounded ? ", bounded" : "");
}

std::string number_text(std::optional<double> value) { return value ? fmt::format("{:.5g}", *value) : "-"; }

std::string head_text(const FitStudy& study) {
  const MeasuredPoints& measured = study.measured;
  std::string sources;
  for (const std::string& source : measured.sources)
    sources += (sources.empty() ? "" : ", ") + shorten_name(one_line(source), kNameColumns);
  const auto all = static_cast<int64_t>(measured.models.size());
  const auto resolved = std::count_if(measured.models.begin(), measured.models.end(),
                                      [](const MeasuredPoint& model) { return model.is_resolved; });
  std::string out = wrap(fmt::format("{} of {} and {} from {}: L* by {} and {}, {} resolved.", counted(all, "model"),
                                     counted(study.labs, "lab"), counted(study.shapes, "shape"), sources,
                                     one_line(measured.estimator), one_line(measured.detector), resolved),
                         kColumns, "", 0);
  constexpr size_t kMost = 5;
  for (size_t i = 0; i < std::min(kMost, measured.left_out.size()); ++i) {
    const UnmeasuredModel& model = measured.left_out[i];
    out += wrap(fmt::format("Without {}: {}", shorten_name(one_line(model.model), kNameColumns),
                            shorten_words(shorten(one_line(model.reason), kColumns), kNameColumns)),
                kColumns, "", 2);
  }
  if (measured.left_out.size() > kMost) out += fmt::format("and {} more\n", measured.left_out.size() - kMost);
  return out;
}

std::string forms_text(const FitStudy& study, const Paint& paint) {
  TextTable table;
  table.column("form", TextTable::Align::left);
  for (const char* head : {"rank", "condition", "error", "without a model", "a lab", "a shape", "AICc", "noise p"})
    table.column(head);
  std::string reasons, before;
  const auto say = [&](const FittedForm& form, const std::string& what) {
    if (form.is_bounded && what == before) return;  // as of the form itself
    before = what;
    reasons +=
        wrap(shorten_words(one_line(what), kNameColumns), kColumns, fmt::format("  {}: ", name_of_form(form)), 4);
  };
  for (const FittedForm& form : study.forms) {
    const LinearFit& fit = form.fit;
    std::vector<std::string> cells{name_of_form(form), fmt::format("{} of {}", fit.rank, fit.columns),
                                   fit.identified() ? number_text(fit.condition) : "-", percent(form.mape)};
    for (const HeldOutFits& left : form.left_out) cells.push_back(percent(left.mape));
    cells.push_back(form.reason.empty() ? fixed(fit.aicc, 1) : "-");
    cells.push_back(form.null ? fmt::format("{:.3f}", form.null->permuted.p) : "-");
    table.row(std::move(cells));
    if (!form.reason.empty()) say(form, form.reason);
    if (form.out_of_range > 0)
      say(form, fmt::format("{} of {} fitted L* lie outside [0, L)", form.out_of_range, form.predicted.size()));
    for (const HeldOutFits& left : form.left_out)
      if (form.reason.empty() && !left.reason.empty()) say(form, left.reason);
  }
  for (const UnfittedFormula& formula : study.unfitted) {
    const bool is_simple = formula.name == "half" || formula.name == "two_thirds";
    if (!formula.mape) continue;
    table.row({is_simple ? (formula.name == "half" ? "L/2" : "2L/3") : formula.name + " as published", "", "",
               percent(formula.mape)});
  }
  return table.str(kColumns, "  ", paint) + reasons +
         wrap(
             "error: |fitted - L*| / L, mean over models; without a model, a lab, a shape: of fits that did not see "
             "it. noise p: how often the form fits L*/L dealt out anew among the models as well.",
             kColumns, "  ", 2);
}

std::string coefficients_text(const FittedForm& form, const Paint& paint) {
  TextTable table;
  table.column("of", TextTable::Align::left);
  for (const char* head : {"value", "standard error", "95 % interval", "VIF"}) table.column(head);
  for (size_t j = 0; j < form.fit.coefficients.size(); ++j) {
    const Coefficient& c = form.fit.coefficients[j];
    table.row({std::string(form.form->columns[j]), number_text(c.value), number_text(c.deviation),
               c.interval ? fmt::format("[{:.5g}, {:.5g}]", c.interval->low, c.interval->high) : "-",
               fixed(c.inflation, 1)});
  }
  return table.str(kColumns, "  ", paint);
}

std::string models_text(const FitStudy& study, const FittedForm& form, const Paint& paint) {
  TextTable table;
  table.column("model", TextTable::Align::left);
  for (const char* head : {"L", "H", "L*", "fitted", "residual", "leverage"}) table.column(head);
  for (size_t i = 0; i < form.predicted.size(); ++i) {
    const MeasuredPoint& model = study.measured.models[i];
    const double residual = 100 * (model.point.l_star - form.predicted[i]) / model.point.layers;
    table.row({one_line(model.model), std::to_string(model.point.layers), std::to_string(model.point.heads),
               fixed(model.point.l_star, 2) + (model.is_resolved ? "" : "?"), fixed(form.predicted[i], 2),
               fmt::format("{:+.1f}%", residual), fixed(form.fit.leverage[i], 3)});
  }
  return table.str(kColumns, "  ", paint);
}

std::string left_out_text(const FittedForm& form, const Paint& paint) {
  TextTable table;
  table.column("without", TextTable::Align::left);
  for (const char* head : {"models", "rank", "condition", "error"}) table.column(head);
  for (const HeldOutFits& left : form.left_out)
    for (const HeldOutFit& one : left.groups)
      table.row({fmt::format("{} {}", name(left.leave_out), one_line(one.group)), std::to_string(one.models),
                 fmt::format("{} of {}", one.rank, form.fit.columns), number_text(one.condition), percent(one.mape)});
  return table.str(kColumns, "  ", paint);
}

// What a form is, its coefficients, and which models it owes them to.
std::string form_text(const FittedForm& form, const FitStudy& study, const Paint& paint) {
  const char* const curve = form.is_bounded ? " through 1/(1 + exp(-x))" : "";
  std::string out = paint.bold(fmt::format("\n{}: {}{}", name_of_form(form), form.form->text, curve));
  out += "\n";
  if (form.fit.f && form.fit.f_p)
    out += fmt::format("  F({}, {}) = {:.3f}, p = {:.4f}\n", form.fit.columns - 1, form.fit.degrees(), *form.fit.f,
                       *form.fit.f_p);
  if (form.null)
    out += wrap(fmt::format("L*/L dealt out anew fit as well in {:.4f} of {}; L* uniform on 1 ... L - 1 in {:.4f} ± "
                            "{:.4f}",
                            form.null->permuted.p, form.null->is_exact ? "all orders" : "drawn orders",
                            form.null->random.p, form.null->random.error),
                kColumns, "  ", 4);
  out += coefficients_text(form, paint);
  constexpr double kAlone = 0.8;  // of its own residual a fifth is left
  for (size_t i = 0; i < form.fit.leverage.size(); ++i)
    if (form.fit.leverage[i] >= kAlone)
      out +=
          wrap(fmt::format("{} nearly decides its own value: leverage {:.3f}",
                           shorten_name(one_line(study.measured.models[i].model), kNameColumns), form.fit.leverage[i]),
               kColumns, "  ", 4);
  return out;
}

// Residuals side by side: a column a form that was fitted.
std::string residuals_text(const FitStudy& study, const Paint& paint) {
  TextTable table;
  table.column("residual, % of L", TextTable::Align::left);
  for (const char* head : {"L", "H", "L*"}) table.column(head);
  for (const FittedForm& form : study.forms)
    if (form.reason.empty()) table.column(std::string(form.form->name) + (form.is_bounded ? "b" : ""));
  for (size_t i = 0; i < study.measured.models.size(); ++i) {
    const MeasuredPoint& model = study.measured.models[i];
    std::vector<std::string> cells{one_line(model.model), std::to_string(model.point.layers),
                                   std::to_string(model.point.heads),
                                   fixed(model.point.l_star, 2) + (model.is_resolved ? "" : "?")};
    for (const FittedForm& form : study.forms)
      if (form.reason.empty())
        cells.push_back(fmt::format("{:+.1f}", 100 * (model.point.l_star - form.predicted[i]) / model.point.layers));
    table.row(std::move(cells));
  }
  return table.str(kColumns, "  ", paint);
}

}  // namespace

std::string fit_text(const FitStudy& study, bool in_full, bool colour) {
  const Paint paint{colour};
  std::string out = head_text(study);
  out += "\n";
  out += forms_text(study, paint);
  for (const FittedForm& form : study.forms) {
    if (!form.reason.empty()) continue;
    out += form_text(form, study, paint);
    if (!in_full) continue;
    out += models_text(study, form, paint);
    out += left_out_text(form, paint);
  }
  if (!in_full) out.append("\n").append(residuals_text(study, paint));
  const FittedForm* best = study.best();
  if (!best) return out + "No form has an AICc: there are too few models, or nothing is left to explain.\n";
  return out + paint.bold(fmt::format("Least AICc: {}", name_of_form(*best))) + "\n";
}

}  // namespace lstar
