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
// They bound what rounding does to a trace between the attention scores and the number shown. The scores themselves,
// the weight norms (summed in double) and what a norm behind W_O divides by are taken as given, so a floor says how far
// the summation can be trusted, not the whole forward pass.
//
// Notation: u is the unit roundoff of the arithmetic the softmax runs in (float32 for float32, float16 and bfloat16
// runs; float64 for float64), u64 that of double. k successive roundings leave a relative error of at most
// gamma(k) = k u / (1 - k u), and a sum of non-negative terms is no worse than its longest chain of additions.
// For one row, s_j are its scores, m the largest, d_j = m - s_j, w_j = e^-d_j, Z the sum of the w_j and p_j = w_j / Z.
double gamma(double roundings, double u) { return roundings * u / (1 - roundings * u); }

double softmax_roundoff(Dtype dtype) { return unit_roundoff(dtype == Dtype::float64 ? dtype : Dtype::float32); }

// A library exp is good to a few units in the last place; moving a partial sum to a new row maximum costs one more exp
// and a multiplication, both in double.
constexpr double kExpRoundings = 4;
constexpr double kRescaleRoundings = kExpRoundings + 1;
constexpr int64_t kMostLanes = 16;  // of a vector

// Roundings of a weight and of the sum over keys that it enters, in the softmax's arithmetic and in double. The second
// count holds for blocks of any length, even of one key.
double row_sum_roundings(double n) { return std::min<double>(n, kLargestKeyBlock) - 1 + kExpRoundings; }
double row_sum_roundings64(double n) { return n * (1 + kRescaleRoundings); }

// A distance is rounded too: e^-d_j is taken of d_j (1 + u), or of parts of d_j, each as good, that the running maximum
// leaves. That moves w_j by u d_j of itself, which no multiple of u bounds, but its share p_j by u p_j d_j only, and
// over a row sum p_j d_j = entropy - ln Z <= ln n, since an entropy is at most ln n and Z >= 1.
double distance_error(double n, double u) { return u * std::log(n); }

// A weight below the smallest normal number, whether kept as a subnormal or taken for 0, is off by less than that
// number; any other has d_j < 88 (double: 709), so u d_j is small wherever it counts.
double smallest_normal(double u) {
  return u > unit_roundoff(Dtype::float64) ? std::numeric_limits<float>::min() : std::numeric_limits<double>::min();
}

// Products of two of these errors are left out below, as is the difference between a mass and its computed value where
// an error is relative to it. Up to a hundred million tokens each error is below 2^-13 of what it concerns, and fewer
// than eight of them meet.
constexpr double kSecondOrder = 1 + 0x1p-10;

// |computed - exact| of sum_h c_h off_h, with off_h the off-diagonal mass of head h and c_h >= 0, where the computed
// sum is `trace` and `weight` is the sum of the c_h.
//
// Take one row of a head: O the sum of the w_j over j != i, a = w_i and F = O / (O + a) the row's off-diagonal mass.
// Where w_j is computed as w_j (1 + e_j), F moves by (a sum_{j != i} w_j e_j - O a e_i) / (Z Z'), Z' being the computed
// Z: up to second order by at most
//     p_i sum_{j != i} p_j |e_j| + F p_i |e_i|.
// The roundings that every weight shares, |e_j| <= alpha, give 2 alpha p_i F <= 2 alpha F: an error relative to the
// off-diagonal mass, however small that is. Those of the distances, |e_j| <= u d_j, give at most u sum_j p_j d_j <=
// u ln n, as neither p_i nor F exceeds 1: absolute, because in a row that attends to itself F can be tiny and its d_j
// large. A weight off by an absolute t moves F by at most t, as Z >= 1.
//
// Adding Z, dividing, adding rows and heads and multiplying by norms then happen in double, all with non-negative
// terms.
double mass_floor(const LayerView& layer, Dtype dtype, double trace, double weight) {
  const double n = static_cast<double>(layer.n), u = softmax_roundoff(dtype), u64 = unit_roundoff(Dtype::float64);
  const double relative =
      2 * gamma(row_sum_roundings(n), u) + 2 * gamma(row_sum_roundings64(n), u64) + gamma(2 + n + layer.heads + 2, u64);
  const double absolute = n * (distance_error(n, u) + n * smallest_normal(u));  // n rows
  return kSecondOrder * (relative * trace + absolute * weight);
}

