#include "lstar/model/weight_norms.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <Eigen/Dense>

#include "lstar/compute/gram.h"
#include "lstar/model/spectral_norm.h"

namespace lstar {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Piece = Eigen::Map<RowMajor, 0, Eigen::OuterStride<>>;

constexpr int64_t kRowsAtOnce = 64;  // of a tensor, in double: they stay in the second-level cache

View<const double> view(const Piece& m) { return {m.data(), m.rows(), m.cols(), m.outerStride()}; }

// The d_h vectors, d long, of each of a weight's heads: rows or columns of the tensor as it is stored.
struct HeadVectors {
  const LinearRef* linear;
  int heads;
  HeadRows places;
  bool are_rows;
};

class LayerNorms {
 public:
  LayerNorms(const Model& model, int layer, const NormOptions& options, WeightNorms& norms)
      : a_(model.architecture),
        c_(*model.checkpoint),
        w_(model.weights.layers[layer]),
        options_(options),
        norms_(norms),
        layer_(static_cast<size_t>(layer)),
        value_(a_.is_fused() ? w_.query_key_value[0] : w_.query_key_value[2]) {}

  Result<void> compute() {
    LSTAR_TRY(value_norms());
    LSTAR_ASSIGN(const std::vector<Eigen::MatrixXd> value_grams, grams_of_values());
    LSTAR_ASSIGN(const std::vector<Eigen::MatrixXd> out_grams, grams_of_outputs());
    const int group = a_.heads / a_.kv_heads;
    for (int h = 0; h < a_.heads; ++h)
      norms_.ov_sq(layer_, h) = std::max(0.0, value_grams[h / group].cwiseProduct(out_grams[h]).sum());
    if (options_.spectral) {
      const TensorInfo& out = *w_.attention_out.weight;
      LSTAR_ASSIGN(const Piece whole, read(out, {0, out.shape.rows()}));
      norms_.w_o_spectral[layer_] = largest_singular_value(whole);
    }
    return {};
  }

 private:
  HeadVectors values(HeadRows places) const { return {&value_, a_.kv_heads, places, !value_.transposed}; }

  // The notebook cuts a fused tensor in thirds by rows; GPT-2's transposed one it cuts by columns, where they are Q, K,
  // V.
  HeadRows chosen_rows() const {
    if (options_.head_layout == HeadLayout::thirds && a_.is_fused() && !value_.transposed)
      return {2 * (value_.out / 3), a_.head_dim};
    return a_.v_rows;
  }

  Result<void> value_norms() {
    const HeadVectors chosen = values(chosen_rows());
    RowMajor whole(options_.spectral ? int64_t{a_.kv_heads} * a_.head_dim : 0, a_.hidden);
    LSTAR_TRY(for_pieces(chosen, [&](int k, const Piece& piece, int64_t begin) {
      norms_.w_v_head_sq(layer_, k) += piece.squaredNorm();
      if (!options_.spectral) return;
      const int64_t row = int64_t{k} * a_.head_dim;
      if (chosen.are_rows)
        whole.middleRows(row, a_.head_dim) = piece;
      else
        whole.block(row, begin, a_.head_dim, piece.rows()) = piece.transpose();
    }));
    for (int k = 0; k < a_.kv_heads; ++k) norms_.w_v_sq[layer_] += norms_.w_v_head_sq(layer_, k);
    if (options_.spectral) norms_.w_v_spectral[layer_] = largest_singular_value(whole);
    return {};
  }

  // W_V W_V^T of every KV head, (d_h, d_h), with the gain of the norm before it; less W_V 1 1^T W_V^T / d where that
  // norm subtracts the mean.
  Result<std::vector<Eigen::MatrixXd>> grams_of_values() {
    LSTAR_ASSIGN(const Eigen::VectorXd gain, norm_gain());
    return grams(values(a_.v_rows), a_.reads_centred(), gain);
  }

  // W_O^T W_O of every head, (d_h, d_h), less W_O^T 1 1^T W_O / d where the next norm subtracts the mean.
  Result<std::vector<Eigen::MatrixXd>> grams_of_outputs() {
    const HeadVectors heads{&w_.attention_out, a_.heads, {0, a_.head_dim}, w_.attention_out.transposed};
    return grams(heads, a_.writes_centred(), {}, &norms_.w_o_sq[layer_]);
  }

  Result<Eigen::VectorXd> norm_gain() {
    if (a_.norm_place != NormPlace::before || !w_.attention_norm || !w_.attention_norm->gain) return Eigen::VectorXd();
    LSTAR_ASSIGN(const Piece row, read(*w_.attention_norm->gain, {0, 1}));
    return Eigen::VectorXd(row.row(0).transpose().array() + w_.attention_norm->gain_offset);
  }

