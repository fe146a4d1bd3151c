#include "lstar/report/text/study_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "lstar/report/figures/figure.h"
#include "lstar/report/prompt_results.h"
#include "lstar/report/text/controls_text.h"
#include "lstar/report/text/first_screen.h"
#include "lstar/report/text/notes.h"
#include "lstar/report/text/prompts_line.h"
#include "lstar/report/text/series_text.h"
#include "lstar/report/text/study_brief.h"
#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

constexpr int kRule = 80;

std::string rule() {
  std::string line(kRule + 1, '=');
  line.back() = '\n';
  return line;
}

std::string heading(const Paint& paint, const std::string& title) {
  return fmt::format("\n{}{}\n{}", rule(), paint.bold(title), rule());
}

std::string prompt_lines(const Study& study, const ModelResult& model, const ModelScore& score, const Paint& paint) {
  std::string out;
  const std::vector<PromptResult> results = prompt_results(study, model, score);
  for (size_t i = 0; i < results.size(); ++i) {
    const MeasuredPrompt& prompt = model.measurement.prompts[i];
    const PromptResult& result = results[i];
    const std::string first =
        fmt::format("    Prompt {}{}: ", i + 1, prompt.id ? fmt::format(" ({})", shown_id(*prompt.id)) : "");
    const int indent = display_width(first);
    if (prompt.error) {
      out += wrap(fmt::format("FAILED: {}", one_line(prompt.error->message())), kColumns, first, indent);
      continue;
    }
    std::string line =
        fmt::format("L* = {}", result.l_star ? marked(std::to_string(*result.l_star), result.resolved) : "none");
    if (result.margin && result.resolved) line += fmt::format("  (margin {:.2f})", *result.margin);
    if (!result.resolved) {
      line += result.l_star ? "  not resolved" : "";
      if (!result.reason.empty()) line += fmt::format("{} {}", result.l_star ? ":" : " ", one_line(result.reason));
    }
    const std::string wrapped = wrap(line, kColumns, first, indent);
    out += result.resolved ? wrapped : paint.dim(wrapped.substr(0, wrapped.size() - 1)) + "\n";
  }
  return out;
}

std::string results_table(const StudyResult& result, const Paint& paint) {
  using Align = TextTable::Align;
  TextTable table;
  table.column("model", Align::left);
  table.column("lab", Align::left);
  table.column("L");
  table.column("H");
  table.column("arch", Align::left);
  table.column("predicted");
  table.column("empirical");
  table.column("std");
  table.column("error");
  table.column("gain");
  for (const ModelResult& model : result.models) {
    const ModelScore& s = model.scores[0];
    const ModelShape& shape = model.measurement.shape;
    table.row({one_line(model.entry.name), shorten(one_line(model.entry.lab), 16), std::to_string(shape.layers),
               std::to_string(shape.heads),
               shorten(shape.notebook_name == "unknown" ? shape.family : shape.notebook_name, 12),
               fixed(model.predicted, 3) + (model.prediction_in_range ? "" : "!"), mean_text(s, 2),
               fixed(s.l_star_std, 2), percent(s.error_pct), fixed(model.gain, 3)});
  }
  for (const FailedModel& failed : result.failed)
    table.row({one_line(failed.entry.name), shorten(one_line(failed.entry.lab), 16), "-", "-", "-", "-", "failed", "-",
               "-", "-"});
  return table.str(kColumns, "", paint);
}

std::string estimators_table(const StudyResult& result, const Paint& paint) {
  using Align = TextTable::Align;
  TextTable table;
  table.column("estimator", Align::left);
  table.column("models");
  table.column("resolved");
  table.column("MAPE");
  table.column("of actual");
  table.column("in-sample");
  table.column("out-of-sample");
  for (const EstimatorSummary& s : result.summaries) {
    const bool all = s.models_of_actual == s.models;
    table.row({s.estimator, fmt::format("{}/{}", s.models, s.asked), fmt::format("{}/{}", s.resolved, s.models),
               percent(s.overall_mape),
               percent(s.mape_of_actual) + (all ? "" : fmt::format(" ({} of {})", s.models_of_actual, s.models)),
               percent(s.in_sample_mape), percent(s.out_of_sample_mape)});
  }
  return table.str(kColumns, "", paint);
}

std::string l_star_table(const StudyResult& result, const Paint& paint) {
  TextTable table;
  table.column("model", TextTable::Align::left);
  table.column("predicted");
  for (const EstimatorSummary& s : result.summaries) table.column(s.estimator);
  for (const ModelResult& model : result.models) {
    std::vector<std::string> cells{one_line(short_name(model.entry.name)), fixed(model.predicted, 1)};
    for (const ModelScore& s : model.scores)
      cells.push_back(mean_text(s, 1) + (s.l_star ? fmt::format(" ± {}", fixed(s.l_star_std, 1)) : ""));
    table.row(std::move(cells));
  }
  return table.str(kColumns, "", paint);
}