// |S - n| for the sum S of the head mean of rounded probabilities. Every row sums to 1 exactly, so all of S - n is
// rounding: the row's normaliser and its own rounding, a weight's exp and the division (float32), and the distances of
// both, by ln n u each. Each probability is rounded to the dtype (relative error of its own unit roundoff, and half a
// spacing of subnormals for float16's smallest); heads added and divided by their number, then a row's n entries and n
// rows added (float32).
double attention_sum_floor(const LayerView& layer, Dtype dtype) {
  const double n = static_cast<double>(layer.n), pairs = n * (n + 1) / 2;
  const double u32 = unit_roundoff(Dtype::float32);
  const double u = std::max(unit_roundoff(dtype), u32);  // the notebook's arithmetic is float32 whatever the run's
  const double float32_roundings = row_sum_roundings(n) + 1 + kExpRoundings + 1 + layer.heads + 2 * n;
  const double softmax = gamma(float32_roundings, u32) + gamma(row_sum_roundings64(n), unit_roundoff(Dtype::float64)) +
                         2 * distance_error(n, u32);
  const double subnormals = 3 * pairs * smallest_normal(u32) + (dtype == Dtype::float16 ? pairs * 0x1p-25 : 0);
  return kSecondOrder * (n * ((1 + u) * (1 + softmax) - 1) + subnormals);
}

double notebook_weight(const LayerView& layer) {
  return static_cast<double>(static_cast<float>(layer.w_v_cut_sq.value_or(layer.w_v_sq)));
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
  return mass_floor(layer, dtype, attention_only(layer), 1);
}

double weights_only(const LayerView& layer) { return layer.w_v_sq; }
double weights_only_floor(const LayerView&, Dtype) { return 0; }

double off_diagonal(const LayerView& layer) { return attention_only(layer) * layer.w_v_sq; }
double off_diagonal_floor(const LayerView& layer, Dtype dtype) {
  return mass_floor(layer, dtype, off_diagonal(layer), layer.w_v_sq);
}

// Sums over heads of mass(h) times the norm of the head's W_V, or of its whole circuit.
template <class Mass>
double multi_head_sum(const LayerView& layer, Mass mass) {
  const size_t heads = layer.off_diagonal.size(), kv_heads = layer.w_v_head_sq.size();
  if (heads == 0 || kv_heads == 0) return kNan;
  double sum = 0;
  for (size_t h = 0; h < heads; ++h) sum += mass(h) * layer.w_v_head_sq[h * kv_heads / heads];
  return sum;
}
template <class Mass>
double ov_circuit_sum(const LayerView& layer, Mass mass) {
  const size_t heads = layer.off_diagonal.size();
  if (heads == 0 || layer.ov_sq.size() != heads) return kNan;
  double sum = 0;
  for (size_t h = 0; h < heads; ++h) sum += mass(h) * layer.ov_sq[h];
  return sum;
}
double one(size_t) { return 1; }

double multi_head_weights(const LayerView& layer) { return multi_head_sum(layer, one) / layer.heads; }
double ov_circuit_weights(const LayerView& layer) {
  return ov_circuit_sum(layer, one) * layer.output_scale_sq / layer.heads;
}

double multi_head(const LayerView& layer) {
  return multi_head_sum(layer, [&](size_t h) { return layer.off_diagonal[h]; });
}
double multi_head_floor(const LayerView& layer, Dtype dtype) {
  return mass_floor(layer, dtype, multi_head(layer), multi_head_sum(layer, one));
}

double ov_circuit(const LayerView& layer) {
  return ov_circuit_sum(layer, [&](size_t h) { return layer.off_diagonal[h]; }) * layer.output_scale_sq;
}
// The last product rounds once more, unless it is one with 1.
double ov_circuit_floor(const LayerView& layer, Dtype dtype) {
  const double trace = ov_circuit(layer), scale = layer.output_scale_sq;
  const double last = scale == 1 ? 0 : unit_roundoff(Dtype::float64) * trace;
  return mass_floor(layer, dtype, trace, ov_circuit_sum(layer, one) * scale) + last;
}

