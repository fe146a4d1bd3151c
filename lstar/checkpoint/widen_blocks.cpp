// Every format here is taken in two steps: a block is unpacked into whole numbers of one byte, with a scale and a
// minimum for each group of 16 or 32 of them; then each group becomes scale * q - minimum. The product of a scale and
// its factor is exact in float32 (at most 11 + 8 bits), so the order of operations of the format's reference
// implementation, scale first, is kept to the bit. Unpacking 256 is plain loops over bytes, which compilers turn into
// vectors (not so for 32, whose bytes they store one by one); like widen.cpp, this file is compiled once for every
// instruction set.
#include "lstar/base/vector_target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lstar/checkpoint/widen_blocks.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "lstar/checkpoint/widen_blocks.h"

#include <bit>
#include <cstring>

#include "lstar/base/dtype.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// What the functions below write: the whole numbers in the order of the elements, a scale a group and, where the format
// has them, a minimum a group; where it has none they stay 0: x - 0 is x, whatever the sign of x.
struct Unpacked {
  int8_t* HWY_RESTRICT q;
  float* HWY_RESTRICT scale;
  float* HWY_RESTRICT minimum;
};

#if HWY_TARGET != HWY_SCALAR  // which has one lane
using Bytes16 = hn::FixedTag<uint8_t, 16>;
#endif

HWY_INLINE float load_half(const uint8_t* source) {
  uint16_t bits;
  std::memcpy(&bits, source, sizeof bits);
#if HWY_TARGET == HWY_SCALAR
  return float16_to_float(bits);
#else  // by the processor, where it can
  const hn::FixedTag<float, 4> floats;
  const hn::Rebind<uint16_t, decltype(floats)> halves;
  const hn::Rebind<hwy::float16_t, decltype(floats)> float16s;
  return hn::GetLane(hn::PromoteTo(floats, hn::BitCast(float16s, hn::Set(halves, bits))));
#endif
}

// 34 bytes: scale, 32 signed bytes.
HWY_INLINE void unpack_q8_0(const uint8_t* source, const Unpacked& block) {
  block.scale[0] = load_half(source);
  std::memcpy(block.q, source + 2, 32);
}

// 16 bytes whose low nibbles are elements 0..15 and whose high nibbles are elements 16..31.
HWY_INLINE void unpack_nibbles(const uint8_t* source, int less, int8_t* q) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < 16; ++i) {
    q[i] = static_cast<int8_t>((source[i] & 15) - less);
    q[i + 16] = static_cast<int8_t>((source[i] >> 4) - less);
  }
#else
  const Bytes16 bytes;
  const hn::FixedTag<int8_t, 16> signed_bytes;
  const auto both = hn::LoadU(bytes, source);
  const auto off = hn::Set(signed_bytes, static_cast<int8_t>(less));
  hn::StoreU(hn::Sub(hn::BitCast(signed_bytes, hn::And(both, hn::Set(bytes, 15))), off), signed_bytes, q);
  hn::StoreU(hn::Sub(hn::BitCast(signed_bytes, hn::ShiftRight<4>(both)), off), signed_bytes, q + 16);
#endif
}

// 18 bytes: scale, nibbles that stand for q - 8.
HWY_INLINE void unpack_q4_0(const uint8_t* source, const Unpacked& block) {
  block.scale[0] = load_half(source);
  unpack_nibbles(source + 2, 8, block.q);
}

// 20 bytes: scale, what is added (the minimum, its sign turned), nibbles.
HWY_INLINE void unpack_q4_1(const uint8_t* source, const Unpacked& block) {
  block.scale[0] = load_half(source);
  block.minimum[0] = -load_half(source + 2);
  unpack_nibbles(source + 4, 0, block.q);
}

// Q5_0 and Q5_1: 32 fifth bits, then 16 bytes whose low nibbles are elements 0..15 and whose high ones are 16..31.
HWY_INLINE void unpack_five_bits(const uint8_t* source, int less, int8_t* q) {
  uint32_t fifth;
  std::memcpy(&fifth, source, sizeof fifth);
  const uint8_t* nibbles = source + 4;
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < 16; ++i) {
    q[i] = static_cast<int8_t>(((nibbles[i] & 15) | static_cast<int>(fifth >> i & 1) << 4) - less);
    q[i + 16] = static_cast<int8_t>((nibbles[i] >> 4 | static_cast<int>(fifth >> (i + 16) & 1) << 4) - less);
  }
