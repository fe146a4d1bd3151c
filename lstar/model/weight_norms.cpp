#include "lstar/model/weight_norms.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>

#include <fmt/core.h>
#include <Eigen/Dense>

#include "lstar/base/catch_memory.h"
#include "lstar/compute/gram.h"
#include "lstar/model/ov_products.h"
#include "lstar/model/spectral_norm.h"
#include "lstar/observe/observation.h"

namespace lstar {
namespace {

constexpr int64_t kRowsAtOnce = 72;  // of a tensor: in the second-level cache, and no power of two of lines a panel

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, 0, Eigen::OuterStride<>> matrix(
    View<const T> m) {
  return {m.data, m.rows, m.cols, Eigen::OuterStride<>(m.stride)};
}

// The d_h vectors, d long, of each of a weight's heads: rows or columns of the tensor as it is stored.
struct HeadVectors {
  const LinearRef* linear;
  int heads;
  HeadRows places;
  bool are_rows;
};

// What a worker keeps from layer to layer, so that a large head's sums are allocated once.
struct NormScratch {
  std::vector<Gram> values, outputs;  // of every head
  std::vector<float> floats;
  std::vector<double> doubles;

  std::vector<float>& rows(float) { return floats; }
  std::vector<double>& rows(double) { return doubles; }
};

class LayerNorms {
 public:
  LayerNorms(const Model& model, int layer, const NormOptions& options, WeightNorms& norms, NormScratch& scratch)
      : a_(model.architecture),
        c_(*model.checkpoint),
        w_(model.weights.layers[layer]),
        options_(options),
        norms_(norms),
        scratch_(scratch),
        layer_(static_cast<size_t>(layer)),
        value_(a_.is_fused() ? w_.query_key_value[0] : w_.query_key_value[2]) {}

  Result<void> compute() {
    LSTAR_ASSIGN(const std::vector<double> gain, input_gain());
    LSTAR_ASSIGN(const std::vector<double> output_gain, gain_of(w_.attention_output_norm));
    std::vector<Gram>&of_values = scratch_.values, &of_outputs = scratch_.outputs;
    LSTAR_TRY(add(values(a_.v_rows), gain, of_values));
    const HeadVectors outputs{&w_.attention_out, a_.heads, {0, a_.head_dim}, w_.attention_out.transposed};
    LSTAR_TRY(add(outputs, output_gain, of_outputs));
    ov_norms(of_values, of_outputs);
    for (const Gram& gram : of_outputs) norms_.w_o_sq[layer_] += squares_of(gram);
    for (int k = 0; k < a_.kv_heads; ++k) {
      norms_.w_v_head_sq(layer_, k) = squares_of(of_values[k]);
      norms_.w_v_sq[layer_] += norms_.w_v_head_sq(layer_, k);
    }
    if (!norms_.w_v_cut_sq.empty()) LSTAR_TRY(cut_norm());
    if (options_.spectral) LSTAR_TRY(spectral_norms());
    if (options_.products) {
      LSTAR_ASSIGN(const HeadMatrix of_v, gathered(values(a_.v_rows)));
      LSTAR_ASSIGN(const HeadMatrix of_o, gathered(outputs));
      ov_products(a_, of_v, gain, of_o, output_gain, norms_.ov_products[layer_]);
    }
    for (const LinearRef* read : {&value_, &w_.attention_out}) c_.drop(*read->weight);
    return {};
  }

 private:
  HeadVectors values(HeadRows places) const { return {&value_, a_.kv_heads, places, !value_.transposed}; }

  // The notebook cuts a fused tensor in thirds by rows; GPT-2's transposed one it cuts by columns, where they are Q, K,
  // V.
  Result<void> cut_norm() {
    double& sum = norms_.w_v_cut_sq[layer_];
    if (!a_.is_fused() || value_.transposed || thirds() == a_.v_rows) {
      sum = norms_.w_v_sq[layer_];
      return {};
    }
    std::vector<double> heads(static_cast<size_t>(a_.kv_heads), 0);
    LSTAR_TRY(for_pieces(values(thirds()), [&](int k, auto piece, int64_t) { heads[k] += sum_of_squares(piece); }));
    for (const double head : heads) sum += head;
    return {};
  }
  HeadRows thirds() const { return {2 * (value_.out / 3), a_.head_dim}; }

