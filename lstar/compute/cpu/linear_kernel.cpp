#include "lstar/compute/cpu/linear_kernel.h"

#include <algorithm>
#include <type_traits>

#include "lstar/base/vector_target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lstar/compute/cpu/linear_kernel.cpp"
#include <hwy/foreach_target.h>

#include "lstar/compute/cpu/packing-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {
namespace {

// Depth of a panel that stays in the second-level cache while the rows of a chunk pass by.
constexpr int64_t kDepth = 512;

// sums = x(begin .. begin + rows) W^T
template <class T>
void multiply_chunk(const LinearBlock<T>& job, int64_t begin, int64_t rows) {
  const hn::ScalableTag<T> d;
  constexpr int64_t width = panel_width<T>(), lanes = width / kTileVectors;
  const int64_t in = job.x.cols;
  for (int64_t k = 0; k < in; k += kDepth) {
    const int64_t depth = std::min(kDepth, in - k);
    for (int64_t j = 0; j < job.columns; j += width) {
      const T* panel = job.panels + j * in + k * width;
      const auto multiply_rows = [&](auto tile_rows, int64_t i) {
        const TileRows<T, 1, tile_rows> a(job.x.row(begin + i) + k, job.x.stride, rows - i);
        T* sums = job.sums + i * kLinearColumns + j;
        multiply_tile<kTileVectors>(
            a, panel, width, depth,
            [&](int r, int v) { return k == 0 ? hn::Zero(d) : hn::Load(d, sums + r * kLinearColumns + v * lanes); },
            [&](int r, int v, auto sum) { hn::Store(sum, d, sums + r * kLinearColumns + v * lanes); });
      };
      int64_t i = 0;
      for (; i + kFewRows < rows; i += kTileRows) multiply_rows(std::integral_constant<int, kTileRows>(), i);
      if (i < rows) multiply_rows(std::integral_constant<int, kFewRows>(), i);
    }
  }
}

// y = round(sums + bias), each column at the place where `transformers` has it.
template <class T, class Round>
void write_chunk(const LinearBlock<T>& job, int64_t begin, int64_t rows, Round round) {
  for (int64_t i = 0; i < rows; ++i) {
    T* HWY_RESTRICT sums = job.sums + i * kLinearColumns;
    for_elements<T>(job.columns, [&](auto d, int64_t j) {
      auto sum = hn::LoadU(d, sums + j);
      if (job.bias) sum = hn::Add(sum, hn::LoadU(d, job.bias + job.begin + j));
      hn::StoreU(round(d, sum), d, sums + j);
    });
    T* HWY_RESTRICT y = job.y.row(begin + i);
    if (job.interleaved_rows == 0) {
      std::copy_n(sums, job.columns, y + job.begin);
      continue;
    }
    for (int64_t j = 0; j < job.columns; ++j) {
      const int64_t stored = (job.begin + j) % job.interleaved_rows, head = job.begin + j - stored;
      y[head + stored % 2 * (job.interleaved_rows / 2) + stored / 2] = sums[j];
    }
  }
}

template <class T>
void multiply(const LinearBlock<T>& job) {
  with_rounding<T>(job.dtype, [&](auto round) {
    for (int64_t begin = 0; begin < job.x.rows; begin += kLinearChunk) {
      const int64_t rows = std::min(kLinearChunk, job.x.rows - begin);
      multiply_chunk(job, begin, rows);
      write_chunk(job, begin, rows, round);
    }
  });
}

bool pack_stored_never(StoredType, const std::byte*, int64_t, int64_t, double*) { return false; }

// LSTAR_DISPATCH takes plain names.
LinearKernels<float> kernels_f32() {
  return {panel_width<float>(), pack<float>, pack_stored, clear<float>, pack_transposed<float>, multiply<float>};
}
LinearKernels<double> kernels_f64() {
  return {panel_width<double>(),   pack<double>,    pack_stored_never, clear<double>,
          pack_transposed<double>, multiply<double>};
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
