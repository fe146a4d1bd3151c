// One prompt's numbers layer by layer, as every rendering of a trace shows them. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/study/study.h"

namespace lstar {

struct TraceRow {
  struct Value {
    std::string estimator;
    double trace = 0, floor = 0;
    bool is_measured = true;
  };
  int layer = 0;
  // None where not measured.
  std::optional<double> attention_sum;            // of the head mean of the rounded probabilities
  std::optional<double> diagonal_sum;             // tr of the head mean, unrounded
  std::span<const double> diagonal_sum_per_head;  // (heads); borrows from the measurement
  std::optional<double> attention_entropy;        // mean over heads and rows, nats
  std::optional<double> w_v_frobenius_sq, w_o_frobenius_sq;
  std::optional<double> w_v_as_written_sq;  // what as_written takes for w_v_frobenius_sq
  std::vector<Value> traces;                // of the estimators that have a column, in the order of estimators()
};

// Whether tables of layers show it: a factor has an L*, but is the trace of no Laplacian.
bool has_column(std::string_view estimator);

// `row` is the prompt's row in the observation; `traces` are traces_of(measurement).
std::vector<TraceRow> trace_rows(const Measurement&, std::span<const ModelTraces> traces, size_t row);

}  // namespace lstar
