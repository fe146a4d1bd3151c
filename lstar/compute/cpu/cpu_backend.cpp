// The backend on the processor's own cores: parameters are read and checked here, rows are shared out to the workers,
// and the arithmetic is in the files beside this one.
#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "lstar/base/vector_target.h"
#include "lstar/base/worker_pool.h"
#include "lstar/compute/backend.h"
#include "lstar/compute/cpu/attention.h"
#include "lstar/compute/cpu/elementwise.h"
#include "lstar/compute/cpu/linear.h"
#include "lstar/compute/cpu/linear_kernel.h"
#include "lstar/compute/cpu/rotary.h"
#include "lstar/compute/cpu/scratch.h"

namespace lstar {
namespace {

template <class T>
class CpuBackend final : public Backend<T> {
 public:
  CpuBackend(Rounding rounding, std::shared_ptr<WorkerPool> pool)
      : rounding_(rounding),
        pool_(std::move(pool)),
        linear_(rounding, *pool_),
        attention_(rounding, *pool_),
        rotary_(rounding) {}

  Result<void> embed(const Checkpoint& checkpoint, const TensorInfo& table, std::span<const int32_t> ids,
                     View<T> y) override {
    const Shape& shape = table.shape;
    if (shape.cols() != y.cols) return fail(wrong_shape(checkpoint, table, fmt::format("rows of {}", y.cols)));
    for (size_t r = 0; r < ids.size(); ++r) {
      if (ids[r] < 0 || ids[r] >= shape.rows())
        return fail({.kind = ErrorKind::argument,
                     .what = "row out of range",
                     .file = checkpoint.file_of(table),
                     .at = "tensor " + table.name,
                     .expected = fmt::format("0 to {}", shape.rows() - 1),
                     .found = fmt::format("{}", ids[r])});
      T* row = y.row(static_cast<int64_t>(r));
      LSTAR_TRY(checkpoint.read(table, {ids[r], ids[r] + 1}, std::span<T>(row, y.cols)));
      kernels_.round(rounding_.to_nearest(), row, y.cols);
    }
    return {};
  }

  Result<void> linear(const Checkpoint& checkpoint, const LinearRef& linear, View<const T> x, View<T> y) override {
    LSTAR_TRY(linear_(checkpoint, linear, x, y));
    if (rounding_.at_random) for_rows(y.rows, y.cols, [&](int64_t r) { kernels_.round(rounding_, y.row(r), y.cols); });
    return {};
  }

  Result<void> norm(const Checkpoint& checkpoint, const NormRef& norm, View<const T> x, View<T> y) override {
    LSTAR_ASSIGN(const GainBias at, read_gain_bias(checkpoint, norm, x.cols));
    for_rows(x.rows, x.cols,
             [&](int64_t r) { kernels_.norm(norm, rounding_, x.row(r), at.gain, at.bias, y.row(r), x.cols); });
    return {};
  }

  Result<void> norm_heads(const Checkpoint& checkpoint, const NormRef& norm, int heads, int width,
                          HeadView<T> x) override {
    const bool one_a_head = norm.gain && norm.gain->shape.elements() != width;
    LSTAR_ASSIGN(const GainBias at, read_gain_bias(checkpoint, norm, one_a_head ? int64_t{heads} * width : width));
    for_rows(x.rows.rows, x.rows.cols, [&](int64_t r) {
      for (int h = 0; h < heads; ++h) {
        T* head = x.rows.row(r) + x.heads.at(h);
        const int64_t own = one_a_head ? int64_t{h} * width : 0;
        kernels_.norm(norm, rounding_, head, at.gain + own, at.bias + own, head, width);
      }
    });
    return {};
  }

  void rotate(const RotarySpec& spec, std::span<const int32_t> positions, HeadView<T> x) override {
    rotary_.prepare(spec, positions);
    const int64_t half = spec.dims / 2;
    const auto rotate = spec.interleaved ? kernels_.rotate_interleaved : kernels_.rotate;
    for_rows(x.rows.rows, x.rows.cols, [&](int64_t r) {
      const auto [cosines, sines] = rotary_.angles(positions[r]);
      for (int h = 0; h < spec.heads; ++h) rotate(rounding_, x.rows.row(r) + x.heads.at(h), cosines, sines, half);
    });
  }

  Result<void> attention(const AttentionSpec& spec, const Batch& batch, HeadView<const T> q, HeadView<const T> k,
                         HeadView<const T> v, bool last_rows_only, View<T> out, const AttentionStats& stats) override {
    return attention_(spec, batch, q, k, v, last_rows_only, out, stats);
  }

  Result<void> attention_rows(const AttentionSpec& spec, const Batch& batch, HeadView<const T> q, HeadView<const T> k,
                              size_t streams, const OnAttentionRows<T>& on_rows) override {
    return attention_.rows(spec, batch, q, k, streams, on_rows);
  }

  void activate(Activation activation, View<T> x) override {
    for_rows(x.rows, x.cols, [&](int64_t r) { kernels_.activate(activation, rounding_, x.row(r), x.cols); });
  }

  void multiply(View<T> x, View<const T> y) override {
    for_rows(x.rows, x.cols, [&](int64_t r) { kernels_.multiply(rounding_, x.row(r), y.row(r), x.cols); });
  }

  void add(View<T> x, View<const T> y) override {
    for_rows(x.rows, x.cols, [&](int64_t r) { kernels_.add(rounding_, x.row(r), y.row(r), x.cols); });
  }

