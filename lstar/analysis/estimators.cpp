#include "lstar/analysis/estimators.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace lstar {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Summation floors.
//
// They bound what rounding does to a trace between the attention scores and the number shown. The scores themselves and
// the weight norms (summed in double) are taken as given, so a floor says how far the summation can be trusted, not the
// whole forward pass.
//
// Notation: u is the unit roundoff of the arithmetic the softmax runs in (float32 for float32, float16 and bfloat16
// runs; float64 for float64), u64 that of double. k successive roundings leave a relative error of at most
// gamma(k) = k u / (1 - k u), and a sum of non-negative terms is no worse than its longest chain of additions.
double gamma(double roundings, double u) { return roundings * u / (1 - roundings * u); }

// Sums over keys run in the softmax's own arithmetic inside a block of keys and in double from block to block.
constexpr double kKeyBlock = 512;
// A library exp is good to a few units in the last place; moving a partial sum to a new row maximum costs one more exp
// and a multiplication.
constexpr double kExpRoundings = 4;
constexpr double kRescaleRoundings = kExpRoundings + 1;

// Roundings in one sum of exponentials over the keys of a row.
double row_sum_roundings(int64_t n) {
  return std::min(static_cast<double>(n), kKeyBlock) - 1 + kExpRoundings + kRescaleRoundings;
}

// The off-diagonal mass of a head is a sum of non-negative terms over one row's normaliser, so its error is relative:
// the sum above, the sum below and the division; then rows and heads are added, and multiplied by norms, in double.
// Weighted sums over heads with non-negative weights inherit the bound.
double relative_floor(const LayerView& layer, Dtype dtype) {
  const double u64 = unit_roundoff(Dtype::float64);
  const double u = dtype == Dtype::float64 ? u64 : unit_roundoff(Dtype::float32);
  const double relative =
      gamma(2 * row_sum_roundings(layer.n) + 1, u) + gamma(2 * static_cast<double>(layer.n) + layer.heads + 4, u64);
  return relative / (1 - relative);  // from relative to the exact value to relative to the computed one
}

// |S - n| for the sum S of the head mean of rounded probabilities. Every row sums to 1 exactly, so all of S - n is
// rounding: the row's normaliser, two exps that stand for the same number and a division (float32). The two are given
// distances from two maxima, that of the keys so far and the row's; a distance s rounds by s u and moves its exp by as
// much, on average over the row by at most ln n u, since sum p (m - s) is the row's entropy - ln Z. Each probability is
// rounded to the dtype (relative error of its own unit roundoff, and half a spacing of subnormals for float16's
// smallest); heads added and divided by their number, then a row's n entries and n rows added (float32).
double attention_sum_floor(const LayerView& layer, Dtype dtype) {
  const double n = static_cast<double>(layer.n);
  const double u32 = unit_roundoff(Dtype::float32);
  const double u = std::max(unit_roundoff(dtype), u32);  // the notebook's arithmetic is float32 whatever the run's
  const double float32_roundings =
      row_sum_roundings(layer.n) + kExpRoundings + 2 * std::log(n) + 1 + layer.heads + 2 * n;
  const double subnormals = dtype == Dtype::float16 ? n * (n + 1) / 2 * 0x1p-25 : 0;
  return n * ((1 + u) * (1 + gamma(float32_roundings, u32)) - 1) + subnormals;
}

double notebook_weight(const LayerView& layer) {
  return layer.has_w_v ? static_cast<double>(static_cast<float>(layer.w_v_sq)) : 1.0;
}

double as_written(const LayerView& layer) {
  return std::fabs((layer.rounded_sum - static_cast<double>(layer.n)) * notebook_weight(layer));
}
double as_written_floor(const LayerView& layer, Dtype dtype) {
  return attention_sum_floor(layer, dtype) * notebook_weight(layer);
}

// Mean over heads of n - tr A^(h).
double attention_only(const LayerView& layer) {
  if (layer.off_diagonal.empty()) return kNan;
  double sum = 0;
  for (const double mass : layer.off_diagonal) sum += mass;
  return sum / static_cast<double>(layer.off_diagonal.size());
}
double attention_only_floor(const LayerView& layer, Dtype dtype) {
  return attention_only(layer) * relative_floor(layer, dtype);
}

double weights_only(const LayerView& layer) { return layer.has_w_v ? layer.w_v_sq : kNan; }
double weights_only_floor(const LayerView&, Dtype) { return 0; }

double off_diagonal(const LayerView& layer) { return attention_only(layer) * (layer.has_w_v ? layer.w_v_sq : 1.0); }
double off_diagonal_floor(const LayerView& layer, Dtype dtype) {
  return off_diagonal(layer) * relative_floor(layer, dtype);
}

