#include "lstar/compute/cpu/linear_kernel.h"

#include <algorithm>

#include "lstar/base/vector_target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lstar/compute/cpu/linear_kernel.cpp"
#include <hwy/foreach_target.h>

#include "lstar/compute/cpu/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {
namespace {

// Depth of a panel that stays in the second-level cache while the rows of a chunk pass by.
constexpr int64_t kDepth = 512;

template <class T>
void pack(const T* weights, int64_t rows, int64_t in, int64_t column, T* panels) {
  constexpr int64_t width = panel_width<T>();
  for (int64_t r = 0; r < rows;) {
    const int64_t j = column + r, inside = j % width, count = std::min(rows - r, width - inside);
    pack_columns(weights + r * in, in, count, in, width, panels + (j - inside) * in + inside);
    r += count;
  }
}

template <class T>
void clear(int64_t column, int64_t in, T* panels) {
  constexpr int64_t width = panel_width<T>();
  for (int64_t j = column; j < kLinearColumns; j += width - j % width)
    clear_columns(j % width, in, width, panels + (j - j % width) * in);
}

template <class T>
void pack_transposed(const T* weights, int64_t begin, int64_t rows, int64_t in, int64_t out, T* panels) {
  constexpr int64_t width = panel_width<T>();
  const int64_t padded = (out + kLinearColumns - 1) / kLinearColumns * kLinearColumns;
  for (int64_t j = 0; j < padded; j += width) {
    T* HWY_RESTRICT to = panels + j * in + begin * width;
    const int64_t count = std::clamp<int64_t>(out - j, 0, width);
    if (count == width) {
      const hn::ScalableTag<T> d;
      const auto lanes = static_cast<int64_t>(hn::Lanes(d));
      for (int64_t k = 0; k < rows; ++k)
        for (int64_t v = 0; v < width; v += lanes)
          hn::Store(hn::LoadU(d, weights + k * out + j + v), d, to + k * width + v);
      continue;
    }
    for (int64_t k = 0; k < rows; ++k) {
      std::copy_n(weights + k * out + std::min(j, out), count, to + k * width);
      std::fill_n(to + k * width + count, width - count, T(0));
    }
  }
}

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
      for (int64_t i = 0; i < rows; i += kTileRows) {
        const TileRows<T> a(job.x.row(begin + i) + k, job.x.stride, rows - i);
        T* sums = job.sums + i * kLinearColumns + j;
        multiply_tile<kTileVectors>(
            a, panel, width, depth,
            [&](int r, int v) { return k == 0 ? hn::Zero(d) : hn::Load(d, sums + r * kLinearColumns + v * lanes); },
            [&](int r, int v, auto sum) { hn::Store(sum, d, sums + r * kLinearColumns + v * lanes); });
      }
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

template <class T>
LinearKernels<T> kernels() {
  return {pack<T>, clear<T>, pack_transposed<T>, multiply<T>};
}
// LSTAR_DISPATCH takes plain names.
LinearKernels<float> kernels_f32() { return kernels<float>(); }
LinearKernels<double> kernels_f64() { return kernels<double>(); }

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