  Result<std::vector<double>> input_gain() {
    return gain_of(a_.norm_place == NormPlace::before ? w_.attention_norm : std::nullopt);
  }

  // What a norm multiplies by; empty for 1.
  Result<std::vector<double>> gain_of(const std::optional<NormRef>& norm) {
    if (!norm || !norm->gain) return std::vector<double>();
    std::vector<double> gain;
    LSTAR_TRY(read(*norm->gain, {0, 1}, gain));
    for (double& value : gain) value += norm->gain_offset;
    return gain;
  }

  // The Gram matrix of every head. An empty gain: 1.
  Result<void> add(const HeadVectors& vectors, const std::vector<double>& gain, std::vector<Gram>& grams) {
    for (Gram& gram : grams) gram.clear();
    while (static_cast<int>(grams.size()) < vectors.heads) grams.emplace_back(a_.head_dim);
    return for_pieces(vectors, [&](int h, auto piece, int64_t begin) {
      const double* gains = gain.empty() ? nullptr : gain.data() + begin;
      vectors.are_rows ? grams[h].add_rows(piece, gains) : grams[h].add_columns(piece, gains);
    });
  }

  // tr(G_V G_O) of every head: G_V = W_V W_V^T of its KV head, less W_V 1 1^T W_V^T / d where the norm before it
  // subtracts the mean; G_O = W_O^T W_O, less W_O^T 1 1^T W_O / d where the next norm does. Gains are in both: that of
  // the norm in front of attention, and that of the norm behind W_O, which nowhere subtracts a mean.
  void ov_norms(const std::vector<Gram>& of_values, const std::vector<Gram>& of_outputs) {
    const auto element = [&](const Gram& g, int i, int j, bool centred) {
      return g(i, j) - (centred ? g.sum(i) * g.sum(j) / a_.hidden : 0);
    };
    const bool reads_centred = a_.reads_centred(), writes_centred = a_.writes_centred();
    for (int h = 0; h < a_.heads; ++h) {
      const Gram& v = of_values[int64_t{h} * a_.kv_heads / a_.heads];
      const Gram& o = of_outputs[h];
      double trace = 0;
      for (int i = 0; i < a_.head_dim; ++i) {
        double off_diagonal = 0;
        for (int j = 0; j < i; ++j) off_diagonal += element(v, i, j, reads_centred) * element(o, i, j, writes_centred);
        trace += 2 * off_diagonal + element(v, i, i, reads_centred) * element(o, i, i, writes_centred);
      }
      norms_.ov_sq(layer_, h) = trace < 0 ? 0 : trace;  // rounding; a NaN stays one
    }
  }

  Result<void> spectral_norms() {
    const HeadVectors chosen = values(a_.v_rows);
    RowMajor whole(int64_t{a_.kv_heads} * a_.head_dim, a_.hidden);
    LSTAR_TRY(for_pieces(chosen, [&](int k, auto piece, int64_t begin) {
      const int64_t row = int64_t{k} * a_.head_dim;
      if (chosen.are_rows)
        whole.middleRows(row, a_.head_dim) = matrix(piece).template cast<double>();
      else
        whole.block(row, begin, a_.head_dim, piece.rows) = matrix(piece).transpose().template cast<double>();
    }));
    norms_.w_v_spectral[layer_] = largest_singular_value(whole);
    const TensorInfo& out = *w_.attention_out.weight;
    LSTAR_ASSIGN(const View<const double> rows, read(out, {0, out.shape.rows()}, scratch_.doubles));
    norms_.w_o_spectral[layer_] = largest_singular_value(matrix(rows));
    return {};
  }

