#include "lstar/report/text/first_screen.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "lstar/analysis/statistics.h"
#include "lstar/report/text/notes.h"
#include "lstar/report/text/study_brief.h"

namespace lstar {
namespace {

// The mean, and its deviation where prompts differ.
std::string l_star_text(const ModelScore& s) {
  if (!s.l_star) return "none";
  return mean_text(s, 1) + (*s.l_star_std > 0 ? fmt::format(" ± {:.1f}", *s.l_star_std) : "");
}

std::string gauge_text(const std::optional<GaugeSpread>& spread) {
  if (!spread) return "-";
  return spread->low == spread->high ? fmt::format("{:.3g}", spread->low)
                                     : fmt::format("{:.3g}-{:.3g}", spread->low, spread->high);
}

std::string models_table(const StudyResult& result, const Paint& paint) {
  using Align = TextTable::Align;
  TextTable table;
  table.column("model", Align::left);
  table.column("lab", Align::left);
  table.column("L");
  table.column("H");
  table.column("L*");
  table.column("rewritten");
  table.column(result.study.formula);
  table.column("error");
  table.column("decided by", Align::left);
  for (const ModelResult& model : result.models) {
    const ModelScore& s = model.scores[0];
    const ModelShape& shape = model.measurement.shape;
    table.row({one_line(model.entry.name), shorten(one_line(model.entry.lab), 16), std::to_string(shape.layers),
               std::to_string(shape.heads), l_star_text(s), gauge_text(s.gauge_spread),
               fixed(model.predicted, 1) + (model.prediction_in_range ? "" : "!"), percent(s.error_pct),
               !s.decides                   ? "-"
               : s.decides->verdict.empty() ? "undecided"
                                            : s.decides->verdict});
  }
  for (const FailedModel& failed : result.failed)
    table.row(
        {one_line(failed.entry.name), shorten(one_line(failed.entry.lab), 16), "-", "-", "failed", "-", "-", "-", "-"});
  return table.str(kColumns, "", paint);
}

std::string shown_name(std::string_view simple) {
  return simple == "half"           ? "L/2"
         : simple == "two_thirds"   ? "2L/3"
         : simple == "constant"     ? "constant fraction"
         : simple == "random_layer" ? "random layer"
         : simple == "refit"        ? "v3 fitted again"
                                    : std::string(simple);
}

std::string interval_text(const Interval& interval) {
  return fmt::format("{:.1f} to {:.1f}", interval.low, interval.high);
}

std::string found_text(const StudyResult& result, size_t e) {
  const EstimatorSummary& s = result.summaries[e];
  if (!s.overall_mape) return "no model has both an L* and a prediction";
  std::string text = fmt::format("{} is off by {} of the depth", result.study.formula, percent(s.overall_mape));
  const StudyChance& chance = s.chance;
  const auto add = [&](const char* what, int n, const Interval& interval, double coverage) {
    text += fmt::format("; 95% by drawing the {} {} anew {} (covers {:.0f}%)", n, what, interval_text(interval),
                        100 * coverage);
  };
  if (chance.mape_by_labs)
    add("labs", chance.labs, *chance.mape_by_labs, group_coverage(static_cast<size_t>(chance.labs)));
  else if (chance.mape_by_models)
    add("models", chance.models, *chance.mape_by_models, bca_coverage(static_cast<size_t>(chance.models)));
  return text;
}

std::string chance_text(const StudyResult& result, size_t e) {
  const StudyChance& chance = result.summaries[e].chance;
  if (chance.formulas.empty()) return chance.reason;
  const FormulaChance& own = chance.formulas.front();
  const std::string so = !chance.better_than_chance        ? fmt::format("nothing is shown, {}", chance.reason)
                         : *chance.better_than_chance      ? "better than chance"
                         : is_better_than_noise(own.noise) ? "a random layer is nearer"
                                                           : "no better than chance";
  return fmt::format("noise is off by {}, by {} or less with probability {:.2f}: {}", percent(own.noise.expected),
                     percent(own.mape), own.noise.as_good.p, so);
}

std::string simpler_scores(const StudyChance& chance) {
  std::vector<const PairedDifference*> sorted;
  for (const PairedDifference& pair : chance.paired) sorted.push_back(&pair);
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->mape < b->mape; });
  std::string text;
  for (const PairedDifference* pair : sorted)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", shown_name(pair->name), percent(pair->mape));
  if (chance.shape_bound)
    text += fmt::format("{}any f(L, H) >= {}", text.empty() ? "" : "; ", percent(chance.shape_bound));
  return text;
}