std::string baselines_table(const StudyResult& result, const Paint& paint) {
  TextTable table;
  table.column("MAPE of", TextTable::Align::left);
  for (const EstimatorSummary& s : result.summaries) table.column(s.estimator);
  for (size_t k = 0; k < result.summaries[0].baselines.size(); ++k) {
    const std::string& name = result.summaries[0].baselines[k].name;
    const Formula* formula = find_formula(name);
    std::string label = formula ? fmt::format("{}: {}", name, formula->text) : name;
    if (name == result.study.formula) label += "  (this study's)";
    std::vector<std::string> cells{std::move(label)};
    for (const EstimatorSummary& s : result.summaries)
      cells.push_back(k < s.baselines.size() ? percent(s.baselines[k].mape) : "-");
    table.row(std::move(cells));
  }
  return table.str(kColumns, "", paint);
}

// Of the study's own L*: that of each prompt, averaged over prompts as L* itself is.
std::string decides_table(const StudyResult& result, const Paint& paint) {
  using Align = TextTable::Align;
  TextTable table;
  table.column("model", Align::left);
  table.column("estimator", Align::left);
  table.column("L*");
  table.column("weights alone");
  table.column("attention alone");
  table.column("moved");
  table.column("weights moved");
  table.column("decided by", Align::left);
  bool any = false, weighted = false;
  for (const ModelResult& model : result.models)
    for (const ModelScore& s : model.scores) {
      if (!s.decides) continue;
      const StudyDecides& d = *s.decides;
      any = true;
      weighted = weighted || attention_factor(s.estimator) != "attention";
      table.row({one_line(short_name(model.entry.name)), s.estimator, marked(over_prompts_text(d.l_star), s.resolved),
                 over_prompts_text(d.weights_only), over_prompts_text(d.rest_only),
                 d.permutation_share ? fmt::format("{:.0f}%", 100 * *d.permutation_share) : "-",
                 d.weights_permutation_share ? fmt::format("{:.0f}%", 100 * *d.weights_permutation_share) : "-",
                 d.verdict.empty() ? "undecided" : d.verdict});
    }
  if (!any) return {};
  std::string legend =
      "Each prompt's L*, with mean and deviation over prompts. Moved: the share of shuffles over the layers, of "
      "attention and of the weights, that leave L* where it is; chance leaves it in one of L - 1.";
  if (weighted)
    legend +=
        " By multi_head and ov_circuit \"attention\" is that of heads weighted by their norms, not attention alone.";
  return table.str(kColumns, "", paint) + wrap(legend, kColumns, "", 0);
}

std::string failures(const StudyResult& result, const Paint& paint) {
  std::string out;
  for (const FailedModel& failed : result.failed)
    out += wrap(one_line(failed.error.message()), kColumns, fmt::format("  {}: ", one_line(failed.entry.name)), 4);
  for (const ModelResult& model : result.models)
    for (size_t i = 0; i < model.measurement.prompts.size(); ++i)
      if (const auto& error = model.measurement.prompts[i].error)
        out += wrap(one_line(error->message()), kColumns,
                    fmt::format("  {}, prompt {}: ", one_line(model.entry.name), i + 1), 4);
  return out.empty() ? out : heading(paint, "FAILED") + out;
}

// The same of every verdict, whatever it says.
std::string verdict_text(const StudyResult& result, const Paint& paint) {
  std::string out = heading(paint, "FINAL VERDICT") + "\n" + first_screen(result, paint) + "\n";
  for (size_t e = 0; e < result.summaries.size(); ++e) {
    const EstimatorSummary& s = result.summaries[e];
    out += paint.bold(fmt::format("By {}: {} ({}, {} of {} models, {} resolved)\n", s.estimator,
                                  s.verdict.empty() ? "none" : s.verdict, percent(s.overall_mape), s.models, s.asked,
                                  s.resolved));
    for (const std::string& caveat : verdict_caveats(result, e))
      out += paint.yellow(wrap(caveat, kColumns, "    but ", 8));
  }
  return out;
}

std::string chance_section(const StudyResult& result) {
  std::string out;
  for (size_t e = 0; e < result.summaries.size(); ++e) {
    const std::vector<std::string> sentences = chance_sentences(result, e);
    if (sentences.empty()) continue;
    out += fmt::format("By {}: {}\n", result.summaries[e].estimator, result.summaries[e].chance.reason);
    for (const std::string& sentence : sentences) out += wrap(sentence, kColumns, "  * ", 4);
  }
  return out;
}

