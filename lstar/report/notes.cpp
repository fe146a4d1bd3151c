#include "lstar/report/notes.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lstar/report/text_layout.h"

namespace lstar {
namespace {

std::string layer(std::optional<int> value) { return value ? std::to_string(*value) : "none"; }

std::string shown(const ModelResult& model) { return shorten(one_line(model.entry.name), 40); }

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

}  // namespace

std::vector<std::string> estimator_notes(std::span<const std::string> estimators) {
  const auto has = [&](std::string_view name) {
    return std::find(estimators.begin(), estimators.end(), name) != estimators.end();
  };
  std::vector<std::string> notes;
  if (has("as_written"))
    notes.push_back(
        "as_written is rounding residue: softmax rows sum to 1, so it is zero in exact arithmetic and its L* is where "
        "rounding happened to change most.");
  std::string gauged;
  for (const std::string_view name : {"off_diagonal", "multi_head"})
    if (has(name)) gauged.append(gauged.empty() ? "" : " and ").append(name);
  if (!gauged.empty())
    notes.push_back(fmt::format(
        "{} {} on how a model's weights are written (its gauge), which can be changed at will without changing what "
        "the model computes; ov_circuit depends on the latter alone.",
        gauged, gauged.find(' ') == std::string::npos ? "depends" : "depend"));
  return notes;
}

std::vector<std::string> attention_notes(const Measurement& m) {
  std::vector<std::string> notes;
  if (!m.shape.causal)
    notes.push_back(
        fmt::format("{} sees both ways: a token sees those behind it too, so the first row is like the others, and "
                    "n - tr A may come near n.",
                    shorten(one_line(m.identity.model), 40)));
  if (m.shape.has_sinks)
    notes.push_back(fmt::format(
        "{} has attention sinks: what a row gives to its sink it gives to no token. Traces are of the probabilities "
        "over "
        "tokens, nothing is renormalised, and as_written is the mass that went to the sinks, not rounding residue.",
        shorten(one_line(m.identity.model), 40)));
  return notes;
}

// The notebook says "unknown" of what it does not know, which reads as if lstar did not.
std::string family_text(const std::string& family, const std::string& notebook_name) {
  if (notebook_name == family) return family;
  if (notebook_name.empty() || notebook_name == "unknown") return family + " (not among the notebook's)";
  return fmt::format("{} (the notebook's \"{}\")", family, notebook_name);
}

std::string duplicate_note(const ModelEntry& entry, const std::string& same_as) {
  return fmt::format("{}: the same checkpoint as {}, counted once.", shorten(one_line(entry.name), 40),
                     shorten(one_line(same_as), 40));
}

std::string range_note(const Study& study, const ModelResult& model) {
  if (!model.predicted || model.prediction_in_range) return {};
  return fmt::format("{}: {} predicts L* = {:.1f}, outside the model's layers 0 to {}.", shown(model), study.formula,
                     *model.predicted, model.measurement.shape.layers - 1);
}

std::string why_unresolved(const StudyResult& result, size_t e) {
  const std::vector<std::string> reasons = unresolved_reasons(result, e);
  if (reasons.empty() || std::any_of(reasons.begin(), reasons.end(), is_rounding)) return "this is rounding noise";
  return fmt::format("{}", fmt::join(reasons, "; "));
}

std::vector<std::string> verdict_caveats(const StudyResult& result, size_t e) {
  const EstimatorSummary& s = result.summaries[e];
  std::vector<std::string> caveats;
  if (s.models == 0) return caveats;
  if (s.resolved == 0)
    caveats.push_back("no L* is resolved: " + why_unresolved(result, e));
  else if (s.resolved < s.models)
    caveats.push_back(fmt::format("{} of {} L* are not resolved", s.models - s.resolved, s.models));
  if (s.labs.size() < 2) caveats.push_back("one lab cannot show that a formula generalizes");
  int beyond = 0;
  for (const ModelResult& model : result.models)
    beyond += model.scores[e].error_pct.has_value() && !model.prediction_in_range;
  if (beyond > 0)
    caveats.push_back(fmt::format("{} of {} predictions name a layer that the model does not have", beyond, s.models));
  return caveats;
}

std::vector<std::string> study_notes(const StudyResult& result) {
  std::vector<std::string> notes;
  if (!result.study.note.empty()) notes.push_back(one_line(result.study.note));
  for (std::string& note : estimator_notes(result.study.estimators)) notes.push_back(std::move(note));
  for (size_t e = 0; e < result.summaries.size(); ++e) {
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
    notes.push_back(fmt::format("{}: L* of {} of {} models is not resolved (marked ?): {}.",
                                result.summaries[e].estimator, unresolved, found, why));
  }
  notes.push_back(
      "Resolved means that rounding in the summation of the trace could not move L*; what the dtype rounds in the "
      "forward pass before it is not in that bound.");
  for (const ModelResult& model : result.models) {
    const std::string name = shown(model);
    if (std::string note = range_note(result.study, model); !note.empty()) notes.push_back(std::move(note));
    const auto& prompts = model.measurement.prompts;
    const auto failed =
        std::count_if(prompts.begin(), prompts.end(), [](const auto& p) { return p.error.has_value(); });
    if (failed > 0)
      notes.push_back(
          fmt::format("{}: {} of {} prompts failed and are left out of its mean.", name, failed, prompts.size()));
    if (!model.scores.empty() && !model.scores[0].l_star)
      notes.push_back(fmt::format("{}: no L*: {}.", name, one_line(model.scores[0].reason)));
    for (std::string& note : attention_notes(model.measurement)) notes.push_back(std::move(note));
    if (!model.measurement.weights.has_w_v)
      notes.push_back(
          fmt::format("{}: no W_V was found; its traces are the attention factor alone, as in the notebook.", name));
  }
  for (const DuplicateModel& duplicate : result.duplicates)
    notes.push_back(duplicate_note(duplicate.entry, duplicate.same_as));
  if (result.study.head_layout == HeadLayout::thirds)
    notes.push_back(
        "Head layout thirds: W_V is the last third of the fused rows, as in the notebook; for GPT-NeoX and BLOOM that "
        "is a mixture of Q, K and V of the last heads. ov_circuit takes the real W_V all the same.");
  notes.push_back(
      "MAPE is the notebook's, normalised by depth: |predicted - L*| / L; of actual: |predicted - L*| / L*.");
  return notes;
}

std::string decides_text(const Decides& d) {
  if (d.verdict.empty()) return d.reason.empty() ? "undecided" : fmt::format("undecided: {}", d.reason);
  std::string text = d.verdict == "both" ? "weights and attention together" : fmt::format("the {}", d.verdict);
  text += fmt::format(" (weights alone L* = {}, attention alone {}", layer(d.weights_only), layer(d.attention_only));
  if (d.log) text += fmt::format(", log trace {}", *d.log);
  if (d.permutation_share)
    text += fmt::format("; shuffling attention over layers leaves L* in {:.0f} %", 100 * *d.permutation_share);
  if (d.weights_log_std && d.attention_log_std)
    text += fmt::format("; log spread {:.2f} and {:.2f}", *d.weights_log_std, *d.attention_log_std);
  if (d.margin) text += fmt::format("; margin {:.2f}", *d.margin);
  return text + ")";
}

}  // namespace lstar