#else  // each byte of fifth bits is spread over eight lanes, where each keeps its own bit
  const Bytes16 bytes;
  const hn::FixedTag<int8_t, 16> signed_bytes;
  alignas(16) static constexpr uint8_t kSpread[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
  alignas(16) static constexpr uint8_t kOwn[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const auto all = hn::BitCast(bytes, hn::Set(hn::FixedTag<uint32_t, 4>(), fifth));
  const auto spread = hn::Load(bytes, kSpread), own = hn::Load(bytes, kOwn);
  const auto both = hn::LoadU(bytes, nibbles);
  const auto store = [&](hn::Vec<Bytes16> four, hn::Vec<Bytes16> places, int8_t* out) HWY_ATTR {
    const auto bit = hn::TestBit(hn::TableLookupBytes(all, places), own);
    const auto five = hn::Or(four, hn::IfThenElseZero(bit, hn::Set(bytes, 16)));
    hn::StoreU(hn::Sub(hn::BitCast(signed_bytes, five), hn::Set(signed_bytes, static_cast<int8_t>(less))), signed_bytes,
               out);
  };
  store(hn::And(both, hn::Set(bytes, 15)), spread, q);
  store(hn::ShiftRight<4>(both), hn::Add(spread, hn::Set(bytes, 2)), q + 16);
#endif
}

// 22 bytes: scale, five bits that stand for q - 16.
HWY_INLINE void unpack_q5_0(const uint8_t* source, const Unpacked& block) {
  block.scale[0] = load_half(source);
  unpack_five_bits(source + 2, 16, block.q);
}

// 24 bytes: as Q4_1, with five bits.
HWY_INLINE void unpack_q5_1(const uint8_t* source, const Unpacked& block) {
  block.scale[0] = load_half(source);
  block.minimum[0] = -load_half(source + 2);
  unpack_five_bits(source + 4, 0, block.q);
}

// 84 bytes: 16 bytes of scale (low nibble) and minimum (high), 64 bytes of two bits, the units of both.
// Bits 2s, 2s + 1 of byte 32h + i are element 128h + 32s + i: so in all formats with two bits.
HWY_INLINE void unpack_q2_k(const uint8_t* source, const Unpacked& block) {
  const float scale = load_half(source + 80), minimum = load_half(source + 82);
  for (int g = 0; g < 16; ++g) {
    block.scale[g] = scale * static_cast<float>(source[g] & 15);
    block.minimum[g] = minimum * static_cast<float>(source[g] >> 4);
  }
  for (int h = 0; h < 2; ++h)
    for (int s = 0; s < 4; ++s)
      for (int i = 0; i < 32; ++i)
        block.q[128 * h + 32 * s + i] = static_cast<int8_t>(source[16 + 32 * h + i] >> (2 * s) & 3);
}

// 110 bytes: 32 bytes of third bits (0 takes 4 away), 64 bytes of two bits, 12 bytes of six-bit scales less 32 (low
// nibbles in the first eight), the unit.
HWY_INLINE void unpack_q3_k(const uint8_t* source, const Unpacked& block) {
  const uint8_t *third = source, *two = source + 32, *scales = source + 96;
  const float unit = load_half(source + 108);
  for (int g = 0; g < 16; ++g) {
    const int low = scales[g % 8] >> (g / 8 * 4) & 15, high = scales[8 + g % 4] >> (g / 4 * 2) & 3;
    block.scale[g] = unit * static_cast<float>((low | high << 4) - 32);
  }
  for (int h = 0; h < 2; ++h)
    for (int s = 0; s < 4; ++s)
      for (int i = 0; i < 32; ++i)
        block.q[128 * h + 32 * s + i] =
            static_cast<int8_t>((two[32 * h + i] >> (2 * s) & 3) - ((third[i] >> (4 * h + s) & 1) ^ 1) * 4);
}

// Q4_K and Q5_K begin alike: units of scale and minimum, then 12 bytes with eight six-bit pairs. The first four pairs
// lie in the low six bits of bytes 0..7; the others have nibbles in bytes 8..11 and their top bits above the first.
HWY_INLINE void unpack_pairs(const uint8_t* source, const Unpacked& block) {
  const float scale = load_half(source), minimum = load_half(source + 2);
  const uint8_t* packed = source + 4;
  for (int g = 0; g < 4; ++g) {
    block.scale[g] = scale * static_cast<float>(packed[g] & 63);
    block.minimum[g] = minimum * static_cast<float>(packed[4 + g] & 63);
    block.scale[4 + g] = scale * static_cast<float>((packed[8 + g] & 15) | packed[g] >> 6 << 4);
    block.minimum[4 + g] = minimum * static_cast<float>(packed[8 + g] >> 4 | packed[4 + g] >> 6 << 4);
  }
}

// 144 bytes: the pairs, then nibbles: those of byte 32c + i are elements 64c + i and 64c + 32 + i.
HWY_INLINE void unpack_q4_k(const uint8_t* source, const Unpacked& block) {
  unpack_pairs(source, block);
  for (int c = 0; c < 4; ++c)
    for (int i = 0; i < 32; ++i) {
      const uint8_t both = source[16 + 32 * c + i];
      block.q[64 * c + i] = static_cast<int8_t>(both & 15);
      block.q[64 * c + 32 + i] = static_cast<int8_t>(both >> 4);
    }
}

// 176 bytes: as Q4_K, with 32 bytes of fifth bits before the nibbles; bit g of byte i belongs to group g.
HWY_INLINE void unpack_q5_k(const uint8_t* source, const Unpacked& block) {
  unpack_pairs(source, block);
  const uint8_t *fifth = source + 16, *nibbles = source + 48;
  for (int c = 0; c < 4; ++c)
    for (int i = 0; i < 32; ++i) {
      const uint8_t both = nibbles[32 * c + i];
      block.q[64 * c + i] = static_cast<int8_t>((both & 15) | (fifth[i] >> (2 * c) & 1) << 4);
      block.q[64 * c + 32 + i] = static_cast<int8_t>(both >> 4 | (fifth[i] >> (2 * c + 1) & 1) << 4);
    }
}

// 210 bytes: 128 bytes of nibbles, 64 bytes of two upper bits, 16 signed scales, the unit; q less 32.
HWY_INLINE void unpack_q6_k(const uint8_t* source, const Unpacked& block) {
  const uint8_t *nibbles = source, *upper = source + 128, *scales = source + 192;
  const float unit = load_half(source + 208);
  for (int g = 0; g < 16; ++g) block.scale[g] = unit * static_cast<float>(static_cast<int8_t>(scales[g]));
  for (int h = 0; h < 2; ++h)
    for (int s = 0; s < 4; ++s)
      for (int i = 0; i < 32; ++i) {
        const int low = nibbles[64 * h + 32 * (s % 2) + i] >> (s / 2 * 4) & 15;
        block.q[128 * h + 32 * s + i] = static_cast<int8_t>((low | (upper[32 * h + i] >> (2 * s) & 3) << 4) - 32);
      }
}

// How 16 bytes hold 32 numbers: the low halves of all and then the high ones, or low and high in turn.
enum class Nibbles { halves, in_turn };

// Numbers that are places in a table.
template <Nibbles order = Nibbles::halves>
HWY_INLINE void look_up(const uint8_t* source, const int8_t* table, int8_t* q) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < 16; ++i) {
    q[order == Nibbles::halves ? i : 2 * i] = table[source[i] & 15];
    q[order == Nibbles::halves ? i + 16 : 2 * i + 1] = table[source[i] >> 4];
  }