// All that could have been asked of the same measurements, the least p first, and what is left of it once it counts
// that so many were.
std::string comparisons_table(const StudyResult& result, const Paint& paint) {
  constexpr size_t kShown = 10;
  std::vector<const FormulaComparison*> sorted;
  for (const FormulaComparison& one : result.comparisons) sorted.push_back(&one);
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->p.p < b->p.p; });
  TextTable table;
  for (const char* head : {"estimator", "detector", "formula"}) table.column(head, TextTable::Align::left);
  for (const char* head : {"models", "MAPE", "p of noise", "false discovery rate"}) table.column(head);
  for (size_t i = 0; i < sorted.size() && i < kShown; ++i) {
    const FormulaComparison& one = *sorted[i];
    table.row({one.estimator, one.detector, one.formula, std::to_string(one.models), percent(one.mape),
               fmt::format("{:.3f}", one.p.p), fmt::format("{:.2f}", one.false_finds)});
  }
  return table.str(kColumns, "", paint) + wrap(fmt::format("The best {} of {} combinations; the JSON has all.",
                                                           std::min(kShown, sorted.size()), sorted.size()),
                                               kColumns, "", 0);
}

// What has no L* by the headline did not complete. A duplicate is as complete as what it is the same as.
std::string complete_text(const StudyResult& result) {
  const auto is_done = [](const ModelResult& model) { return is_complete(model); };
  auto done = std::count_if(result.models.begin(), result.models.end(), is_done);
  std::string without;
  for (const ModelResult& model : result.models)
    if (!is_complete(model))
      without += (without.empty() ? "; no L*: " : ", ") + shorten_name(one_line(model.entry.name), 40);
  for (const DuplicateModel& duplicate : result.duplicates)
    done += std::any_of(result.models.begin(), result.models.end(), [&](const ModelResult& model) {
      return model.entry.name == duplicate.same_as && is_complete(model);
    });
  const std::string given =
      result.duplicates.empty() ? "" : fmt::format(", {} of them given before", result.duplicates.size());
  const size_t asked = result.models.size() + result.duplicates.size() + result.failed.size();
  return wrap(fmt::format("{}/{} models{}{}", done, asked, given, without), kColumns, "COMPLETE: ", 4);
}

}  // namespace

std::string study_banner(const Study& study, bool colour, Detail detail) {
  const Paint paint{colour};
  const std::string estimators = fmt::format("{}", fmt::join(study.estimators, ", "));
  const std::string line = shows_each(study.prompts.size(), detail) ? rule() : std::string();
  std::string out = line + paint.bold("L* CROSS-HERITAGE VALIDATION") + "\n" + line;
  const Formula* formula = find_formula(study.formula);
  if (!study.note.empty()) out += wrap(one_line(study.note), kColumns, "", 0);
  out += fmt::format("Models: {}, prompts: {}\n", study.models.size(), study.prompts.size());
  out += wrap(prompts_line(study.prompts_read, study.prompts), kColumns, "Read: ", 6);
  out += fmt::format("Formula {}: {}\n", study.formula, formula ? formula->text : "unknown");
  out += fmt::format("Estimators: {}; detector: {}; computed in {}\n", estimators, study.detector, name(study.dtype));
  return out;
}

std::string model_text(const Study& study, const ModelEntry& entry, const Result<ModelResult>& result, bool colour,
                       Detail detail) {
  const Paint paint{colour};
  if (result && !shows_each(study.prompts.size(), Detail::by_count))
    return brief_model_text(study, *result, kColumns, paint) +
           (detail == Detail::every_prompt ? prompt_lines(study, *result, result->scores.at(0), paint) : "");
  std::string out = fmt::format("\n{:=<70}\n{}\n", "", paint.bold(fmt::format("Model: {}", one_line(entry.name))));
  if (!result) {
    out += fmt::format("Lab: {}\n", one_line(entry.lab));
    return out + paint.red(fmt::format("  ERROR: {}", one_line(result.error().message()))) + "\n";
  }
  const ModelResult& model = *result;
  const Measurement& m = model.measurement;
  const ModelScore& s = model.scores.at(0);
  out += fmt::format("Lab: {} | L={} | H={}\n", one_line(entry.lab), m.shape.layers, m.shape.heads);
  out += wrap(one_line(shape_text(model)), kColumns, "  Architecture: ", 4);
  for (const std::string& warning : m.warnings) out += wrap(one_line(warning), kColumns, "  Warning: ", 4);
  out += prompt_lines(study, model, s, paint);

  out += fmt::format("\n  RESULTS ({}):\n", s.estimator);
  out += fmt::format("    L* predicted:  {}{}\n", model.predicted ? fixed(model.predicted, 1) : "none",
                     model.predicted ? "" : " (" + model.no_prediction + ")");
  if (!s.l_star)
    out += wrap(fmt::format("none: {}", one_line(s.reason)), kColumns, "    L* empirical:  ", 19);
  else
    out += fmt::format("    L* empirical:  {} ± {}{}\n", mean_text(s, 1), fixed(s.l_star_std, 1),
                       s.resolved ? "" : "  (not resolved)");
  out += fmt::format("    Error:         {}\n", percent(s.error_pct));
  if (s.decides) out += wrap(decides_text(*s.decides, s.estimator), kColumns, "    Decided by:    ", 19);
  if (s.transition)
    out += wrap(fmt::format("at {} (R² {:.2f}, as good in {:.1f}% of orders of the layers)", s.transition->layer,
                            s.transition->r_squared, 100 * s.transition->as_good.p),
                kColumns, "    One change:    ", 19);
  for (size_t e = 1; e < model.scores.size(); ++e) {
    const ModelScore& other = model.scores[e];
    if (!other.l_star) {
      out += wrap(fmt::format("no L*: {}", one_line(other.reason)), kColumns,
                  fmt::format("    {:<14} ", other.estimator + ":"), 19);
      continue;
    }
    out += fmt::format("    {:<14} L* {} ± {}, error {}{}\n", other.estimator + ":", mean_text(other, 1),
                       fixed(other.l_star_std, 1), percent(other.error_pct), !other.resolved ? "  (not resolved)" : "");
  }
  if (model.gain) out += fmt::format("    Gain:          {}\n", gain_text(model));
  return out + model_notes(study, model, kColumns, paint);
}

