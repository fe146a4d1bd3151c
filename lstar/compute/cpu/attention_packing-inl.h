// How attention has keys and values beside each other: keys in panels, values in rows of whole vectors.
#if defined(LSTAR_ATTENTION_PACKING_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LSTAR_ATTENTION_PACKING_INL_H
#undef LSTAR_ATTENTION_PACKING_INL_H
#else
#define LSTAR_ATTENTION_PACKING_INL_H
#endif

#include <algorithm>

#include <hwy/highway.h>

#include "lstar/compute/cpu/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {

template <class T>
constexpr int64_t value_stride_of(int64_t head_dim) {
  constexpr int64_t lanes = panel_width<T>() / kTileVectors;
  return (head_dim + lanes - 1) / lanes * lanes;
}

template <class T>
HWY_INLINE void pack_keys(const T* from, int64_t stride, int64_t rows, int64_t head_dim, T* to) {
  constexpr int64_t width = panel_width<T>();
  for (int64_t j = 0; j < rows; j += width) {
    const int64_t columns = std::min(width, rows - j);
    pack_columns(from + j * stride, stride, columns, head_dim, width, to + j * head_dim);
    clear_columns(columns, head_dim, width, to + j * head_dim);
  }
}

template <class T>
HWY_INLINE void pack_values(const T* from, int64_t stride, int64_t rows, int64_t head_dim, T* to) {
  const int64_t to_stride = value_stride_of<T>(head_dim);
  for (int64_t j = 0; j < rows; ++j) {
    std::copy_n(from + j * stride, head_dim, to + j * to_stride);
    std::fill_n(to + j * to_stride + head_dim, to_stride - head_dim, T(0));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();
#endif
