#include "lstar/report/text/trace_text.h"

#include <cmath>

#include <fmt/core.h>

#include "lstar/analysis/statistics.h"
#include "lstar/report/prompt_results.h"
#include "lstar/report/text/failed_prompts.h"
#include "lstar/report/text/layer_histogram.h"
#include "lstar/report/text/notes.h"
#include "lstar/report/text/prompts_line.h"
#include "lstar/report/text/spectrum_text.h"
#include "lstar/report/text/text_layout.h"
#include "lstar/report/trace_rows.h"
#include "lstar/report/trace_table.h"

namespace lstar {
namespace {

std::string five_digits(std::optional<double> value) {
  return value && std::isfinite(*value) ? fmt::format("{:.5g}", *value) : "-";
}

std::string detection_text(const Detection& found) {
  if (!found.layer) return "none";
  return fmt::format("{}{}", *found.layer, found.resolved ? "" : "?");
}

// Behind a trace's value: * where its L* by argmax_step is, ? where that is not resolved.
char star(std::span<const ModelTraces> traces, const std::string& estimator, size_t row, int layer) {
  for (const ModelTraces& t : traces) {
    if (t.estimator != estimator) continue;
    const Detection& found = t.prompts[row].detections.front();
    if (found.layer == layer) return found.resolved ? '*' : '?';
  }
  return ' ';
}

std::string layers_table(std::span<const ModelTraces> traces, const std::vector<TraceRow>& rows, size_t row,
                         const Paint& paint) {
  TextTable table;
  for (const char* head : {"layer", "tr A", "entropy", "|W_V|^2"}) table.column(head);
  for (const ModelTraces& t : traces)
    if (has_column(t.estimator) && t.is_measured) table.column(t.estimator);
  for (const TraceRow& layer : rows) {
    std::vector<std::string> cells{std::to_string(layer.layer), five_digits(layer.diagonal_sum),
                                   five_digits(layer.attention_entropy), five_digits(layer.w_v_frobenius_sq)};
    for (const TraceRow::Value& value : layer.traces) {
      if (!value.is_measured) continue;
      cells.push_back(five_digits(value.trace) + star(traces, value.estimator, row, layer.layer));
    }
    table.row(std::move(cells));
  }
  return table.str(kColumns, "  ", paint);
}

std::string l_star_table(std::span<const ModelTraces> traces, size_t row, const Paint& paint) {
  TextTable table;
  table.column("L* by", TextTable::Align::left);
  for (const Detector& detector : detectors()) table.column(std::string(detector.name));
  table.column("margin");
  std::string reasons;
  for (const ModelTraces& t : traces) {
    if (!t.is_measured) continue;
    std::vector<std::string> cells{t.estimator};
    for (const Detection& found : t.prompts[row].detections) cells.push_back(detection_text(found));
    const Detection& first = t.prompts[row].detections.front();
    cells.push_back(fixed(first.margin, 2));
    table.row(std::move(cells));
    if (!first.reason.empty()) reasons += wrap(one_line(first.reason), kColumns, fmt::format("  {}: ", t.estimator), 4);
  }
  return table.str(kColumns, "  ", paint) + reasons;
}

std::string next_tokens(const Measurement& m, size_t row) {
  if (row >= m.seen.next_tokens.size() || m.seen.next_tokens[row].empty()) return {};
  std::string list;
  for (size_t k = 0; k < m.seen.next_tokens[row].size(); ++k) {
    const TokenScore& token = m.seen.next_tokens[row][k];
    const bool has_text = row < m.next_pieces.size() && k < m.next_pieces[row].size();
    list += fmt::format("{}{}{} ({:.2f})", list.empty() ? "" : ", ", token.id,
                        has_text ? fmt::format(" \"{}\"", one_line(m.next_pieces[row][k])) : "", token.logit);
  }
  return wrap(list, kColumns, "  next: ", 8);
}

std::vector<FoundLayer> found_layers(const ModelTraces& traces, size_t detector) {
  std::vector<FoundLayer> found;
  for (const PromptTrace& prompt : traces.prompts)
    found.push_back({prompt.detections[detector].layer, prompt.detections[detector].resolved});
  return found;
}

// "18.0 ± 0.4", with a ? where one of them is not resolved; "7.0 ± 0.0 of 2" where other prompts have none.
std::string mean_text(std::span<const FoundLayer> found) {
  std::vector<double> layers;
  bool resolved = true;
  for (const FoundLayer& prompt : found) {
    if (!prompt.layer) continue;
    layers.push_back(*prompt.layer);
    resolved = resolved && prompt.resolved;
  }
  if (layers.empty()) return "none";
  const std::string of = layers.size() < found.size() ? fmt::format(" of {}", layers.size()) : "";
  return fmt::format("{:.1f}{} ± {:.1f}{}", mean(layers), resolved ? "" : "?", population_deviation(layers), of);
}

// L* over prompts by every estimator and detector.
std::string means_table(std::span<const ModelTraces> traces, const Paint& paint) {
  TextTable table;
  table.column("L* by", TextTable::Align::left);
  for (const Detector& detector : detectors()) table.column(std::string(detector.name));
  table.column("resolved");
  table.column("margin");
  for (const ModelTraces& t : traces) {
    if (!t.is_measured) continue;
    std::vector<std::string> cells{t.estimator};
    for (size_t k = 0; k < detectors().size(); ++k) cells.push_back(mean_text(found_layers(t, k)));
    std::vector<double> margins;
    ptrdiff_t resolved = 0;
    for (const PromptTrace& prompt : t.prompts) {
      const Detection& first = prompt.detections.front();
      resolved += first.layer && first.resolved;
      if (first.margin) margins.push_back(*first.margin);
    }
    cells.push_back(fmt::format("{}/{}", resolved, t.prompts.size()));
    cells.push_back(fixed(margins.empty() ? std::nullopt : std::optional(mean(margins)), 2));
    table.row(std::move(cells));
  }
  return table.str(kColumns, "  ", paint);
}

// Many prompts: how their L* are spread, by the estimator that is a study's headline too.
std::string over_prompts(const Measurement& m, std::span<const ModelTraces> traces, const Paint& paint,
                         const AttentionSpectra* spectra) {
  const std::string headline = Study{}.estimators.front();
  const ModelTraces* shown = traces_named(traces, headline);
  std::string out;
  if (shown && !shown->prompts.empty()) {
    const std::vector<FoundLayer> found = found_layers(*shown, 0);
    out +=
        fmt::format("\nL* by {}, {}, prompts by layer: {}\n", headline, detectors().front().name, resolved_text(found));
    out += histogram_text(found, kColumns, 2) + "\n" + means_table(traces, paint);
  }
  out += failed_prompts_text(m, kColumns, 2);
  if (!m.seen.next_tokens.empty()) out += "  Next tokens: --verbose or --json\n";
  if (spectra) out += "  Spectra: --verbose or --json\n";
  return out;
}

std::string each_prompt(const Measurement& m, std::span<const ModelTraces> traces, const Paint& paint,
                        const AttentionSpectra* spectra) {
  std::string out;
  for (size_t i = 0; i < m.prompts.size(); ++i) {
    const MeasuredPrompt& prompt = m.prompts[i];
    const std::string text = prompt.text ? one_line(*prompt.text) : std::string("(token ids)");
    const std::string id = prompt.id ? fmt::format(" ({})", shown_id(*prompt.id)) : "";
    out += fmt::format("\nPrompt {}{}: {} [{} tokens]\n", i + 1, id, shorten(text, 70 - display_width(id)),
                       prompt.ids.size());
    if (!prompt.row) {
      out += wrap(prompt.error ? one_line(prompt.error->message()) : "not run", kColumns, "  FAILED: ", 4);
      continue;
    }
    out += layers_table(traces, trace_rows(m, traces, *prompt.row), *prompt.row, paint);
    out += '\n';
    out += l_star_table(traces, *prompt.row, paint);
    if (spectra) {
      out += '\n';
      out += spectrum_table(*spectra, *prompt.row, paint);
    }
    out += next_tokens(m, *prompt.row);
  }
  return out;
}

}  // namespace

std::string trace_text(const Measurement& m, bool colour, NanPolicy policy, Detail detail,
                       const AttentionSpectra* spectra) {
  const Paint paint{colour};
  const std::vector<ModelTraces> traces = traces_of(m, policy);
  const bool each = shows_each(m.prompts.size(), detail);
  std::string out = paint.bold(one_line(m.identity.model)) + "\n";
  out += fmt::format("{}, L={}, H={}{}, hidden {}, {}, head layout of as_written {}\n", m.shape.family, m.shape.layers,
                     m.shape.heads,
                     m.shape.kv_heads == m.shape.heads ? "" : fmt::format(", {} KV heads", m.shape.kv_heads),
                     m.shape.hidden, name(m.numerics.dtype), name(m.numerics.head_layout));
  if (m.prompts_read && !m.prompts_read->file.empty()) {
    std::vector<Prompt> prompts;
    for (const MeasuredPrompt& prompt : m.prompts) prompts.push_back({.text = prompt.text, .ids = prompt.ids});
    out += wrap(prompts_line(*m.prompts_read, prompts), kColumns, "Read: ", 6);
  }
  for (const std::string& warning : m.warnings) out += wrap(one_line(warning), kColumns, "Warning: ", 2);
  out += each ? each_prompt(m, traces, paint, spectra) : over_prompts(m, traces, paint, spectra);
  std::vector<std::string> shown;
  for (const ModelTraces& t : traces)
    if (t.is_measured) shown.push_back(t.estimator);
  out += '\n';
  const Measurement* const only[] = {&m};
  for (const std::string& note : estimator_notes(shown, only)) out += wrap(note, kColumns, "* ", 2);
  for (const std::string& note : attention_notes(m)) out += wrap(note, kColumns, "* ", 2);
  if (each)
    return out + "* Behind a value: * L* by argmax_step, ? one that is not resolved, because rounding could move it.\n";
  return out +
         "* A mean with ?, and what is pale: L* that are not resolved, because rounding could move them.\n"
         "* Each prompt: --verbose for tables, --csv or --json for all numbers.\n";
}

std::string trace_csv(const Measurement& m, NanPolicy policy, bool per_head) {
  const std::vector<ModelTraces> traces = traces_of(m, policy);
  const TracedModel model[] = {{m.identity.model, m, traces}};
  return per_head ? heads_csv(model) : layers_csv(model, /*texts=*/true);
}

}  // namespace lstar
