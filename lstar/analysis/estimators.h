// Trace estimators: what one layer's observation and weight norms say about the trace of its sheaf Laplacian.
// analysis/ is pure functions on numbers; it may include base/ and observe/, touches no tensor and no file, owns
// nothing beyond what it returns, and every call is safe from any thread. A new estimator is one more row of the table
// in estimators.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lstar/base/dtype.h"
#include "lstar/observe/observation.h"
#include "lstar/observe/weight_norms.h"

namespace lstar {

// One layer of one prompt. Spans borrow from an Observation and a WeightNorms; what was not measured is empty or NaN.
struct LayerView {
  int64_t n = 0;  // tokens
  int heads = 0;
  int kv_heads = 0;
  std::span<const double> diagonal;      // (heads): tr A^(h)
  std::span<const double> off_diagonal;  // (heads): n - tr A^(h), summed itself
  double rounded_sum = 0;                // float32 sum of the head mean of the rounded probabilities
  double w_v_sq = 0;
  std::optional<double> w_v_cut_sq;     // as_written's, where the notebook took something else for W_V
  std::span<const double> w_v_head_sq;  // (kv_heads)
  std::span<const double> ov_sq;        // (heads)
  double output_scale_sq = 1;           // what a norm behind W_O makes of ov_sq; 1 where there is none
  std::span<const double> overlap;      // (pairs of heads): sum over i != j of A^(h)_ij A^(h')_ij
  std::span<const double> ov_products;  // (pairs of heads): <M_h, M_h'>
};

LayerView layer_view(const Observation&, const WeightNorms&, size_t prompt, size_t layer);

enum class EstimatorKind {
  residue,  // what rounding leaves of a zero
  product,  // weights times attention: the trace of a Laplacian
  factor,   // one of these two alone: the trace of none, with an L* of its own
};

// Whether the number depends on how a model's weights are written (its gauge), which can be changed at will without
// changing what the model computes.
enum class Gauge { depends, free };

struct Estimator {
  std::string_view name;
  std::string_view description;  // the formula in one line
  std::string_view note;         // what its number is worth, one sentence; shown beside it
  EstimatorKind kind;
  Gauge gauge;
  Wants wants;  // what trace() and floor() read of an Observation
  double (*trace)(const LayerView&);
  double (*floor)(const LayerView&, Dtype);  // summation floor: |computed - exact| is at most this (estimators.cpp)
  // Of a product: the weights' factor, which attention is multiplied with if every head attends alike, and what is left
  // of the trace without it, in words.
  double (*weights)(const LayerView&) = nullptr;
  std::string_view attention = {};
};

// as_written, off_diagonal, multi_head, ov_circuit, edge_energy, then the factors weights_only and attention_only.
std::span<const Estimator> estimators();
const Estimator* find_estimator(std::string_view name);  // null if there is none of this name

struct Trace {
  std::vector<double> trace, floor;  // (layers)
  bool is_measured = false;          // what the estimator reads was asked for: without it a NaN means nothing
};

// One prompt's trace over all layers. A value that was not measured is NaN.
Trace trace_of(const Estimator&, const Observation&, const WeightNorms&, size_t prompt, Dtype);

}  // namespace lstar
