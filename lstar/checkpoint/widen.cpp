// The kernels are compiled once for every instruction set that the compiler knows (foreach_target includes this file
// again and again) and the best one that the processor has is chosen at the first call.
#include "lstar/base/vector_target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lstar/checkpoint/widen.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "lstar/checkpoint/widen.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "lstar/base/dtype.h"
#include "lstar/checkpoint/widen_blocks.h"
#include "lstar/checkpoint/widen_float8.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kMostLanes = 16;
using Floats = hn::CappedTag<float, kMostLanes>;
using Words = hn::RebindToUnsigned<Floats>;
using Halves = hn::Rebind<uint16_t, Floats>;

// Loads go by bytes: stored numbers need not be aligned.
HWY_INLINE hn::Vec<Halves> load_halves(const uint8_t* source) {
#if HWY_TARGET == HWY_SCALAR  // one lane cannot be cut into bytes
  uint16_t half;
  std::memcpy(&half, source, sizeof half);
  return hn::Set(Halves(), half);
#else
  return hn::BitCast(Halves(), hn::LoadU(hn::Repartition<uint8_t, Halves>(), source));
#endif
}

HWY_INLINE hn::Vec<Floats> widen_bfloat16(const uint8_t* source) {
  return hn::BitCast(Floats(), hn::ShiftLeft<16>(hn::PromoteTo(Words(), load_halves(source))));
}

HWY_INLINE hn::Vec<Floats> widen_float16(const uint8_t* source) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(Floats(), float16_to_float(hn::GetLane(load_halves(source))));
#else  // the processor's own conversion makes a signalling NaN quiet
  return hn::PromoteTo(Floats(), hn::BitCast(hn::Rebind<hwy::float16_t, Floats>(), load_halves(source)));
#endif
}

// Applies `widen_one` (one vector of 2-byte numbers) to `count` numbers; a rest goes through a buffer, so that nothing
// past the source's end is read.
template <class WidenOne>
HWY_INLINE void widen_halves(const uint8_t* source, size_t count, float* out, WidenOne widen_one) {
  const Floats floats;
  const size_t lanes = hn::Lanes(floats);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(widen_one(source + 2 * i), floats, out + i);
  if (i == count) return;
  uint8_t rest_in[2 * kMostLanes] = {};
  float rest_out[kMostLanes];
  std::memcpy(rest_in, source + 2 * i, 2 * (count - i));
  hn::StoreU(widen_one(rest_in), floats, rest_out);
  std::memcpy(out + i, rest_out, sizeof(float) * (count - i));
}

// Copies as they are. glibc's memcpy takes `rep movsb` for this size, which on some processors falls to 1.5 GB/s where
// the destination lies a few bytes further into its page than the source.
void copy_bytes(const uint8_t* source, size_t count, uint8_t* out) {
  const hn::ScalableTag<uint8_t> bytes;
  const size_t lanes = hn::Lanes(bytes);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::LoadU(bytes, source + i), bytes, out + i);
  for (; i < count; ++i) out[i] = source[i];
}

void float16_to_floats(const uint8_t* source, size_t count, float* out) {
  widen_halves(source, count, out, [](const uint8_t* s) HWY_ATTR { return widen_float16(s); });
}

void bfloat16_to_floats(const uint8_t* source, size_t count, float* out) {
  widen_halves(source, count, out, [](const uint8_t* s) HWY_ATTR { return widen_bfloat16(s); });
}

}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lstar {
namespace {

template <class T>
void copy(const std::byte* source, std::span<T> out) {
  LSTAR_DISPATCH(copy_bytes)
  (reinterpret_cast<const uint8_t*>(source), out.size_bytes(), reinterpret_cast<uint8_t*>(out.data()));
}

// Stored numbers that a compiler's own conversion turns into T.
template <class Stored, class T>
void convert(const std::byte* source, std::span<T> out) {
  for (T& value : out) {
    Stored stored;
    std::memcpy(&stored, source, sizeof stored);
    value = static_cast<T>(stored);
    source += sizeof stored;
  }
}

}  // namespace

void widen(StoredType type, const std::byte* source, std::span<float> out) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(source);
  switch (type) {
    case StoredType::float64: return convert<double>(source, out);
    case StoredType::float32: return copy(source, out);
    case StoredType::float16: return LSTAR_DISPATCH(float16_to_floats)(bytes, out.size(), out.data());
    case StoredType::bfloat16: return LSTAR_DISPATCH(bfloat16_to_floats)(bytes, out.size(), out.data());
    case StoredType::float8_e4m3:
    case StoredType::float8_e5m2:
    case StoredType::float8_e8m0:
    case StoredType::float8_e4m3fnuz:
    case StoredType::float8_e5m2fnuz: return widen_float8(type, bytes, out.size(), out.data());
    default: return widen_blocks(type, bytes, out.size(), out.data());  // integers hold no weights: read() refuses them
  }
}

void widen(StoredType type, const std::byte* source, std::span<double> out) {
  if (type == StoredType::float64) return copy(source, out);
  if (type == StoredType::float32) return convert<float>(source, out);
  // Everything else is exact in float32: by way of a piece that stays in the first-level cache.
  std::array<float, 1024> piece;
  const StoredTypeInfo& stored = info(type);
  const size_t piece_bytes =
      piece.size() / static_cast<size_t>(stored.block_elements) * static_cast<size_t>(stored.block_bytes);
  while (!out.empty()) {
    const size_t count = std::min(piece.size(), out.size());
    widen(type, source, std::span<float>(piece.data(), count));
    std::copy_n(piece.data(), count, out.data());
    out = out.subspan(count);
    source += piece_bytes;
  }
}

}  // namespace lstar
#endif  // HWY_ONCE