  Result<HeadMatrix> gathered(const HeadVectors& vectors) {
    const LinearRef& linear = *vectors.linear;
    const int64_t all = int64_t{vectors.heads} * a_.head_dim;
    HeadMatrix out{{}, vectors.are_rows};
    if (vectors.are_rows)
      out.vectors = Matrix<double>(all, linear.transposed ? linear.out : linear.in);
    else
      out.vectors = Matrix<double>(linear.transposed ? linear.in : linear.out, all);
    const View<double> to = out.vectors.view();
    LSTAR_TRY(for_pieces(vectors, [&](int h, auto piece, int64_t begin) {
      const int64_t place = int64_t{h} * a_.head_dim;
      for (int64_t i = 0; i < piece.rows; ++i)
        std::copy_n(piece.row(i), piece.cols, vectors.are_rows ? to.row(place + i) : to.row(begin + i) + place);
    }));
    return out;
  }

  double squares_of(const Gram& gram) const {
    double sum = 0;
    for (int i = 0; i < a_.head_dim; ++i) sum += gram.squares(i);
    return sum;
  }

  // f(head, piece, begin): a head's vectors from their element `begin` on, as rows or as columns of `piece`, a view of
  // float where that holds the stored weights exactly, else of double. Every row is read once.
  template <class F>
  Result<void> for_pieces(const HeadVectors& vectors, const F& f) {
    return is_exact(vectors.linear->weight->type, Dtype::float32) ? for_pieces_as<float>(vectors, f)
                                                                  : for_pieces_as<double>(vectors, f);
  }

  template <class T, class F>
  Result<void> for_pieces_as(const HeadVectors& vectors, const F& f) {
    std::vector<T>& buffer = scratch_.rows(T());
    const LinearRef& linear = *vectors.linear;
    const int64_t d_h = a_.head_dim, first_row = linear.first_row;
    if (vectors.are_rows) {
      for (int h = 0; h < vectors.heads; ++h) {
        const int64_t begin = first_row + vectors.places.at(h);
        LSTAR_ASSIGN(const View<const T> rows, read(*linear.weight, {begin, begin + d_h}, buffer));
        f(h, rows, 0);
      }
      return {};
    }
    const int64_t length = linear.transposed ? linear.in : linear.out;
    for (int64_t begin = 0; begin < length; begin += kRowsAtOnce) {
      const int64_t end = std::min(length, begin + kRowsAtOnce);
      LSTAR_ASSIGN(const View<const T> rows, read(*linear.weight, {first_row + begin, first_row + end}, buffer));
      for (int h = 0; h < vectors.heads; ++h)
        f(h, rows.columns(vectors.places.at(h), vectors.places.at(h) + d_h), begin);
    }
    return {};
  }

  // Rows of a tensor, rounded to the dtype the model is loaded in; until `buffer` changes.
  template <class T>
  Result<View<const T>> read(const TensorInfo& tensor, RowRange range, std::vector<T>& buffer) {
    const int64_t cols = tensor.shape.cols();
    buffer.resize(static_cast<size_t>(range.count() * cols));
    LSTAR_TRY(c_.read(tensor, range, std::span<T>(buffer)));
    if (is_emulated(options_.dtype) && !is_exact(tensor.type, options_.dtype))
      for (T& value : buffer) value = round_to(options_.dtype, static_cast<float>(value));
    return View<const T>{buffer.data(), range.count(), cols, cols};
  }

