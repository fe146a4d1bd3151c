#include "lstar/model/weight_norms.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <Eigen/Dense>

#include "lstar/model/spectral_norm.h"

namespace lstar {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int64_t kRowsAtOnce = 256;

// Rows of a tensor in double, rounded to the dtype the model is loaded in.
Result<RowMajor> read_rows(const Checkpoint& checkpoint, const TensorInfo& tensor, RowRange range, Dtype dtype) {
  RowMajor rows(range.count(), tensor.shape.cols());
  LSTAR_TRY(checkpoint.read(tensor, range, std::span<double>(rows.data(), static_cast<size_t>(rows.size()))));
  if (is_emulated(dtype))
    for (double& value : rows.reshaped()) value = round_to(dtype, static_cast<float>(value));
  return rows;
}

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
    if (value_.transposed) {
      LSTAR_ASSIGN(columns_, read_rows(c_, *value_.weight, {0, value_.in}, options_.dtype));
    }
    const HeadRows chosen = chosen_rows();
    const bool is_actual = chosen == a_.v_rows;
    LSTAR_ASSIGN(const std::vector<Eigen::MatrixXd> out_grams, output_grams());
    RowMajor whole(options_.spectral ? int64_t{a_.kv_heads} * a_.head_dim : 0, a_.hidden);
    LSTAR_ASSIGN(const Eigen::VectorXd gain, norm_gain());
    for (int k = 0; k < a_.kv_heads; ++k) {
      LSTAR_ASSIGN(RowMajor block, value_block(k, chosen));
      norms_.w_v_head_sq(layer_, k) = block.squaredNorm();
      norms_.w_v_sq[layer_] += norms_.w_v_head_sq(layer_, k);
      if (options_.spectral) whole.middleRows(int64_t{k} * a_.head_dim, a_.head_dim) = block;
      if (!is_actual) {
        LSTAR_ASSIGN(block, value_block(k, a_.v_rows));
      }
      const Eigen::MatrixXd value_gram = centred_gram(block * gain.asDiagonal(), a_.reads_centred());
      const int group = a_.heads / a_.kv_heads;
      for (int h = k * group; h < (k + 1) * group; ++h)
        norms_.ov_sq(layer_, h) = std::max(0.0, value_gram.cwiseProduct(out_grams[h]).sum());
    }
    if (options_.spectral) {
      norms_.w_v_spectral[layer_] = largest_singular_value(whole);
      LSTAR_ASSIGN(const RowMajor out,
                   read_rows(c_, *w_.attention_out.weight, {0, w_.attention_out.weight->shape.rows()}, options_.dtype));
      norms_.w_o_spectral[layer_] = largest_singular_value(out);
    }
    return {};
  }

 private:
  // M M^T, less M 1 1^T M^T / d where the mean of a row's input is projected out. m: (d_h, d).
  static Eigen::MatrixXd centred_gram(const RowMajor& m, bool centred) {
    Eigen::MatrixXd gram = m * m.transpose();
    if (centred) {
      const Eigen::VectorXd sums = m.rowwise().sum();
      gram -= sums * sums.transpose() / static_cast<double>(m.cols());
    }
    return gram;
  }

  // The notebook cuts a fused tensor in thirds by rows; GPT-2's transposed one it cuts by columns, where they are Q, K,
  // V.
  HeadRows chosen_rows() const {
    if (options_.head_layout == HeadLayout::thirds && a_.is_fused() && !value_.transposed)
      return {2 * (value_.out / 3), a_.head_dim};
    return a_.v_rows;
  }

  // W_V of one KV head, (d_h, d).
  Result<RowMajor> value_block(int kv_head, HeadRows rows) const {
    const int64_t first = rows.at(kv_head);
    if (value_.transposed) return RowMajor(columns_.middleCols(first, a_.head_dim).transpose());
    return read_rows(c_, *value_.weight, {first, first + a_.head_dim}, options_.dtype);
  }

  Result<Eigen::VectorXd> norm_gain() const {
    Eigen::VectorXd gain = Eigen::VectorXd::Ones(a_.hidden);
    if (a_.norm_place == NormPlace::before && w_.attention_norm && w_.attention_norm->gain) {
      LSTAR_ASSIGN(const RowMajor row, read_rows(c_, *w_.attention_norm->gain, {0, 1}, options_.dtype));
      gain = row.row(0).transpose().array() + w_.attention_norm->gain_offset;
    }
    return gain;
  }

  // W_O^T W_O of every head, (d_h, d_h), less W_O^T 1 1^T W_O / d where the next norm subtracts the mean. W_O is read
  // once, in row blocks.
  Result<std::vector<Eigen::MatrixXd>> output_grams() {
    const LinearRef& out = w_.attention_out;
    const int64_t d_h = a_.head_dim;
    std::vector<Eigen::MatrixXd> grams(a_.heads, Eigen::MatrixXd::Zero(d_h, d_h));
    if (out.transposed) {
      for (int h = 0; h < a_.heads; ++h) {
        LSTAR_ASSIGN(const RowMajor rows, read_rows(c_, *out.weight, {h * d_h, (h + 1) * d_h}, options_.dtype));
        norms_.w_o_sq[layer_] += rows.squaredNorm();
        grams[h] = centred_gram(rows, a_.writes_centred());
      }
      return grams;
    }
    Eigen::VectorXd sums = Eigen::VectorXd::Zero(out.in);
    for (int64_t begin = 0; begin < out.out; begin += kRowsAtOnce) {
      LSTAR_ASSIGN(const RowMajor rows,
                   read_rows(c_, *out.weight, {begin, std::min(out.out, begin + kRowsAtOnce)}, options_.dtype));
      norms_.w_o_sq[layer_] += rows.squaredNorm();
      sums += rows.colwise().sum().transpose();
      for (int h = 0; h < a_.heads; ++h) {
        const auto block = rows.middleCols(h * d_h, d_h);
        grams[h].noalias() += block.transpose() * block;
      }
    }
    if (a_.writes_centred())
      for (int h = 0; h < a_.heads; ++h) {
        const Eigen::VectorXd sum = sums.segment(h * d_h, d_h);
        grams[h] -= sum * sum.transpose() / static_cast<double>(out.out);
      }
    return grams;
  }

  const Architecture& a_;
  const Checkpoint& c_;
  const LayerWeights& w_;
  const NormOptions& options_;
  WeightNorms& norms_;
  const size_t layer_;
  const LinearRef& value_;
  RowMajor columns_;  // the whole tensor where it is stored transposed
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
