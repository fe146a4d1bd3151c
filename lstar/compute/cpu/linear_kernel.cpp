#include "lstar/compute/cpu/linear_kernel.h"

#include <algorithm>
#include <type_traits>

#include <hwy/cache_control.h>

#include "lstar/base/vector_target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lstar/compute/cpu/linear_kernel.cpp"
#include <hwy/foreach_target.h>

#include "lstar/compute/cpu/packing-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {
namespace {

// Steps of a product before sums go through memory.
template <class T>
constexpr int64_t kDepth = 3072 / sizeof(T);
static_assert(kLinearRows == kTileRows && kMostLinearChunk % kLinearRows == 0);

// Not a lambda: GCC 12 takes a function that does nothing but this for one without effect, and drops its calls.
template <class T>
struct Prefetching {
  const T* from;
  int64_t step;
  HWY_INLINE void operator()(int64_t k) const { hwy::Prefetch(from + k * step); }
};

// y = round(sums + bias) for columns that do not fill a panel, and for interleaved ones, which go to where
// `transformers` has them.
template <class T, class Round>
void write_columns(const LinearBlock<T>& job, int64_t begin, int64_t column, View<T> sums, Round round) {
  for (int64_t i = 0; i < sums.rows; ++i) {
    T* HWY_RESTRICT row = sums.row(i);
    for_elements<T>(sums.cols, [&](auto d, int64_t j) {
      auto sum = hn::LoadU(d, row + j);
      if (job.bias) sum = hn::Add(sum, hn::LoadU(d, job.bias + column + j));
      hn::StoreU(round(d, sum), d, row + j);
    });
    T* HWY_RESTRICT y = job.y.row(begin + i);
    if (job.interleaved_rows == 0) {
      std::copy_n(row, sums.cols, y + column);
      continue;
    }
    for (int64_t j = 0; j < sums.cols; ++j) {
      const int64_t stored = (column + j) % job.interleaved_rows, head = column + j - stored;
      y[head + stored % 2 * (job.interleaved_rows / 2) + stored / 2] = row[j];
    }
  }
}

// The part from k on of the panel that begins with column j of the block, by the rows [begin, begin + rows).
template <bool kInPanels, class T, class Round>
void multiply_part(const LinearBlock<T>& job, int64_t begin, int64_t rows, int64_t j, int64_t k, View<T> sums,
                   Round round) {
  const hn::ScalableTag<T> d;
  constexpr int64_t width = panel_width<T>(), lanes = width / kTileVectors;
  const int64_t in = job.x.cols, depth = std::min(kDepth<T>, in - k), column = job.begin + j;
  const bool is_first = k == 0, is_last = k + depth == in;
  const bool in_place = job.interleaved_rows == 0 && sums.cols == width, ends_in_y = in_place && is_last;
  const T* panel = job.panels + j * in + k * width;
  const auto multiply_rows = [&](auto tile_rows, int64_t i) {
    const auto load = [&](int r, int v) { return is_first ? hn::Zero(d) : hn::Load(d, sums.row(i + r) + v * lanes); };
    const auto store = [&](int r, int v, auto sum) {
      if (!ends_in_y) return hn::Store(sum, d, sums.row(i + r) + v * lanes);
      if (i + r >= rows) return;
      if (job.bias) sum = hn::Add(sum, hn::LoadU(d, job.bias + column + v * lanes));
      hn::StoreU(round(d, sum), d, job.y.row(begin + i + r) + column + v * lanes);
    };
    if constexpr (kInPanels) {
      const PanelRows<T, kLinearRows, tile_rows> a{job.x_panels + (begin + i) * in + k * kLinearRows};
      // The next part, which follows this one in memory, comes nearer meanwhile: a share of it beside each tile.
      const int64_t share = std::max<int64_t>(1, width * kLinearRows / rows);
      const Prefetching<T> next{panel + (width + i / kLinearRows * share) * depth, share};
      multiply_tile<kTileVectors>(a, panel, width, depth, load, store, next);
    } else {
      const TileRows<T, 1, tile_rows> a(job.x.row(begin + i) + k, job.x.stride, rows - i);
      multiply_tile<kTileVectors>(a, panel, width, depth, load, store);
    }
  };
  int64_t i = 0;
  for (; i + kFewRows < rows; i += kLinearRows) multiply_rows(std::integral_constant<int, kLinearRows>(), i);
  if (i < rows) multiply_rows(std::integral_constant<int, kFewRows>(), i);
  if (is_last && !in_place) write_columns(job, begin, column, sums, round);
}

// Rows in panels stay in the second-level cache at their whole depth, and one panel of weights after the other passes
// by. Rows that are read where they are do so at a part of it, by which all panels of a block pass.
template <bool kInPanels, class T, class Round>
void multiply_chunk(const LinearBlock<T>& job, int64_t begin, int64_t rows, Round round) {
  constexpr int64_t width = panel_width<T>(), at_once = kInPanels ? width : kLinearColumns;
  for (int64_t first = 0; first < job.columns; first += at_once) {
    const int64_t last = std::min(job.columns, first + at_once);
    for (int64_t k = 0; k < job.x.cols; k += kDepth<T>)
      for (int64_t j = first; j < last; j += width) {
        const View<T> sums{job.sums + (j - first), rows, std::min(width, last - j), at_once};
        multiply_part<kInPanels>(job, begin, rows, j, k, sums, round);
      }
  }
}

template <class T>
void multiply(const LinearBlock<T>& job) {
  const int64_t rows = job.x.rows, step = job.x_panels ? linear_chunk<T>(job.x.cols) : kMostLinearChunk;
  with_rounding<T>(job.dtype, [&](auto round) {
    for (int64_t i = 0; i < rows; i += step)
      job.x_panels ? multiply_chunk<true>(job, i, std::min(step, rows - i), round)
                   : multiply_chunk<false>(job, i, std::min(step, rows - i), round);
  });
}

bool pack_stored_never(StoredType, const std::byte*, int64_t, int64_t, double*) { return false; }

// LSTAR_DISPATCH takes plain names.
LinearKernels<float> kernels_f32() {
  return {panel_width<float>(), pack_rows<float>,       pack<float>,    pack_stored,
          clear<float>,         pack_transposed<float>, multiply<float>};
}
LinearKernels<double> kernels_f64() {
  return {panel_width<double>(), pack_rows<double>,       pack<double>,    pack_stored_never,
          clear<double>,         pack_transposed<double>, multiply<double>};
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lstar {

template <>
LinearKernels<float> linear_kernels() {
  return LSTAR_DISPATCH(kernels_f32)();
}
template <>
LinearKernels<double> linear_kernels() {
  return LSTAR_DISPATCH(kernels_f64)();
}
}  // namespace lstar
#endif