#else
  const Bytes16 bytes;
  const hn::FixedTag<int8_t, 16> signed_bytes;
  const auto values = hn::LoadU(signed_bytes, table);
  const auto both = hn::LoadU(bytes, source);
  const auto low = hn::TableLookupBytes(values, hn::BitCast(signed_bytes, hn::And(both, hn::Set(bytes, 15))));
  const auto high = hn::TableLookupBytes(values, hn::BitCast(signed_bytes, hn::ShiftRight<4>(both)));
  if constexpr (order == Nibbles::in_turn) {
    hn::StoreInterleaved2(low, high, signed_bytes, q);
  } else {
    hn::StoreU(low, signed_bytes, q);
    hn::StoreU(high, signed_bytes, q + 16);
  }
#endif
}
constexpr int8_t kUneven[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
constexpr int8_t kTwiceFloat4[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// 18 bytes: scale, places.
HWY_INLINE void unpack_iq4_nl(const uint8_t* source, const Unpacked& block) {
  block.scale[0] = load_half(source);
  look_up(source + 2, kUneven, block.q);
}

// 136 bytes: unit, 16 bits with the top two of eight scales, 4 bytes with their nibbles, places; scales less 32.
HWY_INLINE void unpack_iq4_xs(const uint8_t* source, const Unpacked& block) {
  const float unit = load_half(source);
  uint16_t top;
  std::memcpy(&top, source + 2, sizeof top);
  for (int g = 0; g < 8; ++g) {
    const int low = source[4 + g / 2] >> (g % 2 * 4) & 15;
    block.scale[g] = unit * static_cast<float>((low | (top >> (2 * g) & 3) << 4) - 32);
    look_up(source + 8 + 16 * g, kUneven, block.q + 32 * g);
  }
}

// 17 bytes: an exponent, places of four-bit floats. The table holds their doubles, so the scale is 2^(exponent - 128).
// The exponent 255, which the format's standard calls NaN, counts on: so in llama.cpp, and so in transformers.
template <Nibbles order>
HWY_INLINE void unpack_mxfp4(const uint8_t* source, const Unpacked& block) {
  const uint32_t exponent = source[0];
  block.scale[0] = std::bit_cast<float>(exponent < 2 ? 0x200000u << exponent : (exponent - 1) << 23);
  look_up<order>(source + 1, kTwiceFloat4, block.q);
}

template <int elements, int group, int bytes, void (*unpack_block)(const uint8_t*, const Unpacked&)>
struct Format {
  static constexpr size_t kElements = elements, kGroup = group, kBytes = bytes, kGroups = elements / group;
  static HWY_INLINE void unpack(const uint8_t* source, const Unpacked& block) {
    for (size_t g = 0; g < kGroups; ++g) block.minimum[g] = 0;
    unpack_block(source, block);
  }
};

// Calls use(Format) for the format of a type, and nothing for other types.
template <class Use>
HWY_INLINE void with_format(StoredType type, const Use& use) {
  switch (type) {
    case StoredType::q8_0: return use(Format<32, 32, 34, unpack_q8_0>());
    case StoredType::q4_0: return use(Format<32, 32, 18, unpack_q4_0>());
    case StoredType::q4_1: return use(Format<32, 32, 20, unpack_q4_1>());
    case StoredType::q5_0: return use(Format<32, 32, 22, unpack_q5_0>());
    case StoredType::q5_1: return use(Format<32, 32, 24, unpack_q5_1>());
    case StoredType::q2_k: return use(Format<256, 16, 84, unpack_q2_k>());
    case StoredType::q3_k: return use(Format<256, 16, 110, unpack_q3_k>());
    case StoredType::q4_k: return use(Format<256, 32, 144, unpack_q4_k>());
    case StoredType::q5_k: return use(Format<256, 32, 176, unpack_q5_k>());
    case StoredType::q6_k: return use(Format<256, 16, 210, unpack_q6_k>());
    case StoredType::iq4_nl: return use(Format<32, 32, 18, unpack_iq4_nl>());
    case StoredType::iq4_xs: return use(Format<256, 32, 136, unpack_iq4_xs>());
    case StoredType::mxfp4: return use(Format<32, 32, 17, unpack_mxfp4<Nibbles::halves>>());
    case StoredType::mxfp4_pair: return use(Format<32, 32, 17, unpack_mxfp4<Nibbles::in_turn>>());
    default: return;
  }
}

template <class Format>
void unpack_all(const uint8_t* source, size_t count, int8_t* q, float* scales, float* minimums) {
  for (size_t left = count / Format::kElements; left > 0; --left, source += Format::kBytes) {
    if constexpr (Format::kGroups == 1) {
      Format::unpack(source, {q, scales, minimums});
    } else {  // by way of memory that nothing else can share, without which compilers make no vectors
      alignas(64) int8_t own[Format::kElements];
      Format::unpack(source, {own, scales, minimums});
      std::memcpy(q, own, sizeof own);
    }
    q += Format::kElements;
    scales += Format::kGroups;
    minimums += Format::kGroups;
  }
}

template <class Format>
void widen_all(const uint8_t* source, size_t count, float* out) {
  using Floats = hn::CappedTag<float, 16>;  // a vector divides a group
  const Floats floats;
  const hn::RebindToSigned<Floats> integers;
  const hn::Rebind<int8_t, Floats> bytes;
  const size_t lanes = hn::Lanes(floats);
  alignas(64) int8_t q[Format::kElements];
  float scales[Format::kGroups], minimums[Format::kGroups];
  for (size_t left = count / Format::kElements; left > 0; --left, source += Format::kBytes, out += Format::kElements) {
    Format::unpack(source, {q, scales, minimums});
    for (size_t g = 0; g < Format::kGroups; ++g) {
      const auto scale = hn::Set(floats, scales[g]), minimum = hn::Set(floats, minimums[g]);
      for (size_t i = g * Format::kGroup; i < (g + 1) * Format::kGroup; i += lanes) {
        const auto whole = hn::ConvertTo(floats, hn::PromoteTo(integers, hn::LoadU(bytes, q + i)));
        hn::StoreU(hn::Sub(hn::Mul(scale, whole), minimum), floats, out + i);
      }
    }
  }
}

void unpack_blocks(StoredType type, const uint8_t* source, size_t count, int8_t* q, float* scale, float* minimum) {
  with_format(type, [&](auto format) HWY_ATTR { unpack_all<decltype(format)>(source, count, q, scale, minimum); });
}

void widen_blocks(StoredType type, const uint8_t* source, size_t count, float* out) {
  with_format(type, [&](auto format) HWY_ATTR { widen_all<decltype(format)>(source, count, out); });
}

}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lstar {

void unpack_blocks(StoredType type, const uint8_t* source, size_t count, int8_t* q, float* scale, float* minimum) {
  LSTAR_DISPATCH(unpack_blocks)(type, source, count, q, scale, minimum);
}

void widen_blocks(StoredType type, const uint8_t* source, size_t count, float* out) {
  LSTAR_DISPATCH(widen_blocks)(type, source, count, out);
}

}  // namespace lstar
#endif  // HWY_ONCE