  // G G^T for the vectors G of every head, each element of them times its gain (an empty one: 1), with their mean
  // projected out where it is asked for. `sum_of_squares` receives that of all vectors as they are.
  Result<std::vector<Eigen::MatrixXd>> grams(const HeadVectors& vectors, bool centred, const Eigen::VectorXd& gain,
                                             double* sum_of_squares = nullptr) {
    std::vector<Gram> products;
    for (int h = 0; h < vectors.heads; ++h) products.emplace_back(a_.head_dim);
    Eigen::MatrixXd sums = Eigen::MatrixXd::Zero(a_.head_dim, vectors.heads);
    LSTAR_TRY(for_pieces(vectors, [&](int h, Piece& piece, int64_t begin) {
      if (vectors.are_rows) {
        if (gain.size() > 0) piece.array().rowwise() *= gain.transpose().array();
        if (centred) sums.col(h) += piece.rowwise().sum();
        products[h].add_rows(view(piece));
      } else {
        if (gain.size() > 0) piece.array().colwise() *= gain.segment(begin, piece.rows()).array();
        if (centred) sums.col(h) += piece.colwise().sum().transpose();
        products[h].add_columns(view(piece));
      }
    }));
    std::vector<Eigen::MatrixXd> matrices;
    for (int h = 0; h < vectors.heads; ++h) {
      Eigen::MatrixXd matrix(a_.head_dim, a_.head_dim);
      for (int j = 0; j < a_.head_dim; ++j)
        for (int i = 0; i < a_.head_dim; ++i) matrix(i, j) = products[h](i, j);
      if (sum_of_squares) *sum_of_squares += matrix.trace();
      if (centred) matrix -= sums.col(h) * sums.col(h).transpose() / static_cast<double>(a_.hidden);
      matrices.push_back(std::move(matrix));
    }
    return matrices;
  }

  // f(head, piece, begin): a head's vectors from their element `begin` on, as rows or as columns of `piece`, which f
  // may change. One walk reads every row once.
  template <class F>
  Result<void> for_pieces(const HeadVectors& vectors, const F& f) {
    const LinearRef& linear = *vectors.linear;
    const int64_t d_h = a_.head_dim, first_row = linear.first_row;
    if (vectors.are_rows) {
      for (int h = 0; h < vectors.heads; ++h) {
        const int64_t begin = first_row + vectors.places.at(h);
        LSTAR_ASSIGN(Piece piece, read(*linear.weight, {begin, begin + d_h}));
        f(h, piece, 0);
      }
      return {};
    }
    const int64_t length = linear.transposed ? linear.in : linear.out;
    for (int64_t begin = 0; begin < length; begin += kRowsAtOnce) {
      const int64_t end = std::min(length, begin + kRowsAtOnce);
      LSTAR_ASSIGN(const Piece rows, read(*linear.weight, {first_row + begin, first_row + end}));
      for (int h = 0; h < vectors.heads; ++h) {
        Piece piece(buffer_.data() + vectors.places.at(h), rows.rows(), d_h, Eigen::OuterStride<>(rows.cols()));
        f(h, piece, begin);
      }
    }
    return {};
  }

  // Rows of a tensor in double, rounded to the dtype the model is loaded in; until the next call.
  Result<Piece> read(const TensorInfo& tensor, RowRange range) {
    const int64_t cols = tensor.shape.cols();
    buffer_.resize(static_cast<size_t>(range.count() * cols));
    LSTAR_TRY(c_.read(tensor, range, std::span<double>(buffer_)));
    if (is_emulated(options_.dtype) && !is_exact(tensor.type, options_.dtype))
      for (double& value : buffer_) value = round_to(options_.dtype, static_cast<float>(value));
    return Piece(buffer_.data(), range.count(), cols, Eigen::OuterStride<>(cols));
  }

  const Architecture& a_;
  const Checkpoint& c_;
  const LayerWeights& w_;
  const NormOptions& options_;
  WeightNorms& norms_;
  const size_t layer_;
  const LinearRef& value_;
  std::vector<double> buffer_;
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

Result<WeightNorms> weight_norms(const Model& model, const NormOptions& options, WorkerPool& pool) {
  const Architecture& a = model.architecture;
  const size_t layers = a.layers;
  WeightNorms norms;
  norms.w_v_sq.assign(layers, 0);
  norms.w_o_sq.assign(layers, 0);
  norms.w_v_head_sq = {layers, static_cast<size_t>(a.kv_heads)};
  norms.ov_sq = {layers, static_cast<size_t>(a.heads)};
  if (options.spectral) {
    norms.w_v_spectral.assign(layers, 0);
    norms.w_o_spectral.assign(layers, 0);
  }
  std::vector<Result<void>> outcomes(layers);
  pool.for_each(layers, [&](size_t layer, int) {
    outcomes[layer] = LayerNorms(model, static_cast<int>(layer), options, norms).compute();
    drop(*model.checkpoint, model.weights.layers[layer]);
  });
  for (const Result<void>& outcome : outcomes)
    if (!outcome) return fail(outcome.error());
  return norms;
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
