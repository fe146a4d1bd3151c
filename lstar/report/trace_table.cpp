#include "lstar/report/trace_table.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "lstar/report/csv.h"
#include "lstar/report/trace_rows.h"

namespace lstar {
namespace {

using Number = std::optional<double>;

Number at(const Array2<double>& values, size_t row, size_t column) {
  return row < values.dim0() && column < values.dim1() ? Number(values(row, column)) : Number();
}

Number at(const Array3<double>& values, size_t prompt, size_t layer, size_t head) {
  const bool holds = prompt < values.dim0() && layer < values.dim1() && head < values.dim2();
  return holds ? Number(values(prompt, layer, head)) : Number();
}

std::string id_text(const MeasuredPrompt& prompt) { return prompt.id ? prompt.id->text : ""; }

// Whether tables have columns for it: for what costs more only where it was asked for.
bool has_columns(const Estimator& estimator, std::span<const TracedModel> models) {
  if (!has_column(estimator.name)) return false;
  if (!estimator.wants.has(Want::overlap)) return true;
  return std::any_of(models.begin(), models.end(), [&](const TracedModel& model) {
    return std::any_of(model.traces.begin(), model.traces.end(),
                       [&](const ModelTraces& t) { return t.estimator == estimator.name && t.is_measured; });
  });
}

}  // namespace

std::string layers_csv(std::span<const TracedModel> models, bool texts) {
  std::string out = fmt::format(
      "model,prompt,{}tokens,layer,attention_sum,diagonal_sum,attention_entropy,w_v_frobenius_sq,w_o_frobenius_sq,"
      "residual_norm",
      texts ? "text," : "");
  std::vector<std::string_view> shown;
  for (const Estimator& estimator : estimators())
    if (has_columns(estimator, models)) shown.push_back(estimator.name);
  for (const std::string_view name : shown) out += fmt::format(",{0},{0}_rounding_floor", name);
  out += ",id\n";
  for (const TracedModel& model : models) {
    const Measurement& m = model.measurement;
    for (size_t i = 0; i < m.prompts.size(); ++i) {
      const MeasuredPrompt& prompt = m.prompts[i];
      if (!prompt.row) continue;
      for (const TraceRow& layer : trace_rows(m, model.traces, *prompt.row)) {
        std::vector<std::string> cells{model.name, std::to_string(i + 1)};
        if (texts) cells.push_back(prompt.text.value_or(""));
        cells.push_back(std::to_string(prompt.ids.size()));
        cells.push_back(std::to_string(layer.layer));
        for (const Number number :
             {layer.attention_sum, layer.diagonal_sum, layer.attention_entropy, layer.w_v_frobenius_sq,
              layer.w_o_frobenius_sq, at(m.seen.residual_norm, *prompt.row, static_cast<size_t>(layer.layer))})
          cells.push_back(csv_number(number));
        for (const TraceRow::Value& value : layer.traces) {
          if (std::find(shown.begin(), shown.end(), value.estimator) == shown.end()) continue;
          cells.push_back(csv_number(value.trace));
          cells.push_back(csv_number(std::isfinite(value.trace) ? Number(value.floor) : Number()));
        }
        cells.push_back(id_text(prompt));
        out += csv_row(cells);
      }
    }
  }
  return out;
}

std::string heads_csv(std::span<const TracedModel> models) {
  std::string out =
      "model,prompt,tokens,layer,head,diagonal_sum,off_diagonal_sum,attention_entropy,w_v_frobenius_sq,"
      "ov_frobenius_sq,id\n";
  for (const TracedModel& model : models) {
    const Measurement& m = model.measurement;
    const auto layers = static_cast<size_t>(std::max(0, m.shape.layers)),
               heads = static_cast<size_t>(std::max(0, m.shape.heads));
    for (size_t i = 0; i < m.prompts.size(); ++i) {
      const MeasuredPrompt& prompt = m.prompts[i];
      if (!prompt.row) continue;
      for (size_t l = 0; l < layers; ++l)
        for (size_t h = 0; h < heads; ++h) {
          Number entropy = at(m.seen.entropy, *prompt.row, l, h);
          if (entropy) *entropy /= static_cast<double>(prompt.ids.size());
          const Array2<double>& values = m.weights.w_v_head_sq;
          out += csv_row({model.name, std::to_string(i + 1), std::to_string(prompt.ids.size()), std::to_string(l),
                          std::to_string(h), csv_number(at(m.seen.diagonal, *prompt.row, l, h)),
                          csv_number(at(m.seen.off_diagonal, *prompt.row, l, h)), csv_number(entropy),
                          csv_number(at(values, l, h * values.dim1() / heads)), csv_number(at(m.weights.ov_sq, l, h)),
                          id_text(prompt)});
        }
    }
  }
  return out;
}

}  // namespace lstar
