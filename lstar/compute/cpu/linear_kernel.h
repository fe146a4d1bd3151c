// The arithmetic of one block of a linear layer. Pure functions of their arguments; any thread may call them on memory
// of its own. A block of weights lies in panels (panel, in, panel width), which multiply_tile reads without a jump;
// rows of x that meet many panels may lie in such, too: (panel, in, kLinearRows).
#pragma once

#include <algorithm>
#include <cstddef>

#include "lstar/base/array.h"
#include "lstar/base/dtype.h"
#include "lstar/checkpoint/stored_type.h"

namespace lstar {

// Rows of x in a panel: the height of a register block.
inline constexpr int64_t kLinearRows = 6;
// Output columns whose weights one thread packs for itself; a multiple of every panel's width.
inline constexpr int64_t kLinearColumns = 64;
// Columns of the blocks that hold so many.
constexpr int64_t whole_blocks(int64_t columns) {
  return (columns + kLinearColumns - 1) / kLinearColumns * kLinearColumns;
}
// Output rows of a weight that are packed at a time: a cache line of every panel row, or a part of one.
inline constexpr int64_t kPackedRows = 16;

// Rows of x, whole panels, that pass by one panel of weights before the next is read. Of those in panels as many as
// stay in the second-level cache meanwhile, and enough to be worth a panel's way from the third.
inline constexpr int64_t kMostLinearChunk = 96;
template <class T>
constexpr int64_t linear_chunk(int64_t in) {
  constexpr int64_t bytes = 150'000, fewest = 24;
  const int64_t panels = bytes / (in * static_cast<int64_t>(sizeof(T)) * kLinearRows);
  return std::clamp(panels * kLinearRows, fewest, kMostLinearChunk);
}

// y(:, begin .. begin + columns) = x W^T + b for one block of W.
template <class T>
struct LinearBlock {
  View<const T> x;
  const T* x_panels = nullptr;  // the same rows in panels; null: they are read where they are
  View<T> y;
  int64_t begin = 0;
  int64_t columns = 0;
  const T* panels = nullptr;     // from `begin` on
  int64_t interleaved_rows = 0;  // > 0: rows of a head whose halves are stored interleaved
  const T* bias = nullptr;       // of the whole layer, in the order of the stored rows; null for none
  Dtype dtype{};
  T* sums = nullptr;  // scratch: (kMostLinearChunk, kLinearColumns)
};

// The functions for the best instruction set that the processor has.
template <class T>
struct LinearKernels {
  int64_t panel_width;
  // Puts the rows of x into panels; what is left of the last one is 0.
  void (*pack_rows)(View<const T> x, T* panels);
  // Puts `rows` output rows of W, (rows, in), into the panels of a block, as its columns from `column` on.
  void (*pack)(const T* weights, int64_t rows, int64_t in, int64_t column, T* panels);
  // Likewise kPackedRows rows as they are stored, widened on their way. False, and nothing done, for a type of which
  // reading them first is as good.
  bool (*pack_stored)(StoredType type, const std::byte* weights, int64_t in, int64_t column, T* panels);
  // Clears the columns from `column` to the end of its panel.
  void (*clear)(int64_t column, int64_t in, T* panels);
  // Puts input rows [begin, begin + rows) of a transposed W, (rows, out), into the panels of all its blocks.
  void (*pack_transposed)(const T* weights, int64_t begin, int64_t rows, int64_t in, int64_t out, T* panels);
  void (*multiply)(const LinearBlock<T>&);
};
template <class T>
LinearKernels<T> linear_kernels();

}  // namespace lstar
