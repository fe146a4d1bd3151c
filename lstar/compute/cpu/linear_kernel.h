// The arithmetic of one block of a linear layer. Pure functions of their arguments; any thread may call them.
#pragma once

#include <string>

#include "lstar/base/array.h"
#include "lstar/base/dtype.h"
#include "lstar/compute/cpu/linear.h"

namespace lstar {

// Rows of x whose sums are kept at a time; a multiple of every register block's height.
inline constexpr int64_t kLinearChunk = 96;

// y(:, begin .. begin + columns) = x W^T + b for one block of W.
template <class T>
struct LinearBlock {
  View<const T> x;
  View<T> y;
  int64_t begin = 0;
  int64_t columns = 0;    // at most kLinearColumns
  View<const T> weights;  // (columns, in), or (in, columns) when transposed
  bool transposed = false;
  int64_t interleaved_rows = 0;  // > 0: rows of a head whose halves are stored interleaved
  const T* bias = nullptr;       // of the whole layer, in the order of the stored rows
  Dtype dtype{};
  T* panels = nullptr;  // scratch of linear_panels_size(in)
  T* sums = nullptr;    // scratch of kLinearChunk * kLinearColumns
};

inline int64_t linear_panels_size(int64_t in) { return in * kLinearColumns; }

void multiply_block(const LinearBlock<float>&);
void multiply_block(const LinearBlock<double>&);

// The instruction set that is used, for a result's description: "AVX3".
std::string instruction_set();

}  // namespace lstar
