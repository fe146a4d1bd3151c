#include "lstar/report/text/trace_text.h"

#include <cmath>

#include <fmt/core.h>

#include "lstar/report/csv.h"
#include "lstar/report/text/notes.h"
#include "lstar/report/text/prompts_line.h"
#include "lstar/report/text/text_layout.h"
#include "lstar/report/trace_rows.h"

namespace lstar {
namespace {

constexpr int kWidth = 100;

std::string number(std::optional<double> value) {
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
    if (has_column(t.estimator)) table.column(t.estimator);
  for (const TraceRow& layer : rows) {
    std::vector<std::string> cells{std::to_string(layer.layer), number(layer.diagonal_sum),
                                   number(layer.attention_entropy), number(layer.w_v_frobenius_sq)};
    for (const TraceRow::Value& value : layer.traces)
      cells.push_back(number(value.trace) + star(traces, value.estimator, row, layer.layer));
    table.row(std::move(cells));
  }
  return table.str(kWidth, "  ", paint);
}

std::string l_star_table(std::span<const ModelTraces> traces, size_t row, const Paint& paint) {
  TextTable table;
  table.column("L* by", TextTable::Align::left);
  for (const Detector& detector : detectors()) table.column(std::string(detector.name));
  table.column("margin");
  std::string reasons;
  for (const ModelTraces& t : traces) {
    std::vector<std::string> cells{t.estimator};
    for (const Detection& found : t.prompts[row].detections) cells.push_back(detection_text(found));
    const Detection& first = t.prompts[row].detections.front();
    cells.push_back(fixed(first.margin, 2));
    table.row(std::move(cells));
    if (!first.reason.empty()) reasons += wrap(one_line(first.reason), kWidth, fmt::format("  {}: ", t.estimator), 4);
  }
  return table.str(kWidth, "  ", paint) + reasons;
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
  return wrap(list, kWidth, "  next: ", 8);
}

}  // namespace

std::string trace_text(const Measurement& m, bool colour, NanPolicy policy) {
  const Paint paint{colour};
  const std::vector<ModelTraces> traces = traces_of(m, policy);
  std::string out = paint.bold(one_line(m.identity.model)) + "\n";
  out += fmt::format("{}, L={}, H={}{}, hidden {}, {}, head layout of as_written {}\n", m.shape.family, m.shape.layers,
                     m.shape.heads,
                     m.shape.kv_heads == m.shape.heads ? "" : fmt::format(", {} KV heads", m.shape.kv_heads),
                     m.shape.hidden, name(m.numerics.dtype), name(m.numerics.head_layout));
  if (m.prompts_read && !m.prompts_read->file.empty()) {
    std::vector<Prompt> prompts;
    for (const MeasuredPrompt& prompt : m.prompts) prompts.push_back({.text = prompt.text, .ids = prompt.ids});
    out += wrap(prompts_line(*m.prompts_read, prompts), kWidth, "Read: ", 6);
  }
  for (const std::string& warning : m.warnings) out += wrap(one_line(warning), kWidth, "Warning: ", 2);
  for (size_t i = 0; i < m.prompts.size(); ++i) {
    const MeasuredPrompt& prompt = m.prompts[i];
    const std::string text = prompt.text ? one_line(*prompt.text) : std::string("(token ids)");
    const std::string id = prompt.id ? fmt::format(" ({})", shown_id(*prompt.id)) : "";
    out += fmt::format("\nPrompt {}{}: {} [{} tokens]\n", i + 1, id, shorten(text, 70 - display_width(id)),
                       prompt.ids.size());
    if (!prompt.row) {
      out += wrap(prompt.error ? one_line(prompt.error->message()) : "not run", kWidth, "  FAILED: ", 4);
      continue;
    }
    out += layers_table(traces, trace_rows(m, traces, *prompt.row), *prompt.row, paint);
    out += '\n';
    out += l_star_table(traces, *prompt.row, paint);
    out += next_tokens(m, *prompt.row);
  }
  std::vector<std::string> shown;
  for (const ModelTraces& t : traces) shown.push_back(t.estimator);
  out += '\n';
  const Measurement* const only[] = {&m};
  for (const std::string& note : estimator_notes(shown, only)) out += wrap(note, kWidth, "* ", 2);
  for (const std::string& note : attention_notes(m)) out += wrap(note, kWidth, "* ", 2);
  return out + "* Behind a value: * L* by argmax_step, ? one that is not resolved, because rounding could move it.\n";
}

std::string trace_csv(const Measurement& m, NanPolicy policy) {
  const std::vector<ModelTraces> traces = traces_of(m, policy);
  std::string out =
      "model,prompt,text,tokens,layer,attention_sum,diagonal_sum,attention_entropy,w_v_frobenius_sq,"
      "w_o_frobenius_sq,residual_norm";
  for (const ModelTraces& t : traces)
    if (has_column(t.estimator)) out += fmt::format(",{0},{0}_rounding_floor", t.estimator);
  out += ",id\n";
  for (size_t i = 0; i < m.prompts.size(); ++i) {
    const MeasuredPrompt& prompt = m.prompts[i];
    if (!prompt.row) continue;
    const size_t row = *prompt.row;
    for (const TraceRow& layer : trace_rows(m, traces, row)) {
      const auto l = static_cast<size_t>(layer.layer);
      std::optional<double> norm;
      if (row < m.seen.residual_norm.dim0() && l < m.seen.residual_norm.dim1()) norm = m.seen.residual_norm(row, l);
      std::vector<std::string> cells{m.identity.model,
                                     std::to_string(i + 1),
                                     prompt.text.value_or(""),
                                     std::to_string(prompt.ids.size()),
                                     std::to_string(layer.layer),
                                     csv_number(layer.attention_sum),
                                     csv_number(layer.diagonal_sum),
                                     csv_number(layer.attention_entropy),
                                     csv_number(layer.w_v_frobenius_sq),
                                     csv_number(layer.w_o_frobenius_sq),
                                     csv_number(norm)};
      for (const TraceRow::Value& value : layer.traces) {
        cells.push_back(csv_number(value.trace));
        cells.push_back(csv_number(value.floor));
      }
      cells.push_back(prompt.id ? prompt.id->text : "");
      out += csv_row(cells);
    }
  }
  return out;
}

}  // namespace lstar