std::string duplicate_text(const ModelEntry& entry, const std::string& same_as, bool colour) {
  const Paint paint{colour};
  std::string out = fmt::format("\n{:=<70}\n{}\n", "", paint.bold(fmt::format("Model: {}", one_line(entry.name))));
  out += fmt::format("Lab: {}\n", one_line(entry.lab));
  return out + wrap(duplicate_note(entry, same_as), kColumns, "  ", 4);
}

std::string verdict_line(const StudyResult& result) {
  if (result.models.empty() || result.summaries.empty()) return "VERDICT: none: no model could be run\n";
  return fmt::format("VERDICT: {}\n", verdict_sentence(result, 0));
}

std::string study_summary(const StudyResult& result, bool colour, Detail detail) {
  const Paint paint{colour};
  if (detail == Detail::by_count) return first_screen(result, paint);
  std::string out = fmt::format("\n{}{}{}", rule(), complete_text(result), rule());
  if (result.models.empty() || result.summaries.empty()) return out + "No results!\n" + failures(result, paint);

  const EstimatorSummary& s = result.summaries[0];
  out += heading(paint, "CROSS-HERITAGE L* VALIDATION RESULTS");
  out += results_table(result, paint);
  out += heading(paint, "SUMMARY BY LAB");
  for (const LabSummary& lab : s.labs)
    out += fmt::format("{}: n={}, MAPE={:.1f}%\n", one_line(lab.lab), lab.models, lab.mape);
  for (const LeftOut& left : s.left_out)
    out += wrap(fmt::format("without {}: {}", shorten(one_line(left.entry.name), 40), one_line(left.reason)), kColumns,
                fmt::format("{}: ", shorten(one_line(left.entry.lab), 40)), 4);
  out += heading(paint, fmt::format("OVERALL MAPE: {}", percent(s.overall_mape)));
  const std::string fitted = one_line(fmt::format("{}", fmt::join(result.study.in_sample, ", ")));
  if (s.in_sample_mape)
    out += wrap(fmt::format("MAPE = {}", percent(s.in_sample_mape)), kColumns,
                fmt::format("In-sample ({}): ", shorten(fitted, 50)), 4);
  if (s.out_of_sample_mape)
    out += fmt::format("Out-of-sample (other labs): MAPE = {}\n", percent(s.out_of_sample_mape));

  out += heading(paint, "ESTIMATORS SIDE BY SIDE");
  out += estimators_table(result, paint) + "\n" + l_star_table(result, paint);
  out += heading(paint, "SIMPLER PREDICTIONS AND OTHER FORMULAS");
  out += baselines_table(result, paint);
  if (const std::string decided = decides_table(result, paint); !decided.empty())
    out += heading(paint, "WHAT DECIDES L*: THE WEIGHTS OR THE ATTENTION?") + decided;
  out += heading(paint, "BESIDE THE TRACES") + series_section(result, paint);
  if (const std::string controls = controls_section(result, paint); !controls.empty())
    out += heading(paint, "CONTROLS") + controls;
  out += heading(paint, "WHAT CHANCE WOULD SCORE") + chance_section(result);
  if (!result.comparisons.empty())
    out += heading(paint, "WHAT ELSE COULD HAVE BEEN ASKED") + comparisons_table(result, paint);
  out += failures(result, paint);
  out += heading(paint, "NOTES");
  for (const std::string& note : study_notes(result)) out += wrap(note, kColumns, "* ", 2);
  return out + verdict_text(result, paint);
}

}  // namespace lstar
