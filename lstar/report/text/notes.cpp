#include "lstar/report/text/notes.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

std::string shown(const ModelEntry& entry) { return shorten_name(one_line(entry.name), 40); }
std::string shown(const ModelResult& model) { return shown(model.entry); }

// Why L* of the study's estimator `e` is not resolved where it is not: the reasons in the order in which they occur.
std::vector<std::string> unresolved_reasons(const StudyResult& result, size_t e) {
  std::vector<std::string> reasons;
  const Detector* detector = find_detector(result.study.detector);
  const size_t k = detector ? static_cast<size_t>(detector - detectors().data()) : 0;
  for (const ModelResult& model : result.models)
    for (const ModelTraces& traces : model.traces) {
      if (traces.estimator != result.summaries[e].estimator) continue;
      for (const PromptTrace& prompt : traces.prompts) {
        if (k >= prompt.detections.size()) continue;
        const Detection& found = prompt.detections[k];
        if (found.layer && !found.resolved && std::find(reasons.begin(), reasons.end(), found.reason) == reasons.end())
          reasons.push_back(found.reason);
      }
    }
  return reasons;
}

bool is_rounding(const std::string& reason) { return reason.find("rounding floor") != std::string::npos; }

// Which models an estimator's L* is missing of, one phrase a reason: "A, B (no L*: NaN from layer 8 on)".
std::string left_out_text(std::span<const LeftOut> left_out) {
  constexpr size_t kNamed = 6;
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  for (const LeftOut& out : left_out) {
    const std::string reason = shorten(one_line(out.reason), 90);
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == reason; });
    if (group == groups.end()) group = groups.insert(groups.end(), {reason, {}});
    group->second.push_back(shown(out.entry));
  }
  std::string text;
  for (auto& [reason, names] : groups) {
    const size_t count = names.size();
    if (count > kNamed) names.resize(kNamed);
    const std::string more = count > kNamed ? fmt::format(" and {} more", count - kNamed) : "";
    text += fmt::format("{}{}{} ({})", text.empty() ? "" : "; ", fmt::join(names, ", "), more, reason);
  }
  return text;
}

// What the estimator itself takes from a verdict.
std::string worth(const StudyResult& result, size_t e) {
  const std::string& name = result.summaries[e].estimator;
  int counted = 0, sinks = 0;
  for (const ModelResult& model : result.models) {
    if (!model.scores[e].error_pct) continue;
    ++counted;
    sinks += model.measurement.shape.has_sinks;
  }
  const Estimator& estimator = *find_estimator(name);
  if (estimator.kind == EstimatorKind::residue)
    return name + (sinks == counted ? " is what attention sinks take, no trace"
                                    : " is rounding residue, zero in exact arithmetic");
  return estimator.gauge == Gauge::depends ? name + " depends on how the weights are written (gauge)" : std::string();
}

// Simpler predictions of the same L* that do better, the best first.
std::string simpler_text(const StudyResult& result, size_t e) {
  const EstimatorSummary& s = result.summaries[e];
  std::vector<const Baseline*> better;
  for (const Baseline& baseline : s.baselines)
    if (baseline.is_simple && baseline.name != result.study.formula && baseline.mape && s.overall_mape &&
        *baseline.mape < *s.overall_mape)
      better.push_back(&baseline);
  std::stable_sort(better.begin(), better.end(),
                   [](const Baseline* a, const Baseline* b) { return *a->mape < *b->mape; });
  std::string text;
  for (const Baseline* baseline : better) {
    const std::string& name = baseline->name;
    const std::string_view shown = name == "half"           ? "L/2"
                                   : name == "two_thirds"   ? "2L/3"
                                   : name == "random layer" ? "a random layer"
                                                            : "a constant fraction of L, leave one out";
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", shown, percent(*baseline->mape));
  }
  return text;
}

}  // namespace

