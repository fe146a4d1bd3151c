// How the operands of a linear layer come into panels: transposed, and weights widened on their way where they are
// stored narrower.
#if defined(LSTAR_PACKING_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LSTAR_PACKING_INL_H
#undef LSTAR_PACKING_INL_H
#else
#define LSTAR_PACKING_INL_H
#endif

#include <algorithm>
#include <cstring>

#include <hwy/cache_control.h>

#include "lstar/checkpoint/widen_blocks.h"
#include "lstar/compute/cpu/gemm-inl.h"
#include "lstar/compute/cpu/linear_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {

template <class T>
void pack_rows(View<const T> x, T* panels) {
  for (int64_t i = 0; i < x.rows; i += kLinearRows) {
    const int64_t rows = std::min(kLinearRows, x.rows - i);
    pack_columns(x.row(i), x.stride, rows, x.cols, kLinearRows, panels + i * x.cols);
    clear_columns(rows, x.cols, kLinearRows, panels + i * x.cols);
  }
}

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
  if (const int64_t inside = column % width; inside > 0)
    clear_columns(inside, in, width, panels + (column - inside) * in);
}

template <class T>
void pack_transposed(const T* weights, int64_t begin, int64_t rows, int64_t in, int64_t out, T* panels) {
  constexpr int64_t width = panel_width<T>();
  for (int64_t j = 0; j < whole_blocks(out); j += width) {
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

#if HWY_MAX_BYTES < 32
inline bool pack_stored(StoredType, const std::byte*, int64_t, int64_t, float*) { return false; }
#else
using Floats = hn::FixedTag<float, 8>;
using Halves = hn::FixedTag<uint16_t, 8>;

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

// Eight rows of a group, transposed in words of four whole numbers, of which each vector then takes one of every row.
template <int kGroup>
HWY_INLINE void pack_group(const int8_t* HWY_RESTRICT q, int64_t q_stride, hn::Vec<Floats> scale,
                           hn::Vec<Floats> minimum, float* HWY_RESTRICT to, int64_t width) {
  const Floats floats;
  const hn::FixedTag<int32_t, 8> words;
  const hn::FixedTag<int8_t, 16> half;
  const hn::FixedTag<int8_t, 32> bytes;
  for (int begin = 0; begin < kGroup; begin += 16) {
    hn::Vec<decltype(words)> v[4], w[4];
    for (int i = 0; i < 4; ++i)
      v[i] = hn::BitCast(words, hn::Combine(bytes, hn::LoadU(half, q + (i + 4) * q_stride + begin),
                                            hn::LoadU(half, q + i * q_stride + begin)));
    const auto shuffle = [&](const auto& in, auto& out) HWY_ATTR {
      for (int i = 0; i < 2; ++i) {
        out[2 * i] = hn::InterleaveLower(words, in[i], in[i + 2]);
        out[2 * i + 1] = hn::InterleaveUpper(words, in[i], in[i + 2]);
      }
    };
    shuffle(v, w);
    shuffle(w, v);
    const auto store = [&](hn::Vec<decltype(words)> whole, int k) HWY_ATTR {
      const auto number = hn::ConvertTo(floats, hn::ShiftRight<24>(whole));
      hn::StoreU(hn::Sub(hn::Mul(scale, number), minimum), floats, to + (begin + k) * width);
    };
    for (int i = 0; i < 4; ++i) {
      store(hn::ShiftLeft<24>(v[i]), 4 * i);
      store(hn::ShiftLeft<16>(v[i]), 4 * i + 1);
      store(hn::ShiftLeft<8>(v[i]), 4 * i + 2);
      store(v[i], 4 * i + 3);
    }
  }
}

// Quantised rows: unpacked a piece at a time, which stays in the first-level cache.
template <int kGroup>
void pack_blocks(StoredType type, const std::byte* weights, int64_t in, int64_t column, float* panels) {
  constexpr int64_t width = panel_width<float>(), kPiece = 256, kGroups = kPiece / kGroup;
  const StoredTypeInfo& stored = info(type);
  const int64_t row_bytes = in / stored.block_elements * stored.block_bytes;
  alignas(64) int8_t q[kPackedRows * kPiece];
  alignas(64) float scales[kGroups * kPackedRows], minimums[kGroups * kPackedRows];  // (group, row)
  const Floats floats;
  float* HWY_RESTRICT to = panels + column / width * width * in + column % width;
  for (int64_t k = 0; k < in; k += kPiece) {
    const int64_t count = std::min(kPiece, in - k);
    const int64_t begin = k / stored.block_elements * stored.block_bytes;
    const int64_t bytes = count / stored.block_elements * stored.block_bytes;
    // A row's next piece, or that of the row that is packed after it; and the line in which it ends.
    const int64_t ahead = k + kPiece < in ? begin + bytes : kPackedRows * row_bytes;
    for (int64_t row = 0; row < kPackedRows; ++row) {
      const std::byte* source = weights + row * row_bytes;
      for (int64_t i = 0; i < bytes + 63; i += 64) hwy::Prefetch(source + ahead + std::min(i, bytes - 1));
      float scale[kGroups], minimum[kGroups];
      unpack_blocks(type, reinterpret_cast<const uint8_t*>(source + begin), static_cast<size_t>(count),
                    q + row * kPiece, scale, minimum);
      for (int64_t g = 0; g < count / kGroup; ++g) {
        scales[g * kPackedRows + row] = scale[g];
        minimums[g * kPackedRows + row] = minimum[g];
      }
    }
    for (int64_t g = 0; g < count / kGroup; ++g)
      for (int64_t row = 0; row < kPackedRows; row += 8)
        pack_group<kGroup>(q + row * kPiece + g * kGroup, kPiece, hn::Load(floats, scales + g * kPackedRows + row),
                           hn::Load(floats, minimums + g * kPackedRows + row), to + (k + g * kGroup) * width + row,
                           width);
  }
}

inline bool pack_stored(StoredType type, const std::byte* weights, int64_t in, int64_t column, float* panels) {
  if (type == StoredType::float16)
    pack_halves<WidenFloat16>(weights, in, column, panels);
  else if (type == StoredType::bfloat16)
    pack_halves<WidenBfloat16>(weights, in, column, panels);
  else if (info(type).group == 32)
    pack_blocks<32>(type, weights, in, column, panels);
  else if (info(type).group == 16)
    pack_blocks<16>(type, weights, in, column, panels);
  else
    return false;
  return true;
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();
#endif