// The sum over all h, h' of one number of each pair; those of two different heads stand for two of them.
template <class Number>
double over_pairs(size_t heads, Number number) {
  double sum = 0;
  for (size_t h = 0; h < heads; ++h) {
    for (size_t other = 0; other < h; ++other) sum += 2 * number(pair_at(h, other));
    sum += number(pair_at(h, h));
  }
  return sum;
}

bool has_pairs(std::span<const double> pairs, int heads) {
  return heads > 0 && pairs.size() == pairs_of(static_cast<size_t>(heads));
}

double edge_energy(const LayerView& layer) {
  if (!has_pairs(layer.overlap, layer.heads) || !has_pairs(layer.ov_products, layer.heads)) return kNan;
  return over_pairs(static_cast<size_t>(layer.heads),
                    [&](size_t pair) { return layer.ov_products[pair] * layer.overlap[pair]; }) *
         layer.output_scale_sq;
}

// If all heads attended alike, the sum of their maps would be one: ||sum_h M_h||^2.
double edge_energy_weights(const LayerView& layer) {
  if (!has_pairs(layer.ov_products, layer.heads)) return kNan;
  return over_pairs(static_cast<size_t>(layer.heads), [&](size_t pair) { return layer.ov_products[pair]; }) *
         layer.output_scale_sq;
}

// |computed - exact| of sum_hh' G_hh' Q_hh', Q_hh' = sum_{i != j} p_ij p'_ij. Every Q_hh' is a sum of non-negative
// terms, but G_hh' may be negative, so that of the sum nothing is left but |G_hh'| times what each Q_hh' may be off by.
//
// A computed p_j = w_j / Z is off by |e_j| <= alpha for its own weight and as much for Z, whose rounding, and that of
// the division, make two more: relative to p_j, as in mass_floor, whatever its size. Distances move p_j by u d_j of
// itself for its own weight and by at most u ln n for those in Z (mass_floor). Times p'_j and added over a row's j != i
// the latter stays relative to Q; the former is at most u sum_j p_j d_j <= u ln n, as no p' exceeds 1: absolute, once
// for each of the two heads. A weight off by t, and with it Z by n t at most, moves p_j p'_j by t p'_j + n t p_j p'_j,
// over a row by (n + 1) t for each head; a product below the smallest normal number is off by less than that, and so is
// a quotient times another p', again for n terms of n rows.
//
// A lane adds at most kLargestKeyBlock products, one rounding each, and its sum meets the sums of at most 16 lanes;
// what comes of them is added in double, block of keys after block of keys, rows after rows.
double edge_energy_floor(const LayerView& layer, Dtype dtype) {
  if (!has_pairs(layer.overlap, layer.heads) || !has_pairs(layer.ov_products, layer.heads)) return kNan;
  const double n = static_cast<double>(layer.n), u = softmax_roundoff(dtype), u64 = unit_roundoff(Dtype::float64);
  const double heads = layer.heads;
  const double probability =
      2 * gamma(row_sum_roundings(n), u) + 2 * gamma(row_sum_roundings64(n), u64) + gamma(2, u) + distance_error(n, u);
  const double relative = 2 * probability + gamma(kLargestKeyBlock + kMostLanes, u) + gamma(n * n, u64);
  const double absolute = 2 * n * (distance_error(n, u) + (2 * n + 2) * smallest_normal(u));
  // Two roundings for each pair's product and its double, the chain of additions, and the scale.
  const double last = gamma(heads * heads + 3, u64);
  return kSecondOrder * layer.output_scale_sq * over_pairs(static_cast<size_t>(layer.heads), [&](size_t pair) {
           const double overlap = layer.overlap[pair];
           return std::fabs(layer.ov_products[pair]) * ((relative + last) * overlap + absolute);
         });
}

