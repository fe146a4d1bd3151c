#include "lstar/compute/cpu/linear.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace lstar {
namespace {

constexpr int64_t kRowElements = int64_t{1} << 16;  // elements of a transposed weight that are read at a time

Result<void> check(const Checkpoint& checkpoint, const LinearRef& linear, int64_t x_cols, int64_t y_cols) {
  const TensorInfo& weight = *linear.weight;
  const int64_t rows = linear.transposed ? linear.in : linear.out;
  const int64_t cols = linear.transposed ? linear.out : linear.in;
  if (linear.first_row < 0 || weight.shape.rows() < linear.first_row + rows || weight.shape.cols() != cols)
    return fail({.what = "shape",
                 .file = checkpoint.file_of(weight),
                 .at = "tensor " + weight.name,
                 .expected = fmt::format("{} rows of {} from row {} on", rows, cols, linear.first_row),
                 .found = weight.shape.text()});
  if (linear.bias && (linear.first_bias < 0 ||
                      linear.bias->shape.cols() < linear.first_bias % linear.bias->shape.cols() + linear.out ||
                      linear.bias->shape.elements() < linear.first_bias + linear.out))
    return fail({.what = "shape",
                 .file = checkpoint.file_of(*linear.bias),
                 .at = "tensor " + linear.bias->name,
                 .expected = fmt::format("{} elements from {} on", linear.out, linear.first_bias),
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

// As many as a block holds, or fewer where all threads are then done sooner: of nine blocks two threads wait for the
// last.
template <class T>
int64_t Linear<T>::columns_of_a_task(int64_t out) const {
  int64_t best = kLinearColumns, fewest = std::numeric_limits<int64_t>::max();
  for (int64_t columns = kLinearColumns; columns > 0; columns -= kPackedRows) {
    if (columns % kernels_.panel_width != 0) continue;
    const int64_t blocks = (out + columns - 1) / columns, threads = pool_.threads();
    const int64_t of_a_thread = (blocks + threads - 1) / threads * columns;
    if (of_a_thread < fewest) best = columns, fewest = of_a_thread;
  }
  return best;
}

// Every task packs a range of input rows into its place in all panels.
template <class T>
Result<void> Linear<T>::pack_transposed(const Checkpoint& checkpoint, const LinearRef& linear, T* panels) {
  const int64_t step = std::max<int64_t>(1, kRowElements / linear.out);
  const int64_t tasks = (linear.in + step - 1) / step;
  const bool rounds = !is_exact(linear.weight->type, dtype_);
  std::vector<Result<void>> results(tasks);
  pool_.for_each(tasks, [&](size_t task, int worker) {
    const int64_t begin = static_cast<int64_t>(task) * step, end = std::min(linear.in, begin + step);
    const std::span<T> rows(workers_[worker].rows.at_least(step * linear.out), (end - begin) * linear.out);
    results[task] = checkpoint.read(*linear.weight, {linear.first_row + begin, linear.first_row + end}, rows);
    if (rounds) elementwise_.round(dtype_, rows.data(), static_cast<int64_t>(rows.size()));
    kernels_.pack_transposed(rows.data(), begin, end - begin, linear.in, linear.out, panels);
  });
  return first_failure(results);
}

template <class T>
Result<void> Linear<T>::pack_block(const Checkpoint& checkpoint, const LinearRef& linear, RowRange block, Worker& mine,
                                   T* panels) {
  const bool rounds = !is_exact(linear.weight->type, dtype_);
  for (int64_t begin = block.begin; begin < block.end; begin += kPackedRows) {
    const int64_t end = std::min(block.end, begin + kPackedRows);
    const RowRange stored{linear.first_row + begin, linear.first_row + end};
    if (!rounds && end - begin == kPackedRows)
      if (const auto bytes = checkpoint.stored_rows(*linear.weight, stored);
          !bytes.empty() &&
          kernels_.pack_stored(linear.weight->type, bytes.data(), linear.in, begin - block.begin, panels))
        continue;
    const std::span<T> rows(mine.rows.at_least(kPackedRows * linear.in), (end - begin) * linear.in);
    LSTAR_TRY(checkpoint.read(*linear.weight, stored, rows));
    if (rounds) elementwise_.round(dtype_, rows.data(), static_cast<int64_t>(rows.size()));
    kernels_.pack(rows.data(), end - begin, linear.in, begin - block.begin, panels);
  }
  kernels_.clear(block.count(), linear.in, panels);
  return {};
}

template <class T>
Result<void> Linear<T>::operator()(const Checkpoint& checkpoint, const LinearRef& linear, View<const T> x, View<T> y) {
  LSTAR_TRY(check(checkpoint, linear, x.cols, y.cols));
  T* bias = nullptr;
  if (linear.bias) {
    const int64_t cols = linear.bias->shape.cols(), row = linear.first_bias / cols;
    bias = bias_.at_least(cols);
    LSTAR_TRY(checkpoint.read(*linear.bias, {row, row + 1}, std::span<T>(bias, cols)));
    bias += linear.first_bias % cols;
    elementwise_.round(dtype_, bias, linear.out);
  }
  const int64_t columns = columns_of_a_task(linear.out), blocks = (linear.out + columns - 1) / columns;
  T* transposed = nullptr;
  if (linear.transposed) {
    const int64_t padded = (linear.out + kLinearColumns - 1) / kLinearColumns * kLinearColumns;
    transposed = transposed_.at_least(padded * linear.in);
    LSTAR_TRY(pack_transposed(checkpoint, linear, transposed));
  }
  std::vector<Result<void>> results(blocks);
  pool_.for_each(blocks, [&](size_t block, int worker) {
    Worker& mine = workers_[worker];
    const int64_t begin = static_cast<int64_t>(block) * columns;
    const int64_t end = std::min(linear.out, begin + columns);
    LinearBlock<T> job{.x = x, .y = y, .begin = begin, .columns = end - begin, .bias = bias, .dtype = dtype_};
    if (transposed) {
      job.panels = transposed + begin * linear.in;
    } else {
      T* panels = mine.panels.at_least(kLinearColumns * linear.in);
      results[block] = pack_block(checkpoint, linear, {begin, end}, mine, panels);
      if (!results[block]) return;
      job.panels = panels;
    }
    if (linear.interleaved_heads > 0) job.interleaved_rows = linear.out / linear.interleaved_heads;
    job.sums = mine.sums.at_least(kLinearChunk * kLinearColumns);
    kernels_.multiply(job);
  });
  return first_failure(results);
}

template class Linear<float>;
template class Linear<double>;

}  // namespace lstar
