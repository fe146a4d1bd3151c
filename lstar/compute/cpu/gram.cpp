#include "lstar/compute/gram.h"

#include <algorithm>
#include <numeric>

#include "lstar/base/vector_target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lstar/compute/cpu/gram.cpp"
#include <hwy/foreach_target.h>

#include "lstar/compute/cpu/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {
namespace {

constexpr int64_t kDepth = 128;  // a head's panels of this length stay in the second-level cache

// A panel of what is given, (depth, width), in double and with gains; and the sums down its columns.
template <class T>
void take_panel(View<const T> given, const double* gain, double* HWY_RESTRICT panel, double* HWY_RESTRICT sums,
                double* HWY_RESTRICT squares) {
  const hn::ScalableTag<double> d;
  constexpr int64_t width = panel_width<double>(), lanes = width / kTileVectors;
  hn::Vec<decltype(d)> sum[kTileVectors], square[kTileVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kTileVectors; ++v) {
    sum[v] = hn::LoadU(d, sums + v * lanes);
    square[v] = hn::LoadU(d, squares + v * lanes);
  }
  for (int64_t k = 0; k < given.rows; ++k) {
    const auto factor = hn::Set(d, gain ? gain[k] : 1.0);
#pragma GCC unroll 8
    for (int v = 0; v < kTileVectors; ++v) {  // side by side: each waits for its last addition
      const auto x = load_double(d, given.row(k) + v * lanes), scaled = hn::Mul(x, factor);
      square[v] = hn::MulAdd(x, x, square[v]);
      sum[v] = hn::Add(sum[v], scaled);
      hn::Store(scaled, d, panel + k * width + v * lanes);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kTileVectors; ++v) {
    hn::StoreU(sum[v], d, sums + v * lanes);
    hn::StoreU(square[v], d, squares + v * lanes);
  }
}

// One register block of sums: vectors i, i + 1, ... by vectors j, j + 1, ... Both sides come from the panels.
template <int kRows>
void add_block(const double* panels, int64_t depth, int64_t i, int64_t j, GramSums& g) {
  const hn::ScalableTag<double> d;
  constexpr int64_t width = panel_width<double>(), lanes = width / kTileVectors;
  TileRows<double, width, kRows> a;
  for (int64_t r = 0; r < kRows; ++r) {
    const int64_t row = std::min(i + r, g.n - 1);
    a.row[r] = panels + row / width * width * depth + row % width;
  }
  const View<double> sums = g.products.view();
  multiply_tile<kTileVectors>(
      a, panels + j * depth, width, depth,
      [&](int r, int v) { return g.is_empty ? hn::Zero(d) : hn::Load(d, &sums(i - g.first + r, j + v * lanes)); },
      [&](int r, int v, auto sum) { hn::Store(sum, d, &sums(i - g.first + r, j + v * lanes)); });
}

// Only register blocks that reach the lower triangle.
void add_products(const double* panels, int64_t depth, GramSums& g) {
  for (int64_t j = 0; j < g.n; j += panel_width<double>()) {
    int64_t i = std::max(j, g.first);
    for (; i + kFewRows < g.n; i += kTileRows) add_block<kTileRows>(panels, depth, i, j, g);
    if (i < g.n) add_block<kFewRows>(panels, depth, i, j, g);
  }
}

template <class T>
void add(View<const T> m, bool are_rows, const double* gain, GramSums& g) {
  constexpr int64_t width = panel_width<double>();
  const int64_t all = are_rows ? m.cols : m.rows, depth_at_most = std::min(kDepth, all);
  Matrix<double> panels((g.n + width - 1) / width * width, depth_at_most);
  Matrix<T> block(depth_at_most, width);
  for (int64_t begin = 0; begin < all; begin += kDepth) {
    const int64_t depth = std::min(all - begin, kDepth);
    for (int64_t j = 0; j < g.n; j += width) {
      const int64_t count = std::min(width, g.n - j);
      View<const T> given{m.data + begin * m.stride + j, depth, width, m.stride};
      if (are_rows) {
        pack_columns(m.row(j) + begin, m.stride, count, depth, width, block.data());
      } else if (count < width) {
        for (int64_t k = 0; k < depth; ++k) std::copy_n(given.row(k), count, block.view().row(k));
      }
      if (are_rows || count < width) {
        clear_columns(count, depth, width, block.data());
        given = block.view(depth, width);
      }
      take_panel(given, gain ? gain + begin : nullptr, panels.data() + j * depth, &g.sums[j], &g.squares[j]);
    }
    add_products(panels.data(), depth, g);
    g.is_empty = false;
  }
}

// Eight sums side by side, whatever a vector holds, so that every processor adds in the same order.
template <class T>
double square_chains(View<const T> m) {
  const hn::ScalableTag<double> d;
  constexpr int64_t kSums = 8, lanes = panel_width<double>() / kTileVectors, vectors = kSums / lanes;
  hn::Vec<decltype(d)> sums[vectors];
  for (auto& sum : sums) sum = hn::Zero(d);
  double rest = 0;
  for (int64_t i = 0; i < m.rows; ++i) {
    const T* row = m.row(i);
    int64_t j = 0;
    for (; j + kSums <= m.cols; j += kSums)
#pragma GCC unroll 8
      for (int64_t v = 0; v < vectors; ++v) {
        const auto x = load_double(d, row + j + v * lanes);
        sums[v] = hn::MulAdd(x, x, sums[v]);
      }
    for (; j < m.cols; ++j) rest += static_cast<double>(row[j]) * static_cast<double>(row[j]);
  }
  HWY_ALIGN double parts[kSums];
  for (int64_t v = 0; v < vectors; ++v) hn::Store(sums[v], d, parts + v * lanes);
  return std::accumulate(parts, parts + kSums, rest);
}

// LSTAR_DISPATCH takes plain names.
double square_chains_f32(View<const float> m) { return square_chains(m); }
double square_chains_f64(View<const double> m) { return square_chains(m); }
void add_f32(View<const float> m, bool are_rows, const double* gain, GramSums& g) { add(m, are_rows, gain, g); }
void add_f64(View<const double> m, bool are_rows, const double* gain, GramSums& g) { add(m, are_rows, gain, g); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lstar {
namespace {

// A register block that starts inside may end beyond: no set of instructions has wider or higher ones.
constexpr int64_t kWidestPanel = 64, kHighestTile = 8;

void add(View<const float> m, bool are_rows, const double* gain, GramSums& g) {
  LSTAR_DISPATCH(add_f32)(m, are_rows, gain, g);
}
void add(View<const double> m, bool are_rows, const double* gain, GramSums& g) {
  LSTAR_DISPATCH(add_f64)(m, are_rows, gain, g);
}

}  // namespace

double sum_of_squares(View<const float> m) { return LSTAR_DISPATCH(square_chains_f32)(m); }
double sum_of_squares(View<const double> m) { return LSTAR_DISPATCH(square_chains_f64)(m); }

GramSums::GramSums(int64_t vectors, int64_t from) : n(vectors), first(from) {
  const int64_t whole = (n + kWidestPanel - 1) / kWidestPanel * kWidestPanel;
  products = Matrix<double>(n - first + kHighestTile, whole);
  sums.assign(static_cast<size_t>(whole), 0.0);
  squares.assign(static_cast<size_t>(whole), 0.0);
}

void Gram::clear() {
  sums_.is_empty = true;
  std::fill(sums_.sums.begin(), sums_.sums.end(), 0.0);
  std::fill(sums_.squares.begin(), sums_.squares.end(), 0.0);
}

template <class T>
void Gram::add_rows(View<const T> m, const double* gain) {
  add(m, true, gain, sums_);
}
template <class T>
void Gram::add_columns(View<const T> m, const double* gain) {
  add(m, false, gain, sums_);
}

template void Gram::add_rows(View<const float>, const double*);
template void Gram::add_rows(View<const double>, const double*);
template void Gram::add_columns(View<const float>, const double*);
template void Gram::add_columns(View<const double>, const double*);

}  // namespace lstar
#endif
