#include "lstar/compute/cpu/linear.h"

#include <algorithm>

#include <fmt/format.h>

#include "lstar/compute/cpu/elementwise.h"
#include "lstar/compute/cpu/linear_kernel.h"

namespace lstar {
namespace {

Result<void> check(const Checkpoint& checkpoint, const LinearRef& linear, int64_t x_cols, int64_t y_cols) {
  const TensorInfo& weight = *linear.weight;
  const int64_t rows = linear.transposed ? linear.in : linear.out;
  const int64_t cols = linear.transposed ? linear.out : linear.in;
  if (weight.shape.rows() != rows || weight.shape.cols() != cols)
    return fail({.what = "shape",
                 .file = checkpoint.file_of(weight),
                 .at = "tensor " + weight.name,
                 .expected = fmt::format("[{}, {}]", rows, cols),
                 .found = weight.shape.text()});
  if (linear.bias && linear.bias->shape.elements() != linear.out)
    return fail({.what = "shape",
                 .file = checkpoint.file_of(*linear.bias),
                 .at = "tensor " + linear.bias->name,
                 .expected = fmt::format("[{}]", linear.out),
                 .found = linear.bias->shape.text()});
  if (x_cols != linear.in || y_cols != linear.out)
    return fail({.what = "width of activations",
                 .at = "tensor " + weight.name,
                 .expected = fmt::format("{} in, {} out", linear.in, linear.out),
                 .found = fmt::format("{} in, {} out", x_cols, y_cols)});
  return {};
}

Result<void> first_failure(std::vector<Result<void>>& results) {
  for (Result<void>& result : results) LSTAR_TRY(std::move(result));
  return {};
}

}  // namespace

template <class T>
Result<void> Linear<T>::read_transposed(const Checkpoint& checkpoint, const TensorInfo& weight) {
  const int64_t rows = weight.shape.rows(), cols = weight.shape.cols();
  const int64_t step = std::max<int64_t>(1, (int64_t{1} << 18) / cols);  // about a megabyte a task
  const int64_t tasks = (rows + step - 1) / step;
  T* all = transposed_.at_least(rows * cols);
  std::vector<Result<void>> results(tasks);
  pool_.for_each(tasks, [&](size_t task, int) {
    const int64_t begin = static_cast<int64_t>(task) * step, end = std::min(rows, begin + step);
    const std::span<T> out(all + begin * cols, (end - begin) * cols);
    results[task] = checkpoint.read(weight, {begin, end}, out);
    Elementwise<T>::round(dtype_, out.data(), static_cast<int64_t>(out.size()));
  });
  return first_failure(results);
}

template <class T>
Result<void> Linear<T>::operator()(const Checkpoint& checkpoint, const LinearRef& linear, View<const T> x, View<T> y) {
  LSTAR_TRY(check(checkpoint, linear, x.cols, y.cols));
  const TensorInfo& weight = *linear.weight;
  T* bias = nullptr;
  if (linear.bias) {
    bias = bias_.at_least(linear.out);
    LSTAR_TRY(checkpoint.read(*linear.bias, {0, linear.bias->shape.rows()}, std::span<T>(bias, linear.out)));
    Elementwise<T>::round(dtype_, bias, linear.out);
  }
  if (linear.transposed) LSTAR_TRY(read_transposed(checkpoint, weight));

  const int64_t blocks = (linear.out + kLinearColumns - 1) / kLinearColumns;
  std::vector<Result<void>> results(blocks);
  pool_.for_each(blocks, [&](size_t block, int worker) {
    Worker& mine = workers_[worker];
    const int64_t begin = static_cast<int64_t>(block) * kLinearColumns;
    const int64_t end = std::min(linear.out, begin + kLinearColumns);
    LinearBlock<T> job{.x = x, .y = y, .begin = begin, .columns = end - begin, .bias = bias, .dtype = dtype_};
    if (linear.transposed) {
      job.weights = {transposed_.at_least(0) + begin, linear.in, end - begin, linear.out};
      job.transposed = true;
    } else {
      const std::span<T> rows(mine.weights.at_least(kLinearColumns * linear.in), (end - begin) * linear.in);
      results[block] = checkpoint.read(weight, {begin, end}, rows);
      if (!results[block]) return;
      Elementwise<T>::round(dtype_, rows.data(), static_cast<int64_t>(rows.size()));
      job.weights = {rows.data(), end - begin, linear.in, linear.in};
    }
    if (linear.interleaved_heads > 0) job.interleaved_rows = linear.out / linear.interleaved_heads;
    job.panels = mine.panels.at_least(linear_panels_size(linear.in));
    job.sums = mine.sums.at_least(kLinearChunk * kLinearColumns);
    multiply_block(job);
  });
  return first_failure(results);
}

template class Linear<float>;
template class Linear<double>;

}  // namespace lstar
