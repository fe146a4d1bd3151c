#include "lstar/base/seeded_hash.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace lstar {
namespace {

TEST(SeededHash, EveryByteOfEveryLengthCounts) {
  for (size_t size = 0; size <= 70; ++size) {
    const std::string text(size, 'x');
    std::set<uint64_t> seen{seeded_hash(text)};
    EXPECT_EQ(seeded_hash(std::string(text)), seeded_hash(text)) << "wherever it lies";
    for (size_t i = 0; i < size; ++i) {
      std::string other = text;
      other[i] = 'y';
      seen.insert(seeded_hash(other));
    }
    seen.insert(seeded_hash(text + "x"));
    seen.insert(seeded_hash(text + std::string(1, '\0')));
    EXPECT_EQ(seen.size(), size + 3) << size;
  }
}

// Tables take the low bits, and their keys are texts and numbers that follow each other: no place of 1,024 may get many
// of 16,384, whose mean is 16 and whose deviation is 4.
TEST(SeededHash, NeighboursSpread) {
  constexpr size_t kPlaces = 1024;
  std::vector<int> texts(kPlaces), numbers(kPlaces), steps(kPlaces);
  for (uint64_t i = 0; i < 16 * kPlaces; ++i) {
    ++texts[seeded_hash(std::to_string(i)) % kPlaces];
    ++numbers[seeded_hash(i) % kPlaces];
    ++steps[seeded_hash(i << 32 | i) % kPlaces];
  }
  for (size_t i = 0; i < kPlaces; ++i) EXPECT_LE(std::max({texts[i], numbers[i], steps[i]}), 16 + 12 * 4) << i;
}

}  // namespace
}  // namespace lstar