constexpr std::array<Estimator, 7> kEstimators{{
    {.name = "as_written",
     .description = "|(sum of A - n) * ||W_V||^2|, rounded as in the notebook",
     .note = "rounding residue: the rows of A sum to 1, so this is zero in exact arithmetic",
     .kind = EstimatorKind::residue,
     .gauge = Gauge::depends,
     .wants = Want::rounded_sum,
     .trace = as_written,
     .floor = as_written_floor},
    {.name = "off_diagonal",
     .description = "(n - tr A) * ||W_V||^2, A the mean over heads",
     .note = "depends on how a model's weights are written, not only on what it computes",
     .kind = EstimatorKind::product,
     .gauge = Gauge::depends,
     .wants = Want::diagonal,
     .trace = off_diagonal,
     .floor = off_diagonal_floor,
     .weights = weights_only,
     .attention = "attention"},
    {.name = "multi_head",
     .description = "sum over heads of (n - tr A_h) * ||W_V of its KV head||^2",
     .note = "depends on how a model's weights are written, not only on what it computes",
     .kind = EstimatorKind::product,
     .gauge = Gauge::depends,
     .wants = Want::diagonal,
     .trace = multi_head,
     .floor = multi_head_floor,
     .weights = multi_head_weights,
     .attention = "attention of weighted heads"},
    {.name = "ov_circuit",
     .description = "sum over heads of (n - tr A_h) * ||W_O W_V diag(gain)||^2, means that norms remove left out",
     .note = "the same for every way of writing weights that computes the same model",
     .kind = EstimatorKind::product,
     .gauge = Gauge::free,
     .wants = Want::diagonal | Want::output_scale,
     .trace = ov_circuit,
     .floor = ov_circuit_floor,
     .weights = ov_circuit_weights,
     .attention = "attention of weighted heads"},
    {.name = "edge_energy",
     .description = "sum over i != j of ||sum over heads of A_h,ij W_O W_V diag(gain)||^2, as for ov_circuit",
     .note = "of the map that a model applies from token to token, heads together; measured where it is asked for",
     .kind = EstimatorKind::product,
     .gauge = Gauge::free,
     .wants = Want::overlap | Want::output_scale,
     .trace = edge_energy,
     .floor = edge_energy_floor,
     .weights = edge_energy_weights,
     .attention = "heads' overlap, weighted"},
    {.name = "weights_only",
     .description = "||W_V||^2, the weights factor alone",
     .note = "needs no prompt",
     .kind = EstimatorKind::factor,
     .gauge = Gauge::depends,
     .wants = Wants(),
     .trace = weights_only,
     .floor = weights_only_floor},
    {.name = "attention_only",
     .description = "n - tr A, the attention factor alone",
     .note = "at most n - 1: compare (n - tr A) / (n - 1) across prompts",
     .kind = EstimatorKind::factor,
     .gauge = Gauge::free,
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
  view.w_v_sq = layer < norms.w_v_sq.size() ? norms.w_v_sq[layer] : kNan;
  if (layer < norms.w_v_cut_sq.size()) view.w_v_cut_sq = norms.w_v_cut_sq[layer];
  view.w_v_head_sq = row_or_empty(norms.w_v_head_sq, layer);
  view.ov_sq = row_or_empty(norms.ov_sq, layer);
  if (norms.has_output_norm) {
    const std::span<const double> scales = row_or_empty(seen.output_scale_sq, prompt);
    view.output_scale_sq = layer < scales.size() ? scales[layer] : kNan;
  }
  view.overlap = row_or_empty(seen.overlap, prompt, layer);
  view.ov_products = row_or_empty(norms.ov_products, layer);
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
  const auto has = [&](Want want, size_t prompts) { return !estimator.wants.has(want) || prompt < prompts; };
  Trace trace;
  trace.is_measured =
      has(Want::diagonal, seen.off_diagonal.dim0()) && has(Want::rounded_sum, seen.rounded_sum.dim0()) &&
      (!norms.has_output_norm || has(Want::output_scale, seen.output_scale_sq.dim0())) &&
      (!estimator.wants.has(Want::overlap) || (prompt < seen.overlap.dim0() && !norms.ov_products.empty()));
  for (size_t l = 0; l < layers; ++l) {
    const LayerView layer = layer_view(seen, norms, prompt, l);
    trace.trace.push_back(estimator.trace(layer));
    trace.floor.push_back(estimator.floor(layer, dtype));
  }
  return trace;
}

}  // namespace lstar