std::string seen_text(const StudyResult& result, const StudyChance& chance) {
  if (!chance.seen) return chance.seen_reason.empty() ? "no model to ask it of" : chance.seen_reason;
  const std::string& formula = result.study.formula;
  if (!find_formula(formula)->is_fitted) return fmt::format("{} was fitted to nothing", formula);
  const int all = chance.seen->models + chance.unseen->models;
  if (chance.seen->models == 0) return fmt::format("the calibration of {} saw none of them", formula);
  std::string text = fmt::format("the calibration of {} saw {} of {} models (off by {})", formula, chance.seen->models,
                                 all, percent(chance.seen->mape));
  if (chance.unseen->mape) text += fmt::format("; the others are off by {}", percent(chance.unseen->mape));
  return text;
}

std::string resolved_line(const StudyResult& result) {
  const EstimatorSummary& s = result.summaries[0];
  int beyond = 0;
  for (const ModelResult& model : result.models) beyond += model.predicted && !model.prediction_in_range;
  std::string text = fmt::format("{} of {} models", s.resolved, s.models);
  if (const auto& shadow = result.study.controls.shadow) {
    int same = 0, prompts = 0;
    for (const ModelResult& model : result.models)
      if (const auto& of = model.scores[0].shadow) {
        same += of->same;
        prompts += of->prompts;
      }
    text += fmt::format(" ({}/{} prompts as in {})", same, prompts, name(*shadow));
  }
  if (s.resolved == 0 && s.models > 0) text += fmt::format(": {}", why_unresolved(result, 0));
  text += fmt::format("; {}/{} predictions out of range", beyond, result.models.size());
  return text + (s.left_out.empty() && s.partly.empty() ? "; 0 left out" : "");
}

// Means over the headline's models of what their controls say; empty where none were asked for.
std::string controls_text(const StudyResult& result) {
  std::vector<double> untrained, same;
  int moved = 0, ladders = 0;
  for (const ModelResult& model : result.models) {
    const ModelScore& s = model.scores[0];
    if (s.mca && s.mca->same) same.push_back(*s.mca->same);
    if (s.untrained && s.untrained->error_pct) untrained.push_back(*s.untrained->error_pct);
    std::set<double> found;
    for (const LengthScore& length : s.lengths)
      if (length.l_star) found.insert(length.agreement ? length.agreement->mode : *length.l_star);
    ladders += !found.empty();
    moved += found.size() > 1;
  }
  std::vector<std::string> all;
  const ControlWishes& wishes = result.study.controls;
  if (wishes.mca > 0)
    all.push_back(same.empty() ? std::string("no L* where rounding is at random")
                               : fmt::format("rounded at random {:.0f}% of L* are the same", 100 * mean(same)));
  if (wishes.untrained > 0)
    all.push_back(untrained.empty() ? std::string("no L* of untrained twins")
                                    : fmt::format("{} is off by {} on {} untrained twins of each", result.study.formula,
                                                  percent(mean(untrained)), wishes.untrained));
  if (!wishes.lengths.empty())
    all.push_back(fmt::format("the likeliest L* changes with length in {} of {} models", moved, ladders));
  return fmt::format("{}", fmt::join(all, "; "));
}

std::string others_text(const StudyResult& result) {
  std::string text;
  for (size_t e = 1; e < result.summaries.size(); ++e) {
    const EstimatorSummary& s = result.summaries[e];
    const auto& better = s.chance.better_than_chance;
    text += fmt::format("{}{} {}", text.empty() ? "" : "; ", s.estimator,
                        !s.overall_mape ? "no error" : "off by " + percent(s.overall_mape));
    if (s.overall_mape)
      text += !better ? ", none resolved" : *better ? ", better than chance" : ", no better than chance";
  }
  return text;
}

// The notebook's words, and how often noise is given the same.
std::string notebook_text(const EstimatorSummary& s) {
  if (s.verdict.empty()) return "its rule has no verdict without an error";
  std::string text = fmt::format("its rule says {}", s.verdict);
  if (s.chance.formulas.empty()) return text;
  const NoiseNull& noise = s.chance.formulas.front().noise;
  const double generalizes = noise.below_10.p, partly = noise.below_15.p - generalizes;
  const double same = *s.overall_mape < 10 ? generalizes : *s.overall_mape < 15 ? partly : 1 - noise.below_15.p;
  return text + fmt::format(", as it does of {:.0f}% of noise", 100 * same);
}

std::string labelled(const char* label, const std::string& text) {
  return wrap(text, kColumns, fmt::format("{:<10}", fmt::format("{}:", label)), 10);
}

// Where prompts were read from, and as what.
std::string from_text(const Study& study) {
  const PromptsRead& read = study.prompts_read;
  if (read.file.empty()) return {};
  return fmt::format(" of {} ({})", shorten_name(one_line(read.file), 40), one_line(read.format));
}

size_t labs_of(const StudyResult& result) {
  std::set<std::string> labs;
  for (const ModelResult& model : result.models) labs.insert(model.entry.lab);
  return labs.size();
}

