#include "lstar/compute/cpu/linear_kernel.h"

#include <algorithm>

#include "lstar/compute/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lstar/compute/cpu/linear_kernel.cpp"
#include <hwy/foreach_target.h>

#include "lstar/compute/cpu/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {

// Depth of a panel that stays in the second-level cache while the rows of a chunk pass by.
constexpr int64_t kDepth = 512;

// W as panels (panel, in, panel_width): what multiply_tile reads without a jump.
template <class T>
void pack(const LinearBlock<T>& job) {
  constexpr int64_t width = panel_width<T>();
  const int64_t in = job.x.cols;
  for (int64_t j = 0; j < job.columns; j += width) {
    T* panel = job.panels + j * in;
    const int64_t columns = std::min(job.columns - j, width);
    if (!job.transposed) {
      pack_panel(job.weights.row(j), job.weights.stride, columns, in, width, panel);
      continue;
    }
    for (int64_t k = 0; k < in; ++k) {
      std::copy_n(job.weights.row(k) + j, columns, panel + k * width);
      std::fill_n(panel + k * width + columns, width - columns, T(0));
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
void multiply_block_any(const LinearBlock<T>& job) {
  pack(job);
  with_rounding<T>(job.dtype, [&](auto round) {
    for (int64_t begin = 0; begin < job.x.rows; begin += kLinearChunk) {
      const int64_t rows = std::min(kLinearChunk, job.x.rows - begin);
      multiply_chunk(job, begin, rows);
      write_chunk(job, begin, rows, round);
    }
  });
}

void multiply_block_float(const LinearBlock<float>& job) { multiply_block_any(job); }
void multiply_block_double(const LinearBlock<double>& job) { multiply_block_any(job); }
const char* target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lstar {

HWY_EXPORT(multiply_block_float);
HWY_EXPORT(multiply_block_double);
HWY_EXPORT(target_name);

void multiply_block(const LinearBlock<float>& job) { HWY_DYNAMIC_DISPATCH(multiply_block_float)(job); }
void multiply_block(const LinearBlock<double>& job) { HWY_DYNAMIC_DISPATCH(multiply_block_double)(job); }

std::string instruction_set() { return HWY_DYNAMIC_DISPATCH(target_name)(); }

}  // namespace lstar
#endif
