#include "lstar/compute/cpu/linear_kernel.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include <hwy/cache_control.h>

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

#if HWY_MAX_BYTES >= 32
using Halves = hn::FixedTag<uint16_t, 8>;
using Floats = hn::FixedTag<float, 8>;

struct WidenFloat16 {
  HWY_INLINE hn::Vec<Floats> operator()(hn::Vec<Halves> x) const {
    return hn::PromoteTo(Floats(), hn::BitCast(hn::FixedTag<hwy::float16_t, 8>(), x));
  }
};
struct WidenBfloat16 {
  HWY_INLINE hn::Vec<Floats> operator()(hn::Vec<Halves> x) const {
    return hn::BitCast(Floats(), hn::ShiftLeft<16>(hn::PromoteTo(hn::FixedTag<uint32_t, 8>(), x)));
  }
};

// A block of 8 by 8 numbers, transposed while it is half as wide. Three times the same shuffle of all eight vectors.
template <class Widen>
HWY_INLINE void pack_block_of_halves(const std::byte* HWY_RESTRICT from, int64_t row_bytes, float* HWY_RESTRICT to,
                                     int64_t width) {
  const Halves d;
  hn::Vec<Halves> v[8], w[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i)  // by bytes: stored numbers need not be aligned
    v[i] =
        hn::BitCast(d, hn::LoadU(hn::FixedTag<uint8_t, 16>(), reinterpret_cast<const uint8_t*>(from + i * row_bytes)));
  const auto shuffle = [&](const auto& in, auto& out) HWY_ATTR {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      out[2 * i] = hn::InterleaveLower(d, in[i], in[i + 4]);
      out[2 * i + 1] = hn::InterleaveUpper(d, in[i], in[i + 4]);
    }
  };
  shuffle(v, w);
  shuffle(w, v);
  shuffle(v, w);
#pragma GCC unroll 8
  for (int k = 0; k < 8; ++k) hn::StoreU(Widen()(w[k]), Floats(), to + k * width);
}

template <class Widen>
void pack_halves(const std::byte* weights, int64_t in, int64_t column, float* panels) {
  constexpr int64_t width = panel_width<float>();
  static_assert(width % kPackedRows == 0);
  const int64_t row_bytes = 2 * in;
  float* HWY_RESTRICT to = panels + column / width * width * in + column % width;
  int64_t k = 0;
  const std::byte* next = weights + kPackedRows * row_bytes;  // sixteen streams are more than the processor foresees
  for (; k + 8 <= in; k += 8, to += 8 * width) {
    for (int i = 0; i < 4; ++i) hwy::Prefetch(next + 32 * k + 64 * i);
    pack_block_of_halves<Widen>(weights + 2 * k, row_bytes, to, width);
    pack_block_of_halves<Widen>(weights + 2 * k + 8 * row_bytes, row_bytes, to + 8, width);
  }
  for (; k < in; ++k, to += width)
    for (int64_t j = 0; j < kPackedRows; ++j) {
      uint16_t half;
      std::memcpy(&half, weights + j * row_bytes + 2 * k, sizeof half);
      to[j] = hn::GetLane(Widen()(hn::Set(Halves(), half)));
    }
}
#endif

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

template <class T>
LinearKernels<T> kernels() {
  return {pack<T>, nullptr, nullptr, clear<T>, pack_transposed<T>, multiply<T>};
}
// LSTAR_DISPATCH takes plain names.
LinearKernels<float> kernels_f32() {
  auto all = kernels<float>();
#if HWY_MAX_BYTES >= 32
  all.pack_float16 = pack_halves<WidenFloat16>;
  all.pack_bfloat16 = pack_halves<WidenBfloat16>;
#endif
  return all;
}
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
