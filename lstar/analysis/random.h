// Seeded draws that are the same on every platform: the distributions of the standard library differ between its
// implementations, its engines do not.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <utility>

namespace lstar {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // One of 0 ... count - 1, each equally likely.
  uint64_t below(uint64_t count) {
    uint64_t draw = engine_();
    // Draws below 2^64 mod count would make small numbers likelier. (That is below count: seldom worth the division.)
    while (draw < count && draw < (0 - count) % count) draw = engine_();
    return draw % count;
  }

  // In [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

  template <class T>
  void shuffle(std::span<T> values) {
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace lstar