std::vector<std::string> estimator_notes(std::span<const std::string> estimators,
                                         std::span<const Measurement* const> models) {
  std::vector<std::string> residues, gauged;
  for (const std::string& name : estimators) {
    const Estimator& estimator = *find_estimator(name);
    if (estimator.kind == EstimatorKind::residue) residues.push_back(name);
    if (estimator.kind == EstimatorKind::product && estimator.gauge == Gauge::depends) gauged.push_back(name);
  }
  const auto count = [&](bool ModelShape::*particular) {
    return static_cast<size_t>(
        std::count_if(models.begin(), models.end(), [&](const Measurement* m) { return m->shape.*particular; }));
  };
  std::vector<std::string> notes;
  const size_t sinks = count(&ModelShape::has_sinks);
  if (!residues.empty() && (models.empty() || sinks < models.size()))
    notes.push_back(fmt::format(
        "{} is rounding residue{}: softmax rows sum to 1, so it is zero in exact arithmetic; an L* of it is where "
        "rounding happened to change most.",
        fmt::join(residues, " and "), sinks > 0 ? " in models without attention sinks" : ""));
  if (!gauged.empty())
    notes.push_back(fmt::format(
        "{} {} on how a model's weights are written (its gauge), which can be changed at will without changing what "
        "the model computes; no such rewriting moves ov_circuit.",
        fmt::join(gauged, " and "), gauged.size() == 1 ? "depends" : "depend"));
  return notes;
}

std::vector<std::string> attention_notes(const Measurement& m) {
  std::vector<std::string> notes;
  if (!m.shape.causal)
    notes.push_back(
        fmt::format("{} sees both ways: a token sees those behind it too, so the first row is like the others, and "
                    "n - tr A may come near n.",
                    shorten_name(one_line(m.identity.model), 40)));
  if (m.shape.has_sinks)
    notes.push_back(fmt::format(
        "{} has attention sinks: what a row gives to its sink it gives to no token. Traces are of the probabilities "
        "over tokens, nothing is renormalised, and as_written is the mass that went to the sinks, not rounding "
        "residue.",
        shorten_name(one_line(m.identity.model), 40)));
  if (m.shape.has_output_norm)
    notes.push_back(fmt::format(
        "{} has a norm behind the output projection, so that W_O times any number computes the same: ov_circuit takes "
        "in the norm's gain and what it divided by on these tokens, held fixed as attention is.",
        shorten_name(one_line(m.identity.model), 40)));
  return notes;
}

// The notebook says "unknown" of what it does not know, which reads as if lstar did not.
std::string family_text(const std::string& family, const std::string& notebook_name) {
  if (notebook_name == family) return family;
  if (notebook_name.empty() || notebook_name == "unknown") return family + " (not among the notebook's)";
  return fmt::format("{} (the notebook's \"{}\")", family, notebook_name);
}

std::string duplicate_note(const ModelEntry& entry, const std::string& same_as) {
  return fmt::format("{}: the same checkpoint as {}, counted once.", shorten_name(one_line(entry.name), 40),
                     shorten_name(one_line(same_as), 40));
}

std::string range_note(const Study& study, const ModelResult& model) {
  if (!model.predicted || model.prediction_in_range) return {};
  return fmt::format("{}: {} predicts L* = {:.1f}, outside the model's layers 0 to {}.", shown(model), study.formula,
                     *model.predicted, model.measurement.shape.layers - 1);
}

std::string why_unresolved(const StudyResult& result, size_t e) {
  const std::vector<std::string> reasons = unresolved_reasons(result, e);
  if (reasons.empty()) return "prompts do not agree on a layer";
  if (std::any_of(reasons.begin(), reasons.end(), is_rounding)) return "this is rounding noise";
  return fmt::format("{}", fmt::join(reasons, "; "));
}

