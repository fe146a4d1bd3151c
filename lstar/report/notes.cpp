#include "lstar/report/notes.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lstar/report/text_layout.h"

namespace lstar {
namespace {

std::string layer(std::optional<int> value) { return value ? std::to_string(*value) : "none"; }

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

std::string range_note(const Study& study, const ModelResult& model) {
  if (!model.predicted || model.prediction_in_range) return {};
  return fmt::format("{}: {} predicts L* = {:.1f}, outside the model's layers 0 to {}.", one_line(model.entry.name),
                     study.formula, *model.predicted, model.measurement.shape.layers - 1);
}

std::vector<std::string> study_notes(const StudyResult& result) {
  std::vector<std::string> notes = estimator_notes(result.study.estimators);
  for (size_t e = 0; e < result.summaries.size(); ++e) {
    int found = 0, unresolved = 0;
    for (const ModelResult& model : result.models) {
      found += model.scores[e].l_star.has_value();
      unresolved += model.scores[e].l_star && !model.scores[e].resolved;
    }
    if (unresolved > 0)
      notes.push_back(fmt::format("{}: L* of {} of {} models is not resolved (marked ?): rounding could move it.",
                                  result.summaries[e].estimator, unresolved, found));
  }
  for (const ModelResult& model : result.models) {
    if (std::string note = range_note(result.study, model); !note.empty()) notes.push_back(std::move(note));
    if (!model.measurement.weights.has_w_v)
      notes.push_back(
          fmt::format("{}: no W_V was found; its traces are the attention factor alone, as in the notebook.",
                      one_line(model.entry.name)));
  }
  if (result.study.head_layout == HeadLayout::thirds)
    notes.push_back(
        "Head layout thirds: W_V is the last third of the fused rows, as in the notebook; for GPT-NeoX and BLOOM that "
        "is a mixture of Q, K and V of the last heads.");
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