double multi_head(const LayerView& layer) {
  const size_t heads = layer.off_diagonal.size(), kv_heads = layer.w_v_head_sq.size();
  if (heads == 0 || (layer.has_w_v && kv_heads == 0)) return kNan;
  double sum = 0;
  for (size_t h = 0; h < heads; ++h)
    sum += layer.off_diagonal[h] * (layer.has_w_v ? layer.w_v_head_sq[h * kv_heads / heads] : 1.0);
  return sum;
}
double multi_head_floor(const LayerView& layer, Dtype dtype) {
  return multi_head(layer) * relative_floor(layer, dtype);
}

double ov_circuit(const LayerView& layer) {
  const size_t heads = layer.off_diagonal.size();
  if (heads == 0 || layer.ov_sq.size() != heads) return kNan;
  double sum = 0;
  for (size_t h = 0; h < heads; ++h) sum += layer.off_diagonal[h] * layer.ov_sq[h];
  return sum;
}
double ov_circuit_floor(const LayerView& layer, Dtype dtype) {
  return ov_circuit(layer) * relative_floor(layer, dtype);
}

constexpr std::array<Estimator, 6> kEstimators{{
    {.name = "as_written",
     .description = "|(sum of A - n) * ||W_V||^2|, rounded as in the notebook",
     .note = "rounding residue: the rows of A sum to 1, so this is zero in exact arithmetic",
     .wants = Want::rounded_sum,
     .trace = as_written,
     .floor = as_written_floor},
    {.name = "off_diagonal",
     .description = "(n - tr A) * ||W_V||^2, A the mean over heads",
     .note = "depends on how a model's weights are written, not only on what it computes",
     .wants = Want::diagonal,
     .trace = off_diagonal,
     .floor = off_diagonal_floor},
    {.name = "multi_head",
     .description = "sum over heads of (n - tr A_h) * ||W_V of its KV head||^2",
     .note = "depends on how a model's weights are written, not only on what it computes",
     .wants = Want::diagonal,
     .trace = multi_head,
     .floor = multi_head_floor},
    {.name = "ov_circuit",
     .description = "sum over heads of (n - tr A_h) * ||W_O W_V diag(gain)||^2, means that norms remove left out",
     .note = "the same for every way of writing weights that computes the same model",
     .wants = Want::diagonal,
     .trace = ov_circuit,
     .floor = ov_circuit_floor},
    {.name = "weights_only",
     .description = "||W_V||^2, the weights factor alone",
     .note = "needs no prompt",
     .wants = Wants(),
     .trace = weights_only,
     .floor = weights_only_floor},
    {.name = "attention_only",
     .description = "n - tr A, the attention factor alone",
     .note = "at most n - 1: compare (n - tr A) / (n - 1) across prompts",
     .wants = Want::diagonal,
     .trace = attention_only,
     .floor = attention_only_floor},
}};

// Row i of an array, or nothing where the array was not filled.
std::span<const double> row_or_empty(const Array2<double>& array, size_t i) {
  return i < array.dim0() ? array[i] : std::span<const double>();
}
std::span<const double> row_or_empty(const Array3<double>& array, size_t i, size_t j) {
  return i < array.dim0() && j < array.dim1() ? array(i, j) : std::span<const double>();
}

}  // namespace

LayerView layer_view(const Observation& seen, const WeightNorms& norms, size_t prompt, size_t layer) {
  LayerView view;
  view.n = seen.tokens[prompt];
  view.diagonal = row_or_empty(seen.diagonal, prompt, layer);
  view.off_diagonal = row_or_empty(seen.off_diagonal, prompt, layer);
  const std::span<const double> sums = row_or_empty(seen.rounded_sum, prompt);
  view.rounded_sum = layer < sums.size() ? sums[layer] : kNan;
  view.has_w_v = norms.has_w_v;
  view.w_v_sq = layer < norms.w_v_sq.size() ? norms.w_v_sq[layer] : kNan;
  view.w_v_head_sq = row_or_empty(norms.w_v_head_sq, layer);
  view.ov_sq = row_or_empty(norms.ov_sq, layer);
  view.heads = static_cast<int>(std::max(view.off_diagonal.size(), view.ov_sq.size()));
  view.kv_heads = static_cast<int>(view.w_v_head_sq.size());
  return view;
}

std::span<const Estimator> estimators() { return kEstimators; }

const Estimator* find_estimator(std::string_view name) {
  const auto* found =
      std::find_if(kEstimators.begin(), kEstimators.end(), [&](const auto& e) { return e.name == name; });
  return found == kEstimators.end() ? nullptr : found;
}

Trace trace_of(const Estimator& estimator, const Observation& seen, const WeightNorms& norms, size_t prompt,
               Dtype dtype) {
  const size_t layers = std::max({norms.w_v_sq.size(), seen.off_diagonal.dim1(), seen.rounded_sum.dim1()});
  Trace trace;
  for (size_t l = 0; l < layers; ++l) {
    const LayerView layer = layer_view(seen, norms, prompt, l);
    trace.trace.push_back(estimator.trace(layer));
    trace.floor.push_back(estimator.floor(layer, dtype));
  }
  return trace;
}

}  // namespace lstar