  const Architecture& a_;
  const Checkpoint& c_;
  const LayerWeights& w_;
  const NormOptions& options_;
  WeightNorms& norms_;
  NormScratch& scratch_;
  const size_t layer_;
  const LinearRef& value_;
};

Result<void> check_tensor(const Checkpoint& checkpoint, const TensorInfo* tensor) {
  if (!tensor) return {};
  const int64_t cols = tensor->shape.cols();
  std::vector<float> rows;
  for (int64_t begin = 0; begin < tensor->shape.rows(); begin += kRowsAtOnce) {
    const int64_t end = std::min(tensor->shape.rows(), begin + kRowsAtOnce);
    rows.resize(static_cast<size_t>((end - begin) * cols));
    LSTAR_TRY(checkpoint.read(*tensor, {begin, end}, std::span<float>(rows)));
    for (size_t i = 0; i < rows.size(); ++i)
      if (!std::isfinite(rows[i]))
        return fail({.what = "weight is not finite",
                     .file = checkpoint.file_of(*tensor),
                     .at = fmt::format("tensor {}, row {}, column {}", tensor->name,
                                       begin + static_cast<int64_t>(i) / cols, static_cast<int64_t>(i) % cols),
                     .found = fmt::format("{}", rows[i])});
  }
  return {};
}

}  // namespace

namespace {

Result<WeightNorms> norms_of(const Model& model, const NormOptions& options, WorkerPool& pool,
                             const std::function<Result<void>()>& beside) {
  const Architecture& a = model.architecture;
  const size_t layers = a.layers;
  WeightNorms norms;
  norms.w_v_sq.assign(layers, 0);
  norms.w_o_sq.assign(layers, 0);
  if (options.head_layout == HeadLayout::thirds) norms.w_v_cut_sq.assign(layers, 0);
  norms.w_v_head_sq = {layers, static_cast<size_t>(a.kv_heads)};
  norms.ov_sq = {layers, static_cast<size_t>(a.heads)};
  norms.has_output_norm = a.has(Role::attention_output_norm);
  if (options.products) {
    LSTAR_TRY(check_pairs(a));
    norms.ov_products = {layers, pairs_of(static_cast<size_t>(a.heads))};
  }
  if (options.spectral) {
    norms.w_v_spectral.assign(layers, 0);
    norms.w_o_spectral.assign(layers, 0);
  }
  const size_t first = beside ? 1 : 0;
  std::vector<Result<void>> outcomes(first + layers);
  std::vector<NormScratch> scratch(static_cast<size_t>(pool.threads()));
  std::atomic<bool> failed = false;
  std::atomic<int64_t> done = 0;
  pool.for_each(outcomes.size(), [&](size_t task, int worker) {
    if (failed) return;
    if (task < first) {
      outcomes[task] = beside();
      failed = !outcomes[task];
      return;
    }
    const size_t layer = task - first;
    outcomes[task] = LayerNorms(model, static_cast<int>(layer), options, norms, scratch[worker]).compute();
    ++done;
    if (!outcomes[task] || !options.steps) return;
    outcomes[task] = options.steps->at(Phase::norms, done, static_cast<int64_t>(layers));
    if (!outcomes[task]) failed = true;
  });
  for (const Result<void>& outcome : outcomes)
    if (!outcome) return fail(outcome.error());
  return norms;
}

}  // namespace

Result<WeightNorms> weight_norms(const Model& model, const NormOptions& options, WorkerPool& pool,
                                 const std::function<Result<void>()>& beside) {
  return catch_memory("computing the norms of weights: fewer threads take less", model.checkpoint->path(),
                      [&] { return norms_of(model, options, pool, beside); });
}

Result<void> check_finite(const Model& model) {
  const Weights& w = model.weights;
  std::vector<const TensorInfo*> tensors{w.token_embedding, w.position_embedding, w.token_type_embedding};
  const auto add_norm = [&](const NormRef& norm) { tensors.insert(tensors.end(), {norm.gain, norm.bias}); };
  const auto add_linear = [&](const LinearRef& linear) { tensors.insert(tensors.end(), {linear.weight, linear.bias}); };
  if (w.embedding_norm) add_norm(*w.embedding_norm);
  if (w.project_in) add_linear(*w.project_in);
  for (const LayerWeights& layer : w.layers) {
    for (const NormRef* norm : norms(layer)) add_norm(*norm);
    for (const LinearRef* linear : linears(layer)) add_linear(*linear);
  }
  if (w.final_norm) add_norm(*w.final_norm);
  if (w.project_out) add_linear(*w.project_out);
  if (w.output) add_linear(*w.output);
  for (const TensorInfo* tensor : tensors) LSTAR_TRY(check_tensor(*model.checkpoint, tensor));
  return {};
}

}  // namespace lstar
