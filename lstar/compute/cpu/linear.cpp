#include "lstar/compute/cpu/linear.h"

#include <algorithm>
#include <limits>

#include <fmt/core.h>

namespace lstar {
namespace {

constexpr int64_t kRowElements = int64_t{1} << 16;  // elements of a transposed weight that are read at a time
// Rows of a thread from which on threads share the rows instead of the columns. Of a transposed weight, which all of
// them have packed before either way, fewer.
constexpr int64_t kManyRows = 768, kManyRowsOfTransposed = 192;
constexpr int64_t kGroupColumns = 1024;  // so many that packing rows for each group is nothing beside multiplying them

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
    return fail({.kind = ErrorKind::argument,
                 .what = "width of activations",
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

// Even shares for all threads, each of a chunk or less.
template <class T>
int64_t Linear<T>::rows_of_a_task(int64_t rows, int64_t in) const {
  const int64_t at_most = linear_chunk<T>(in) * pool_.threads();
  const int64_t tasks = (rows + at_most - 1) / at_most * pool_.threads();
  return ((rows + tasks - 1) / tasks + kLinearRows - 1) / kLinearRows * kLinearRows;
}

// Every task packs a range of input rows into its place in all panels.
template <class T>
Result<void> Linear<T>::pack_transposed(const Checkpoint& checkpoint, const LinearRef& linear, T* panels) {
  const int64_t step = std::max<int64_t>(1, kRowElements / linear.out);
  const int64_t tasks = (linear.in + step - 1) / step;
  const bool rounds = !is_exact(linear.weight->type, rounding_.dtype);
  std::vector<Result<void>> results(tasks);
  pool_.for_each(tasks, [&](size_t task, int worker) {
    const int64_t begin = static_cast<int64_t>(task) * step, end = std::min(linear.in, begin + step);
    const std::span<T> rows(workers_[worker].rows.at_least(step * linear.out), (end - begin) * linear.out);
    results[task] = checkpoint.read(*linear.weight, {linear.first_row + begin, linear.first_row + end}, rows);
    if (rounds) elementwise_.round(rounding_.to_nearest(), rows.data(), static_cast<int64_t>(rows.size()));
    kernels_.pack_transposed(rows.data(), begin, end - begin, linear.in, linear.out, panels);
  });
  return first_failure(results);
}

template <class T>
Result<void> Linear<T>::pack_block(const Checkpoint& checkpoint, const LinearRef& linear, RowRange block, Worker& mine,
                                   T* panels) {
  const bool rounds = !is_exact(linear.weight->type, rounding_.dtype);
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
    if (rounds) elementwise_.round(rounding_.to_nearest(), rows.data(), static_cast<int64_t>(rows.size()));
    kernels_.pack(rows.data(), end - begin, linear.in, begin - block.begin, panels);
  }
  kernels_.clear(block.count(), linear.in, panels);
  return {};
}

// The blocks of a group of columns, each packed by one thread.
template <class T>
Result<void> Linear<T>::pack_group(const Checkpoint& checkpoint, const LinearRef& linear, RowRange group, T* panels) {
  constexpr int64_t step = kLinearColumns;
  const int64_t tasks = (group.count() + step - 1) / step;
  std::vector<Result<void>> results(tasks);
  pool_.for_each(tasks, [&](size_t task, int worker) {
    const int64_t begin = group.begin + static_cast<int64_t>(task) * step;
    const RowRange block{begin, std::min(group.end, begin + step)};
    results[task] = pack_block(checkpoint, linear, block, workers_[worker], panels + (begin - group.begin) * linear.in);
  });
  return first_failure(results);
}

template <class T>
Result<void> Linear<T>::share_columns(const Checkpoint& checkpoint, const LinearRef& linear, LinearBlock<T> job) {
  T* all_panels = nullptr;
  if (linear.transposed) {
    all_panels = panels_.at_least(whole_blocks(linear.out) * linear.in);
    LSTAR_TRY(pack_transposed(checkpoint, linear, all_panels));
  }
  const int64_t columns = columns_of_a_task(linear.out), blocks = (linear.out + columns - 1) / columns;
  std::vector<Result<void>> results(blocks);
  pool_.for_each(blocks, [&](size_t index, int worker) {
    Worker& mine = workers_[worker];
    LinearBlock<T> block = job;
    block.begin = static_cast<int64_t>(index) * columns;
    block.columns = std::min(columns, linear.out - block.begin);
    if (all_panels) {
      block.panels = all_panels + block.begin * linear.in;
    } else {
      T* panels = mine.panels.at_least(kLinearColumns * linear.in);
      results[index] = pack_block(checkpoint, linear, {block.begin, block.begin + block.columns}, mine, panels);
      if (!results[index]) return;
      block.panels = panels;
    }
    block.sums = mine.sums.at_least(kMostLinearChunk * kLinearColumns);
    kernels_.multiply(block);
  });
  return first_failure(results);
}

template <class T>
Result<void> Linear<T>::share_rows(const Checkpoint& checkpoint, const LinearRef& linear, LinearBlock<T> job) {
  const int64_t columns = linear.transposed ? linear.out : kGroupColumns;
  const int64_t step = rows_of_a_task(job.x.rows, linear.in);
  for (; job.begin < linear.out; job.begin += columns) {
    job.columns = std::min(columns, linear.out - job.begin);
    T* group = panels_.at_least(whole_blocks(job.columns) * linear.in);
    LSTAR_TRY(linear.transposed ? pack_transposed(checkpoint, linear, group)
                                : pack_group(checkpoint, linear, {job.begin, job.begin + job.columns}, group));
    job.panels = group;
    pool_.for_each((job.x.rows + step - 1) / step, [&](size_t task, int worker) {
      Worker& mine = workers_[worker];
      const int64_t begin = static_cast<int64_t>(task) * step, end = std::min(job.x.rows, begin + step);
      T* packed = mine.x.at_least(step * linear.in);
      LinearBlock<T> block = job;
      block.x = job.x.row_range(begin, end);
      block.y = job.y.row_range(begin, end);
      kernels_.pack_rows(block.x, packed);
      block.x_panels = packed;
      block.sums = mine.sums.at_least(kMostLinearChunk * kLinearColumns);
      kernels_.multiply(block);
    });
  }
  return {};
}

template <class T>
Result<void> Linear<T>::operator()(const Checkpoint& checkpoint, const LinearRef& linear, View<const T> x, View<T> y) {
  LSTAR_TRY(check(checkpoint, linear, x.cols, y.cols));
  LinearBlock<T> job{.x = x, .y = y, .dtype = rounding_.at_random ? Dtype::float32 : rounding_.dtype};
  if (linear.interleaved_heads > 0) job.interleaved_rows = linear.out / linear.interleaved_heads;
  if (linear.bias) {
    const int64_t cols = linear.bias->shape.cols(), row = linear.first_bias / cols;
    T* bias = bias_.at_least(cols);
    LSTAR_TRY(checkpoint.read(*linear.bias, {row, row + 1}, std::span<T>(bias, cols)));
    bias += linear.first_bias % cols;
    elementwise_.round(rounding_.to_nearest(), bias, linear.out);
    job.bias = bias;
  }
  const bool are_many = x.rows >= (linear.transposed ? kManyRowsOfTransposed : kManyRows) * pool_.threads();
  return are_many ? share_rows(checkpoint, linear, job) : share_columns(checkpoint, linear, job);
}

template class Linear<float>;
template class Linear<double>;

}  // namespace lstar
