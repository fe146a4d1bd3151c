// What every two heads' probabilities share: sums of A^(h)_ij A^(h')_ij, a product of the heads' rows with each other.
// Three heads by three at a time are 9 sums and 6 vectors that they are made of, which 16 registers hold; both sides
// are read along the keys, so that nothing is packed. No lane's chain of additions is longer than a key block; then
// lanes are added, and what comes of them in double.
#if defined(LSTAR_OVERLAP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LSTAR_OVERLAP_INL_H
#undef LSTAR_OVERLAP_INL_H
#else
#define LSTAR_OVERLAP_INL_H
#endif

#include <algorithm>
#include <utility>

#include <hwy/highway.h>

#include "lstar/compute/cpu/attention.h"
#include "lstar/compute/cpu/simd-inl.h"
#include "lstar/observe/observation.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {

constexpr int kHeadsTogether = 3;

// Where the numbers of some heads begin, one after the other; the last head again where there are no more.
template <class T>
struct OverlapHeads {
  OverlapHeads(const T* block, int64_t head_stride, int heads, int first) {
    for (int k = 0; k < kHeadsTogether; ++k) begin[k] = block + std::min(first + k, heads - 1) * head_stride;
  }
  const T* begin[kHeadsTogether];
};

// store(r, c, sum) receives the sum of the products of a's head r and b's head c, over the spans span(0), span(1), ...
// of elements, each a whole number of vectors.
template <class T, class Span, class Store>
HWY_INLINE void multiply_heads(const OverlapHeads<T>& a, const OverlapHeads<T>& b, int64_t spans, const Span& span,
                               const Store& store) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  V sum[kHeadsTogether][kHeadsTogether];
#pragma GCC unroll 8
  for (int r = 0; r < kHeadsTogether; ++r)
#pragma GCC unroll 8
    for (int c = 0; c < kHeadsTogether; ++c) sum[r][c] = hn::Zero(d);
  for (int64_t s = 0; s < spans; ++s) {
    const auto [from, to] = span(s);
    for (int64_t j = from; j < to; j += lanes) {
      V column[kHeadsTogether];
#pragma GCC unroll 8
      for (int c = 0; c < kHeadsTogether; ++c) column[c] = hn::Load(d, b.begin[c] + j);
#pragma GCC unroll 8
      for (int r = 0; r < kHeadsTogether; ++r) {
        const V x = hn::Load(d, a.begin[r] + j);
#pragma GCC unroll 8
        for (int c = 0; c < kHeadsTogether; ++c) sum[r][c] = hn::MulAdd(x, column[c], sum[r][c]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kHeadsTogether; ++r)
#pragma GCC unroll 8
    for (int c = 0; c < kHeadsTogether; ++c) store(r, c, hn::GetLane(hn::SumOfLanes(d, sum[r][c])));
}

// overlap += those of a block of keys: (rows, kKeyBlock) of each head, of which row i holds numbers in seen(i), and 0
// beside them as far as vectors reach.
template <class T, class Seen>
HWY_INLINE void add_overlaps(const T* block, int64_t head_stride, int heads, int64_t rows, const Seen& seen,
                             double* HWY_RESTRICT overlap) {
  constexpr int64_t kRows = 4;  // so many rows of all heads are in the first or second cache
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  const int64_t at_once = std::min(kRows, lanes);
  for (int64_t begin = 0; begin < rows; begin += at_once) {
    const int64_t end = std::min(begin + at_once, rows);
    std::pair<int64_t, int64_t> spans[kRows];
    int64_t count = 0;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i * kKeyBlock, from = row + seen(i).from / lanes * lanes, to = row + seen(i).to;
      if (count > 0 && spans[count - 1].second == from)
        spans[count - 1].second = to;  // rows that see the whole block are one span
      else if (from < to)
        spans[count++] = {from, to};
    }
    for (int first = 0; first < heads && count > 0; first += kHeadsTogether)
      for (int second = 0; second <= first; second += kHeadsTogether) {
        const auto store = [&](int r, int c, T sum) {
          const int of = first + r, with = second + c;
          if (of < heads && with <= of)
            overlap[pair_at(static_cast<size_t>(of), static_cast<size_t>(with))] += static_cast<double>(sum);
        };
        multiply_heads(
            OverlapHeads<T>(block, head_stride, heads, first), OverlapHeads<T>(block, head_stride, heads, second),
            count, [&](int64_t s) { return spans[s]; }, store);
      }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();
#endif