std::string warnings(const StudyResult& result, const Paint& paint) {
  constexpr size_t kMostWarnings = 3;
  std::string out;
  size_t count = 0;
  for (const ModelResult& model : result.models)
    for (const std::string& warning : model.measurement.warnings)
      if (++count <= kMostWarnings)
        out += paint.yellow(labelled(
            "Warning", fmt::format("{}: {}", shorten_name(one_line(model.entry.name), 40), one_line(warning))));
  if (count > kMostWarnings)
    out += paint.yellow(labelled("Warning", fmt::format("and {} more (--verbose)", count - kMostWarnings)));
  return out;
}

std::string no_results(const StudyResult& result, const Paint& paint) {
  std::string out = "No results!\n";
  for (const FailedModel& failed : result.failed)
    out += paint.red(
        wrap(one_line(failed.error.message()), kColumns, fmt::format("{}: ", one_line(failed.entry.name)), 4));
  return out;
}

}  // namespace

std::vector<std::string> chance_sentences(const StudyResult& result, size_t e) {
  const StudyChance& chance = result.summaries[e].chance;
  std::vector<std::string> all;
  if (chance.assignment)
    all.push_back(fmt::format(
        "Of the {}{} ways to deal these L*/L out among the models, {:.1f}% suit {} as well as the true one (least "
        "attainable p: {:.3g}).",
        chance.assignment->assignments, chance.assignment->is_exact ? "" : " drawn", 100 * chance.assignment->as_good.p,
        result.study.formula, chance.assignment->least_p));
  for (const PairedDifference& pair : chance.paired)
    all.push_back(fmt::format("Less {}: {:+.1f}{}{}.", shown_name(pair.name), pair.difference,
                              pair.labs ? fmt::format("; labs drawn anew {}", interval_text(*pair.labs)) : "",
                              pair.models ? fmt::format("; models drawn anew {}", interval_text(*pair.models)) : ""));
  for (const LeftOutFits& fits : chance.left_out) {
    const char* what = fits.leave_out == LeaveOut::one ? "model" : fits.leave_out == LeaveOut::lab ? "lab" : "shape";
    all.push_back(fmt::format("Leaving out one {}: a constant fraction {}, v3's form fitted again {}.", what,
                              percent(fits.constant),
                              fits.refit ? fmt::format("{} (condition {:.0f})", percent(fits.refit), fits.condition)
                                         : fmt::format("{} (rank {} of 3)", one_line(fits.reason), fits.rank)));
  }
  if (const auto& power = chance.power) {
    all.push_back(
        fmt::format("A study of these models tells a formula from noise, in four of five cases, where it is expected "
                    "to be off by at "
                    "most {}; noise is off by {}.",
                    percent(power->noise.detectable), percent(power->expected)));
    std::string shapes;
    for (const NewModels& shape : power->new_models)
      shapes += fmt::format("{}{} of {} x {} ({})", shapes.empty() ? "" : ", ",
                            shape.models ? std::to_string(*shape.models) : fmt::format("> {}", kMostNewModels),
                            shape.shape.layers, shape.shape.heads, shape.shape.like);
    if (!shapes.empty())
      all.push_back(fmt::format(
          "{} and a constant fraction differ by {} of the depth on these models. If {} were right and L* scattered "
          "about it by {}, so many more models of one shape would tell them apart in four of five studies: {}.",
          result.study.formula, percent(power->differ), result.study.formula, percent(power->scatter), shapes));
  }
  return all;
}

std::string first_screen(const StudyResult& result, const Paint& paint) {
  const Study& study = result.study;
  if (result.models.empty() || result.summaries.empty()) return no_results(result, paint);
  const EstimatorSummary& s = result.summaries[0];
  std::string out = labelled(
      "Asked", fmt::format("{} against L* by {}, {}, in {}; {} of {}, {}{}", study.formula, s.estimator, study.detector,
                           name(study.dtype), counted(static_cast<int64_t>(result.models.size()), "model"),
                           counted(static_cast<int64_t>(labs_of(result)), "lab"),
                           counted(static_cast<int64_t>(study.prompts.size()), "prompt"), from_text(study)));
  out += paint.bold(labelled("Found", found_text(result, 0)));
  out += paint.bold(labelled("Chance", chance_text(result, 0)));
  if (const std::string simpler = simpler_scores(s.chance); !simpler.empty()) out += labelled("Simpler", simpler);
  out += labelled("Seen", seen_text(result, s.chance));
  out += labelled("Resolved", resolved_line(result));
  if (const std::string controls = controls_text(result); !controls.empty()) out += labelled("Controls", controls);
  if (const std::string without = left_out_sentence(result, 0); !without.empty())
    out += paint.yellow(labelled("Left out", without));
  out += models_table(result, paint) + warnings(result, paint);
  if (const std::string others = others_text(result); !others.empty()) out += labelled("Also", others);
  out += labelled("Notebook", notebook_text(s));
  if (!study.note.empty()) out += labelled("Note", one_line(study.note));
  return out;
}

}  // namespace lstar
