#include "lstar/report/json/trace_json.h"

#include <cmath>

#include <fmt/core.h>

#include "lstar/report/detail.h"
#include "lstar/report/json/spectrum_json.h"
#include "lstar/report/text/notes.h"
#include "lstar/report/text/prompts_line.h"
#include "lstar/report/trace_rows.h"
#include "lstar/version.h"

namespace lstar {
namespace {

JsonValue layer_json(const TraceRow& row, bool per_head) {
  JsonValue traces = JsonValue::object(), floors = JsonValue::object();
  for (const TraceRow::Value& value : row.traces) {
    traces[value.estimator] = json_value(std::optional(value.trace));
    floors[value.estimator] = json_value(std::optional(value.floor));
  }
  return {{"layer", row.layer},
          {"attention_sum", json_value(row.attention_sum)},
          {"diagonal_sum", json_value(row.diagonal_sum)},
          {"diagonal_sum_per_head", per_head ? json_array(row.diagonal_sum_per_head) : JsonValue(nullptr)},
          {"attention_entropy", json_value(row.attention_entropy)},
          {"w_v_frobenius_sq", json_value(row.w_v_frobenius_sq)},
          {"w_v_as_written_frobenius_sq", json_value(row.w_v_as_written_sq)},
          {"w_o_frobenius_sq", json_value(row.w_o_frobenius_sq)},
          {"trace", std::move(traces)},
          {"rounding_floor", std::move(floors)}};
}

// Why values of this prompt are null, by key; empty if none is.
JsonValue reasons_json(const std::vector<TraceRow>& rows) {
  JsonValue reasons = JsonValue::object();
  const auto check = [&](const std::string& key, const TraceRow& row, std::optional<double> value) {
    if (reasons.contains(key) || (value && std::isfinite(*value))) return;
    if (value)
      reasons[key] = fmt::format("not finite from layer {} on", row.layer);
    else
      reasons[key] = "not measured";
  };
  for (const TraceRow& row : rows) {
    check("attention_sum", row, row.attention_sum);
    check("diagonal_sum", row, row.diagonal_sum);
    check("attention_entropy", row, row.attention_entropy);
    check("w_v_frobenius_sq", row, row.w_v_frobenius_sq);
    check("w_o_frobenius_sq", row, row.w_o_frobenius_sq);
    for (const TraceRow::Value& value : row.traces)
      check(fmt::format("trace.{}", value.estimator), row,
            value.is_measured ? std::optional(value.trace) : std::nullopt);
  }
  return reasons;
}

JsonValue next_tokens_json(const Measurement& m, size_t row) {
  JsonValue tokens = JsonValue::array();
  for (size_t k = 0; k < m.seen.next_tokens[row].size(); ++k) {
    const TokenScore& token = m.seen.next_tokens[row][k];
    const bool has_text = row < m.next_pieces.size() && k < m.next_pieces[row].size();
    tokens.push_back({{"id", token.id},
                      {"text", has_text ? JsonValue(m.next_pieces[row][k]) : JsonValue(nullptr)},
                      {"logit", json_value(std::optional(token.logit))}});
  }
  return tokens;
}

}  // namespace

JsonValue trace_json(const Measurement& m, NanPolicy policy, bool per_head, const AttentionSpectra* spectra) {
  const bool few = shows_each(m.prompts.size(), Detail::by_count);
  per_head = per_head || few;
  const std::vector<ModelTraces> traces = traces_of(m, policy);
  JsonValue out{{"model", m.identity.model},
                {"revision", json_value(m.identity.revision)},
                {"family", m.shape.family},
                {"arch", m.shape.notebook_name},
                {"layers", m.shape.layers},
                {"heads", m.shape.heads},
                {"kv_heads", m.shape.kv_heads},
                {"head_dim", m.shape.head_dim},
                {"hidden_size", m.shape.hidden},
                {"causal", m.shape.causal},
                {"dtype", name(m.numerics.dtype)},
                {"device", kDevice},
                {"backend", json_or_null(m.backend)},
                {"head_layout", name(m.numerics.head_layout)},
                {"version", kVersion},
                {"checkpoint", json_value(m.identity)},
                {"warnings", m.warnings}};
  std::vector<std::string> shown;
  for (const ModelTraces& t : traces) shown.push_back(t.estimator);
  const Measurement* const only[] = {&m};
  std::vector<std::string> notes = estimator_notes(shown, only);
  for (std::string& note : attention_notes(m)) notes.push_back(std::move(note));
  out["notes"] = notes;

  out["prompts_read"] = prompts_read_json(m.prompts_read.value_or(PromptsRead{.count = m.prompts.size()}),
                                          m.prompts.empty() ? std::nullopt : m.prompts.front().text);
  JsonValue prompts = JsonValue::array();
  for (const MeasuredPrompt& prompt : m.prompts) {
    JsonValue entry{{"id", json_value(prompt.id)},
                    {"text", json_value(prompt.text)},
                    {"token_ids", prompt.ids},
                    {"tokens", prompt.ids.size()}};
    if (!prompt.row) {
      entry["layers"] = JsonValue::array();
      entry["residual_norm"] = JsonValue::array();
      entry["l_star"] = JsonValue::object();
      entry["error"] = prompt.error ? prompt.error->message() : "not run";
      entry["kind"] = prompt.error ? JsonValue(name(prompt.error->kind)) : JsonValue(nullptr);
      prompts.push_back(std::move(entry));
      continue;
    }
    const size_t row = *prompt.row;
    const std::vector<TraceRow> rows = trace_rows(m, traces, row);
    JsonValue layers = JsonValue::array(), l_star = JsonValue::object();
    for (const TraceRow& layer : rows) layers.push_back(layer_json(layer, per_head));
    for (const ModelTraces& t : traces) l_star[t.estimator] = json_detections(t.prompts[row].detections);
    entry["layers"] = std::move(layers);
    entry["residual_norm"] =
        row < m.seen.residual_norm.dim0() ? json_array(m.seen.residual_norm[row]) : JsonValue(nullptr);
    entry["l_star"] = std::move(l_star);
    if (row < m.seen.next_tokens.size() && !m.seen.next_tokens[row].empty())
      entry["next_tokens"] = next_tokens_json(m, row);
    JsonValue reasons = reasons_json(rows);
    if (spectra) add_spectra(*spectra, row, /*every_eigenvalue=*/few, entry["layers"], reasons);
    if (!per_head)
      reasons["diagonal_sum_per_head"] =
          fmt::format("left out of more than {} prompts without --per-head", kFewPrompts);
    if (row >= m.seen.residual_norm.dim0()) reasons["residual_norm"] = "not measured";
    if (!reasons.empty()) entry["reasons"] = std::move(reasons);
    entry["error"] = nullptr;
    entry["kind"] = nullptr;
    prompts.push_back(std::move(entry));
  }
  out["prompts"] = std::move(prompts);
  return out;
}

std::string trace_json_text(const Measurement& m, NanPolicy policy, bool per_head, const AttentionSpectra* spectra) {
  return write_json(trace_json(m, policy, per_head, spectra));
}

}  // namespace lstar
