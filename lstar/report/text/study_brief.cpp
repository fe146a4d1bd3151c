#include "lstar/report/text/study_brief.h"

#include <algorithm>

#include <fmt/core.h>

#include "lstar/report/text/failed_prompts.h"
#include "lstar/report/text/layer_histogram.h"
#include "lstar/report/text/notes.h"

namespace lstar {
namespace {

// The prompts that ran.
std::vector<FoundLayer> found_layers(const ModelResult& model, const ModelScore& score) {
  std::vector<FoundLayer> found;
  for (size_t i = 0; i < score.l_star_per_prompt.size(); ++i)
    if (!model.measurement.prompts[i].error)
      found.push_back({score.l_star_per_prompt[i], score.resolved_per_prompt[i]});
  return found;
}

// "17-23", the least and the largest L*.
std::string range(const ModelScore& score) {
  std::optional<int> least, most;
  for (const std::optional<int>& layer : score.l_star_per_prompt) {
    if (!layer) continue;
    least = std::min(*layer, least.value_or(*layer));
    most = std::max(*layer, most.value_or(*layer));
  }
  if (!least) return "-";
  return *least == *most ? std::to_string(*least) : fmt::format("{}-{}", *least, *most);
}

std::string estimators_table(const ModelResult& model, const Paint& paint) {
  TextTable table;
  table.column("estimator", TextTable::Align::left);
  table.column("L*");
  table.column("layers");
  table.column("predicted");
  table.column("error");
  table.column("resolved");
  table.column("decided by", TextTable::Align::left);
  for (const ModelScore& s : model.scores) {
    const auto& resolved = s.resolved_per_prompt;
    const std::vector<FoundLayer> found = found_layers(model, s);
    const auto run = found.size();
    const auto has = static_cast<size_t>(
        std::count_if(found.begin(), found.end(), [](const FoundLayer& prompt) { return prompt.layer.has_value(); }));
    std::string mean = mean_text(s, 1) + (s.l_star ? fmt::format(" ± {}", fixed(s.l_star_std, 1)) : "");
    if (s.l_star && has < run) mean += fmt::format(" of {}", has);
    table.row({s.estimator, std::move(mean), range(s),
               model.predicted ? fixed(model.predicted, 1) + (model.prediction_in_range ? "" : "!") : "none",
               percent(s.error_pct), fmt::format("{}/{}", std::count(resolved.begin(), resolved.end(), true), run),
               !s.decides                   ? "-"
               : s.decides->verdict.empty() ? "undecided"
                                            : s.decides->verdict});
  }
  return table.str(kColumns, "  ", paint);
}

}  // namespace

std::string marked(const std::string& value, bool resolved) { return resolved ? value : value + "?"; }

std::string mean_text(const ModelScore& s, int digits) {
  return s.l_star ? marked(fixed(s.l_star, digits), s.resolved) : "none";
}

std::string shape_text(const ModelResult& model) {
  const Measurement& m = model.measurement;
  std::string text = family_text(m.shape.family, m.shape.notebook_name);
  if (m.shape.kv_heads != m.shape.heads) text += fmt::format(", {} KV heads", m.shape.kv_heads);
  text += fmt::format(", {} stored as {}", m.identity.format, m.identity.stored_dtype);
  return text;
}

std::string gain_text(const ModelResult& model) {
  const std::string expected =
      model.entry.expected.empty() ? "" : fmt::format(", expected {}", one_line(model.entry.expected));
  const auto& of = model.gain_interval;
  return fmt::format("{:.3f}{} ({}{})", *model.gain, of ? fmt::format(" [{:.3f}, {:.3f}]", of->low, of->high) : "",
                     model.gain_class.empty() ? "neither DAMPEN nor EXPAND is shown" : model.gain_class, expected);
}

std::string model_notes(const Study& study, const ModelResult& model, int width, const Paint& paint) {
  std::string out;
  if (const std::string note = range_note(study, model); !note.empty())
    out += paint.yellow(wrap(note, width, "    Note: ", 4));
  if (!model.entry.note.empty()) out += wrap(one_line(model.entry.note), width, "    Note: ", 4);
  return out;
}

std::string brief_model_text(const Study& study, const ModelResult& model, int width, const Paint& paint) {
  const Measurement& m = model.measurement;
  const ModelScore& s = model.scores.at(0);
  std::string out = fmt::format("\n{}\n", paint.bold(fmt::format("Model: {}", one_line(model.entry.name))));
  out += wrap(one_line(shape_text(model)), width,
              fmt::format("  {} | L={} | H={} | ", one_line(model.entry.lab), m.shape.layers, m.shape.heads), 4);
  for (const std::string& warning : m.warnings) out += wrap(one_line(warning), width, "  Warning: ", 4);
  const std::vector<FoundLayer> found = found_layers(model, s);
  out += fmt::format("  L* by {}, {}, prompts by layer: {}\n", s.estimator, study.detector, resolved_text(found));
  out += histogram_text(found, width, 4);
  out += failed_prompts_text(m, width, 2);
  out += estimators_table(model, paint);
  if (!model.predicted) out += wrap(model.no_prediction, width, "  No prediction: ", 4);
  for (const ModelScore& score : model.scores)
    if (!score.l_star) out += wrap(one_line(score.reason), width, fmt::format("  No L* by {}: ", score.estimator), 4);
  if (model.gain) out += fmt::format("  Gain: {}\n", gain_text(model));
  for (const std::string& note : attention_notes(m)) out += wrap(note, width, "    Note: ", 4);
  return out + model_notes(study, model, width, paint);
}

}  // namespace lstar
