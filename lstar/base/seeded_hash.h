// Hashes for tables whose keys a file chooses. The seed is drawn when the process starts: with a public one, a file
// could name thousands of keys that all fall into one place. No result depends on it, for no table is ever walked
// through. Safe from several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace lstar {

namespace seeded_hash_detail {

struct Seed {
  uint64_t words[3];
};
extern const Seed kSeed;

// Both halves of the product, so that every bit of either number counts.
inline uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

template <class T>
uint64_t load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace seeded_hash_detail

inline uint64_t seeded_hash(uint64_t value) {
  using namespace seeded_hash_detail;
  return mix(value ^ kSeed.words[0], kSeed.words[1]);
}

inline uint64_t seeded_hash(std::string_view text) {
  using namespace seeded_hash_detail;
  const char* from = text.data();
  size_t left = text.size();
  uint64_t state = kSeed.words[0];
  for (; left > 16; from += 16, left -= 16)
    state = mix(load<uint64_t>(from) ^ kSeed.words[1], load<uint64_t>(from + 8) ^ state);
  uint64_t a = 0, b = 0;  // the last 16 bytes, some of them twice
  if (left >= 8) {
    a = load<uint64_t>(from);
    b = load<uint64_t>(from + left - 8);
  } else if (left >= 4) {
    a = load<uint32_t>(from);
    b = load<uint32_t>(from + left - 4);
  } else if (left > 0) {
    a = load<uint8_t>(from) | load<uint8_t>(from + left / 2) << 8 | load<uint8_t>(from + left - 1) << 16;
  }
  return mix(mix(a ^ kSeed.words[1], b ^ state), kSeed.words[2] ^ text.size());
}

// For the containers of the standard library.
struct SeededHash {
  using is_transparent = void;
  size_t operator()(uint64_t value) const { return seeded_hash(value); }
  size_t operator()(std::string_view text) const { return seeded_hash(text); }
};

}  // namespace lstar
