#include "lstar/compute/gram.h"

#include <algorithm>

#include "lstar/base/vector_target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lstar/compute/cpu/gram.cpp"
#include <hwy/foreach_target.h>

#include "lstar/compute/cpu/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {
namespace {

constexpr int64_t kDepth = 256;  // a head's rows of this length and their panels stay in the second-level cache

// sums += A B for A of (n, depth) and B in panels; only register blocks that reach the lower triangle.
void add_products(View<const double> a, const double* panels, View<double> sums) {
  const hn::ScalableTag<double> d;
  constexpr int64_t width = panel_width<double>(), lanes = width / kTileVectors;
  for (int64_t j = 0; j < a.rows; j += width) {
    for (int64_t i = j / kTileRows * kTileRows; i < a.rows; i += kTileRows) {
      double* block = &sums(i, j);
      multiply_tile<kTileVectors>(
          TileRows<double>(a.row(i), a.stride, a.rows - i), panels + j * a.cols, width, a.cols,
          [&](int r, int v) { return hn::Load(d, block + r * sums.stride + v * lanes); },
          [&](int r, int v, auto sum) { hn::Store(sum, d, block + r * sums.stride + v * lanes); });
    }
  }
}

void add_rows(View<const double> m, View<double> sums) {
  constexpr int64_t width = panel_width<double>();
  Matrix<double> panels(m.rows + width, std::min(kDepth, m.cols));
  for (int64_t begin = 0; begin < m.cols; begin += kDepth) {
    const View<const double> a = m.columns(begin, std::min(m.cols, begin + kDepth));
    for (int64_t j = 0; j < a.rows; j += width) {
      const int64_t count = std::min(width, a.rows - j);
      pack_columns(a.row(j), a.stride, count, a.cols, width, panels.data() + j * a.cols);
      clear_columns(count, a.cols, width, panels.data() + j * a.cols);
    }
    add_products(a, panels.data(), sums);
  }
}

void add_columns(View<const double> m, View<double> sums) {
  constexpr int64_t width = panel_width<double>();
  const int64_t depth = std::min(kDepth, m.rows);
  Matrix<double> panels(m.cols + width, depth), turned(m.cols, depth);
  for (int64_t begin = 0; begin < m.rows; begin += kDepth) {
    const View<const double> rows = m.row_range(begin, std::min(m.rows, begin + kDepth));
    pack_columns(rows.data, rows.stride, rows.rows, rows.cols, depth, turned.data());
    for (int64_t j = 0; j < rows.cols; j += width) {
      const int64_t count = std::min(width, rows.cols - j);
      double* panel = panels.data() + j * rows.rows;
      for (int64_t k = 0; k < rows.rows; ++k) std::copy_n(&rows(k, j), count, panel + k * width);
      clear_columns(count, rows.rows, width, panel);
    }
    add_products(turned.view().columns(0, rows.rows), panels.data(), sums);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lstar {

namespace {
// A register block that starts inside may end beyond: no set of instructions has wider or higher ones.
constexpr int64_t kWidestPanel = 64, kHighestTile = 8;
}  // namespace

Gram::Gram(int64_t n) : n_(n), sums_(n + kHighestTile, (n + kWidestPanel - 1) / kWidestPanel * kWidestPanel) {
  std::fill_n(sums_.data(), sums_.rows() * sums_.cols(), 0.0);
}
void Gram::add_rows(View<const double> m) { LSTAR_DISPATCH(add_rows)(m, sums_.view()); }
void Gram::add_columns(View<const double> m) { LSTAR_DISPATCH(add_columns)(m, sums_.view()); }

}  // namespace lstar
#endif