namespace {

std::vector<std::string> caveats_but_chance(const StudyResult& result, size_t e) {
  const EstimatorSummary& s = result.summaries[e];
  std::vector<std::string> caveats;
  if (!s.left_out.empty()) caveats.push_back("without " + left_out_text(s.left_out));
  for (const PartlyLeftOut& out : s.partly)
    caveats.push_back(fmt::format("{} without {} of {} prompts ({})", shown(out.entry), out.prompts, out.of,
                                  shorten(one_line(out.reason), 90)));
  if (s.models == 0) return caveats;
  if (s.resolved == 0)
    caveats.push_back("no L* is resolved: " + why_unresolved(result, e));
  else if (s.resolved < s.models)
    caveats.push_back(fmt::format("{} of {} L* are not resolved", s.models - s.resolved, s.models));
  if (std::string what = worth(result, e); !what.empty()) caveats.push_back(std::move(what));
  if (s.labs.size() < 2) caveats.push_back("one lab cannot show that a formula generalizes");
  if (s.in_sample > 0)
    caveats.push_back(fmt::format("the formula was fitted on labs of {} of {} models ({})", s.in_sample, s.models,
                                  shorten(one_line(fmt::format("{}", fmt::join(result.study.in_sample, ", "))), 50)));
  int beyond = 0;
  for (const ModelResult& model : result.models)
    beyond += model.scores[e].error_pct.has_value() && !model.prediction_in_range;
  if (beyond > 0)
    caveats.push_back(fmt::format("{} of {} predictions name a layer that the model does not have", beyond, s.models));
  if (const std::string simpler = simpler_text(result, e); !simpler.empty())
    caveats.push_back("simpler predictions do better: " + simpler);
  return caveats;
}

}  // namespace

std::vector<std::string> verdict_caveats(const StudyResult& result, size_t e) {
  std::vector<std::string> caveats = caveats_but_chance(result, e);
  const StudyChance& chance = result.summaries[e].chance;
  if (!chance.formulas.empty() && chance.better_than_chance == false)
    caveats.insert(caveats.begin(), "no better than chance: " + chance.reason);
  return caveats;
}

std::string finding(const StudyResult& result, size_t e) {
  const StudyChance& chance = result.summaries[e].chance;
  if (!chance.better_than_chance)
    return fmt::format("nothing can be said of {}: {}", result.study.formula, chance.reason);
  return fmt::format("{} is {}better than chance", result.study.formula, *chance.better_than_chance ? "" : "no ");
}

std::string left_out_sentence(const StudyResult& result, size_t e) {
  const EstimatorSummary& s = result.summaries[e];
  std::vector<std::string> all;
  if (!s.left_out.empty()) all.push_back(left_out_text(s.left_out));
  for (const PartlyLeftOut& out : s.partly)
    all.push_back(fmt::format("{} of {} prompts of {} ({})", out.prompts, out.of, shown(out.entry),
                              shorten(one_line(out.reason), 90)));
  for (const DuplicateModel& duplicate : result.duplicates)
    all.push_back(fmt::format("{} (the same checkpoint as {})", shown(duplicate.entry),
                              shorten_name(one_line(duplicate.same_as), 40)));
  return fmt::format("{}", fmt::join(all, "; "));
}

std::string verdict_sentence(const StudyResult& result, size_t e) {
  const EstimatorSummary& s = result.summaries[e];
  std::string line = fmt::format("{} ({} by {}, {} of {} models, {})", finding(result, e),
                                 s.overall_mape ? percent(*s.overall_mape) : "-", s.estimator, s.models, s.asked,
                                 counted(static_cast<int64_t>(s.labs.size()), "lab"));
  if (!s.verdict.empty()) line += fmt::format("; by the notebook's rule {}", s.verdict);
  for (const std::string& caveat : caveats_but_chance(result, e)) line += "; but " + caveat;
  return line;
}

