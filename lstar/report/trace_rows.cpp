#include "lstar/report/trace_rows.h"

#include <algorithm>
#include <numeric>

namespace lstar {
namespace {

double sum(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

bool holds(const Array3<double>& array, size_t prompt, size_t layer) {
  return prompt < array.dim0() && layer < array.dim1() && array.dim2() > 0;
}

std::optional<double> at(const std::vector<double>& values, size_t layer) {
  return layer < values.size() ? std::optional(values[layer]) : std::nullopt;
}

}  // namespace

bool has_column(std::string_view estimator) { return find_estimator(estimator)->kind != EstimatorKind::factor; }

std::vector<TraceRow> trace_rows(const Measurement& m, std::span<const ModelTraces> traces, size_t row) {
  const Observation& seen = m.seen;
  std::vector<TraceRow> rows;
  for (size_t l = 0; l < static_cast<size_t>(std::max(0, m.shape.layers)); ++l) {
    TraceRow out{.layer = static_cast<int>(l)};
    if (row < seen.rounded_sum.dim0() && l < seen.rounded_sum.dim1()) out.attention_sum = seen.rounded_sum(row, l);
    if (holds(seen.diagonal, row, l)) {
      out.diagonal_sum_per_head = seen.diagonal(row, l);
      out.diagonal_sum = sum(out.diagonal_sum_per_head) / static_cast<double>(seen.diagonal.dim2());
    }
    if (holds(seen.entropy, row, l) && seen.tokens[row] > 0)
      out.attention_entropy =
          sum(seen.entropy(row, l)) / static_cast<double>(seen.entropy.dim2()) / static_cast<double>(seen.tokens[row]);
    out.w_v_frobenius_sq = at(m.weights.w_v_sq, l);
    out.w_v_as_written_sq = at(m.weights.w_v_cut_sq.empty() ? m.weights.w_v_sq : m.weights.w_v_cut_sq, l);
    out.w_o_frobenius_sq = at(m.weights.w_o_sq, l);
    for (const ModelTraces& t : traces) {
      if (!has_column(t.estimator)) continue;
      const PromptTrace& prompt = t.prompts[row];
      if (l < prompt.trace.size()) out.traces.push_back({t.estimator, prompt.trace[l], prompt.floor[l], t.is_measured});
    }
    rows.push_back(std::move(out));
  }
  return rows;
}

}  // namespace lstar
