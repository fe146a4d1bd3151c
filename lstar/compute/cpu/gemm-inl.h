// The one matrix product that linear layers and attention share: a register block of C, kept in registers over the
// whole depth. Every element of C is one chain of multiply-adds in the order of k, whatever block it falls into: the
// bits of a row depend neither on its neighbours nor on how work is cut. B comes in panels, kVectors vectors wide.
#if defined(LSTAR_GEMM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LSTAR_GEMM_INL_H
#undef LSTAR_GEMM_INL_H
#else
#define LSTAR_GEMM_INL_H
#endif

#include <algorithm>

#include <hwy/highway.h>

#include "lstar/compute/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {

// Rows and vectors of a register block: 24 of 32 registers hold C with AVX-512, 12 of 16 otherwise.
constexpr int kTileRows = 6;
constexpr int kFewRows = 4;  // of a last, lower block: with fewer, multiply-adds would wait for each other
constexpr int kTileVectors = HWY_TARGET == HWY_AVX3 ? 4 : 2;

template <class T>
constexpr int64_t panel_width() {
  return kTileVectors * static_cast<int64_t>(HWY_LANES(T));
}

// The rows of A that meet in a block, given one by one so that the last block of a matrix may repeat a row instead of
// padding. Elements of a row are kStep apart.
template <class T, int64_t kStep = 1, int kHeight = kTileRows>
struct TileRows {
  static constexpr int kRows = kHeight;
  const T* row[kRows];
  TileRows() = default;
  TileRows(const T* a, int64_t stride, int64_t available) {
    for (int r = 0; r < kRows; ++r) row[r] = a + (r < available ? r : available - 1) * stride;
  }
  HWY_INLINE T at(int r, int64_t k) const { return row[r][k * kStep]; }
};

// Rows that lie side by side in a panel, kStep wide: one address instead of one a row.
template <class T, int64_t kStep, int kHeight>
struct PanelRows {
  static constexpr int kRows = kHeight;
  const T* panel;
  HWY_INLINE T at(int r, int64_t k) const { return panel[k * kStep + r]; }
};

struct NothingElse {
  HWY_INLINE void operator()(int64_t) const {}
};

// store(r, v, sum) receives vector v of row r; load(r, v) gives what the chain starts from; beside(k) is called once a
// step of the depth.
template <int kVectors, class Rows, class T, class Load, class Store, class Beside = NothingElse>
HWY_INLINE void multiply_tile(const Rows& a, const T* HWY_RESTRICT b, int64_t b_stride, int64_t depth, const Load& load,
                              const Store& store, const Beside& beside = {}) {
  constexpr int kRows = Rows::kRows;
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  V sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[r][v] = load(r, v);
  const T* const end = b + depth * b_stride;
  for (int64_t k = 0; b != end; ++k) {
    beside(k);
    V column[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) column[v] = hn::LoadU(d, b + v * lanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const V x = hn::Set(d, a.at(r, k));
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(x, column[v], sum[r][v]);
    }
    b += b_stride;
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) store(r, v, sum[r][v]);
}

// to(k, j) = from(j, k) for a block of kTransposed by kTransposed elements, through 128-bit registers.
#if HWY_TARGET == HWY_SCALAR
template <class T>
constexpr int64_t kTransposed = 1;

template <class T>
HWY_INLINE void transpose_block(const T* from, int64_t, T* to, int64_t) {
  *to = *from;
}
#else
template <class T>
constexpr int64_t kTransposed = 16 / sizeof(T);

HWY_INLINE void transpose_block(const float* HWY_RESTRICT from, int64_t from_stride, float* HWY_RESTRICT to,
                                int64_t to_stride) {
  const hn::FixedTag<float, 4> d;
  const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + from_stride);
  const auto r2 = hn::LoadU(d, from + 2 * from_stride), r3 = hn::LoadU(d, from + 3 * from_stride);
  const auto low02 = hn::InterleaveLower(d, r0, r2), low13 = hn::InterleaveLower(d, r1, r3);
  const auto high02 = hn::InterleaveUpper(d, r0, r2), high13 = hn::InterleaveUpper(d, r1, r3);
  hn::StoreU(hn::InterleaveLower(d, low02, low13), d, to);
  hn::StoreU(hn::InterleaveUpper(d, low02, low13), d, to + to_stride);
  hn::StoreU(hn::InterleaveLower(d, high02, high13), d, to + 2 * to_stride);
  hn::StoreU(hn::InterleaveUpper(d, high02, high13), d, to + 3 * to_stride);
}

HWY_INLINE void transpose_block(const double* HWY_RESTRICT from, int64_t from_stride, double* HWY_RESTRICT to,
                                int64_t to_stride) {
  const hn::FixedTag<double, 2> d;
  const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + from_stride);
  hn::StoreU(hn::InterleaveLower(d, r0, r1), d, to);
  hn::StoreU(hn::InterleaveUpper(d, r0, r1), d, to + to_stride);
}
#endif

// to(k, j) = from(j, k): `rows` rows of `depth` elements become columns of a panel that is `width` wide. In steps of
// depth, so that lines of the panel are filled while they are near.
template <class T>
HWY_INLINE void pack_columns(const T* HWY_RESTRICT from, int64_t from_stride, int64_t rows, int64_t depth,
                             int64_t width, T* HWY_RESTRICT to) {
  constexpr int64_t block = kTransposed<T>, step = 64;
  static_assert(step % block == 0);
  for (int64_t begin = 0; begin < depth; begin += step) {
    const int64_t end = std::min(depth, begin + step);
    int64_t j = 0;
    for (; j + block <= rows; j += block) {
      const T* f = from + j * from_stride;
      int64_t k = begin;
      for (; k + block <= end; k += block) transpose_block(f + k, from_stride, to + k * width + j, width);
      for (; k < end; ++k)
        for (int64_t i = 0; i < block; ++i) to[k * width + j + i] = f[i * from_stride + k];
    }
    for (; j < rows; ++j)
      for (int64_t k = begin; k < end; ++k) to[k * width + j] = from[j * from_stride + k];
  }
}

// Columns of a panel that hold nothing are 0: they are multiplied like the others, and their sums are dropped.
template <class T>
HWY_INLINE void clear_columns(int64_t first, int64_t depth, int64_t width, T* HWY_RESTRICT to) {
  for (int64_t k = 0; first < width && k < depth; ++k) std::fill(to + k * width + first, to + (k + 1) * width, T(0));
}

}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();
#endif