std::vector<std::string> study_notes(const StudyResult& result) {
  std::vector<std::string> notes;
  if (!result.study.note.empty()) notes.push_back(one_line(result.study.note));
  std::vector<const Measurement*> measured;
  for (const ModelResult& model : result.models) measured.push_back(&model.measurement);
  for (std::string& note : estimator_notes(result.study.estimators, measured)) notes.push_back(std::move(note));
  for (size_t e = 0; e < result.summaries.size(); ++e) {
    // Those that failed stand at the end, and have a section of their own.
    const std::span<const LeftOut> left_out(result.summaries[e].left_out);
    if (const auto others = left_out.first(left_out.size() - result.failed.size()); !others.empty())
      notes.push_back(fmt::format("{}: without {}.", result.summaries[e].estimator, left_out_text(others)));
    int found = 0, unresolved = 0;
    for (const ModelResult& model : result.models) {
      found += model.scores[e].l_star.has_value();
      unresolved += model.scores[e].l_star && !model.scores[e].resolved;
    }
    if (unresolved == 0) continue;
    std::string why;  // what is not a matter of rounding is told as it is
    bool rounds = false;
    for (const std::string& reason : unresolved_reasons(result, e)) {
      if (!is_rounding(reason)) why += (why.empty() ? "" : "; ") + reason;
      rounds = rounds || is_rounding(reason);
    }
    if (rounds) why = "another layer could be it within the floor" + (why.empty() ? "" : "; " + why);
    if (why.empty()) why = "prompts do not agree on a layer";
    notes.push_back(fmt::format("{}: L* of {} of {} models is not resolved (marked ?): {}.",
                                result.summaries[e].estimator, unresolved, found, why));
  }
  notes.push_back(
      "Resolved means that rounding in the summation of the trace could not move L*, that a 16-bit run has it where "
      "float32 has it, and that four of five prompts have one layer.");
  for (const ModelResult& model : result.models) {
    const std::string name = shown(model);
    if (std::string note = range_note(result.study, model); !note.empty()) notes.push_back(std::move(note));
    const auto& prompts = model.measurement.prompts;
    const auto failed =
        std::count_if(prompts.begin(), prompts.end(), [](const auto& p) { return p.error.has_value(); });
    if (failed > 0)
      notes.push_back(
          fmt::format("{}: {} of {} prompts failed and are left out of its mean.", name, failed, prompts.size()));
    if (!model.entry.note.empty()) notes.push_back(fmt::format("{}: {}", name, one_line(model.entry.note)));
    for (std::string& note : attention_notes(model.measurement)) notes.push_back(std::move(note));
  }
  for (const DuplicateModel& duplicate : result.duplicates)
    notes.push_back(duplicate_note(duplicate.entry, duplicate.same_as));
  if (result.study.head_layout == HeadLayout::thirds)
    notes.push_back(
        "Head layout thirds: as_written takes the last third of the fused rows for W_V, as the notebook did; for "
        "GPT-NeoX and BLOOM that is a mixture of Q, K and V of the last heads. All other estimators take the real "
        "W_V.");
  notes.push_back(
      "MAPE is the notebook's, normalised by depth: |predicted - L*| / L; of actual: |predicted - L*| / L*, "
      "over the models whose L* is not 0.");
  return notes;
}

std::string attention_factor(std::string_view estimator) { return std::string(find_estimator(estimator)->attention); }

std::string over_prompts_text(const std::optional<OverPrompts>& value) {
  if (!value) return "none";
  return value->deviation > 0 ? fmt::format("{:.1f} ± {:.1f}", value->mean, value->deviation)
                              : fmt::format("{:g}", value->mean);
}

std::string decides_text(const StudyDecides& d, std::string_view estimator) {
  if (d.verdict.empty()) return d.reason.empty() ? "undecided" : fmt::format("undecided: {}", d.reason);
  const std::string attention = attention_factor(estimator);
  std::string text = d.verdict == "either"      ? fmt::format("the weights or the {}, either alone", attention)
                     : d.verdict == "neither"   ? fmt::format("neither the weights nor the {} alone", attention)
                     : d.verdict == "varies"    ? "differs from prompt to prompt"
                     : d.verdict == "attention" ? fmt::format("the {}", attention)
                                                : "the weights";
  text += fmt::format(" (weights alone L* = {}, {} alone {}", over_prompts_text(d.weights_only), attention,
                      over_prompts_text(d.rest_only));
  if (d.log) text += fmt::format(", log trace {}", over_prompts_text(d.log));
  if (d.permutation_share && d.weights_permutation_share)
    text += fmt::format("; L* stands in {:.0f} % of shuffles of that over layers, and in {:.0f} % of the weights'",
                        100 * *d.permutation_share, 100 * *d.weights_permutation_share);
  if (d.weights_log_std && d.attention_log_std)
    text += fmt::format("; log spread {:.2f} and {:.2f}", *d.weights_log_std, *d.attention_log_std);
  if (d.margin) text += fmt::format("; margin {:.2f}", *d.margin);
  return text + ")";
}

}  // namespace lstar
