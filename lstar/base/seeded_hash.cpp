#include "lstar/base/seeded_hash.h"

#include <sys/auxv.h>
#include <sys/random.h>

namespace lstar::seeded_hash_detail {
namespace {

Seed draw() {
  Seed seed{};
  if (::getrandom(&seed, sizeof seed, GRND_NONBLOCK) != static_cast<ssize_t>(sizeof seed)) {
    // Sixteen bytes that the kernel gives every process.
    if (const auto* given = reinterpret_cast<const char*>(::getauxval(AT_RANDOM))) std::memcpy(&seed, given, 16);
    seed.words[2] = mix(seed.words[0] ^ 0x9e3779b97f4a7c15u, seed.words[1] ^ 0xd1b54a32d192ed03u);
  }
  for (uint64_t& word : seed.words) word |= 1;  // a product with 0 would be the same for all
  return seed;
}

}  // namespace

const Seed kSeed = draw();

}  // namespace lstar::seeded_hash_detail