  void add_rows(View<T> y, std::span<const RowShare> shares, View<const T> x) override {
    for_rows(static_cast<int64_t>(shares.size()), x.cols, [&](int64_t i) {
      kernels_.add_scaled(rounding_, y.row(shares[i].row), x.row(i), static_cast<T>(shares[i].weight), x.cols);
    });
  }

  void scale(View<T> x, double factor) override {
    for_rows(x.rows, x.cols, [&](int64_t r) { kernels_.scale(rounding_, x.row(r), static_cast<T>(factor), x.cols); });
  }

  void shift(View<T> x, double by) override {
    for_rows(x.rows, x.cols, [&](int64_t r) { kernels_.shift(rounding_, x.row(r), static_cast<T>(by), x.cols); });
  }

  void clamp(View<T> x, double low, double high) override {
    const auto rounded = [&](double limit) {  // a limit that the dtype does not have becomes its nearest
      return is_emulated(rounding_.dtype) ? static_cast<T>(round_to(rounding_.dtype, static_cast<float>(limit)))
                                          : static_cast<T>(limit);
    };
    for_rows(x.rows, x.cols, [&](int64_t r) { kernels_.clamp(x.row(r), rounded(low), rounded(high), x.cols); });
  }

  void row_norms(View<const T> x, std::span<double> norms) override {
    for_rows(x.rows, x.cols, [&](int64_t r) { norms[r] = std::sqrt(kernels_.square_sum(x.row(r), x.cols)); });
  }

  // Unmapping a layer takes as long as a small product.
  void drop(const Checkpoint& checkpoint, std::span<const LinearRef* const> linears) override {
    pool_->for_each(linears.size(), [&](size_t i, int) { checkpoint.drop(*linears[i]->weight); });
  }

  Dtype dtype() const override { return rounding_.dtype; }
  std::string description() const override { return cpu_description(rounding_); }

 private:
  // f(r) for every row, about 16,000 elements a task.
  template <class F>
  void for_rows(int64_t rows, int64_t cols, const F& f) {
    const int64_t step = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, cols));
    pool_->for_each((rows + step - 1) / step, [&](size_t task, int) {
      const int64_t begin = static_cast<int64_t>(task) * step, end = std::min(rows, begin + step);
      for (int64_t r = begin; r < end; ++r) f(r);
    });
  }

  struct GainBias {
    const T* gain;
    const T* bias;
  };
  Result<GainBias> read_gain_bias(const Checkpoint& checkpoint, const NormRef& norm, int64_t n) {
    T* gain = gain_.at_least(2 * n);
    T* bias = gain + n;
    LSTAR_TRY(read_vector(checkpoint, norm.gain, T(1 - norm.gain_offset), {gain, static_cast<size_t>(n)}));
    LSTAR_TRY(read_vector(checkpoint, norm.bias, T(0), {bias, static_cast<size_t>(n)}));
    if (norm.gain_offset != 0)
      for (int64_t i = 0; i < n; ++i) gain[i] += static_cast<T>(norm.gain_offset);
    return GainBias{gain, bias};
  }

  Result<void> read_vector(const Checkpoint& checkpoint, const TensorInfo* tensor, T absent, std::span<T> out) {
    if (!tensor) {
      std::fill(out.begin(), out.end(), absent);
      return {};
    }
    if (tensor->shape.elements() != static_cast<int64_t>(out.size()))
      return fail(wrong_shape(checkpoint, *tensor, fmt::format("[{}]", out.size())));
    LSTAR_TRY(checkpoint.read(*tensor, {0, tensor->shape.rows()}, out));
    kernels_.round(rounding_.to_nearest(), out.data(), static_cast<int64_t>(out.size()));
    return {};
  }

  static Error wrong_shape(const Checkpoint& checkpoint, const TensorInfo& tensor, std::string expected) {
    return {.what = "shape",
            .file = checkpoint.file_of(tensor),
            .at = "tensor " + tensor.name,
            .expected = std::move(expected),
            .found = tensor.shape.text()};
  }

  Rounding rounding_;
  std::shared_ptr<WorkerPool> pool_;
  Linear<T> linear_;
  Attention<T> attention_;
  RotaryTable<T> rotary_;
  Scratch<T> gain_;
  const ElementwiseKernels<T> kernels_ = elementwise_kernels<T>();
};

}  // namespace

std::string cpu_description(Rounding rounding) {
  std::string text = "Highway " + vector_target_name(vector_target());
  if (rounding.at_random) text += fmt::format(", rounding at random, seed {}", rounding.seed);
  return text;
}

template <class T>
std::unique_ptr<Backend<T>> make_cpu_backend(Rounding rounding, int threads) {
  return make_cpu_backend<T>(rounding, std::make_shared<WorkerPool>(threads));
}

template <class T>
std::unique_ptr<Backend<T>> make_cpu_backend(Rounding rounding, std::shared_ptr<WorkerPool> pool) {
  return std::make_unique<CpuBackend<T>>(rounding, std::move(pool));
}

template std::unique_ptr<Backend<float>> make_cpu_backend<float>(Rounding, int);
template std::unique_ptr<Backend<double>> make_cpu_backend<double>(Rounding, int);
template std::unique_ptr<Backend<float>> make_cpu_backend<float>(Rounding, std::shared_ptr<WorkerPool>);
template std::unique_ptr<Backend<double>> make_cpu_backend<double>(Rounding, std::shared_ptr<WorkerPool>);

}  // namespace lstar
