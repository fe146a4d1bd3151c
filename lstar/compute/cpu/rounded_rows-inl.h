// Rows of the heads' mean of rounded probabilities, added up: rounded_sum's order of additions (attention.h).
#if defined(LSTAR_ROUNDED_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LSTAR_ROUNDED_ROWS_INL_H
#undef LSTAR_ROUNDED_ROWS_INL_H
#else
#define LSTAR_ROUNDED_ROWS_INL_H
#endif

#include <algorithm>

#include "lstar/compute/cpu/attention.h"

HWY_BEFORE_NAMESPACE();
namespace lstar {
namespace HWY_NAMESPACE {

// sums(i) += those of a block of keys: (rows, kKeyBlock), of which row i holds numbers in seen(i), sums over the heads
// that become means here. Each row's sum is one chain of additions, in the order of the keys; some rows' chains run
// side by side.
template <class Seen>
HWY_INLINE void add_rounded_rows(float* HWY_RESTRICT block, int heads_count, int64_t rows, const Seen& seen_by,
                                 float* HWY_RESTRICT row_sums) {
  constexpr int64_t kChains = 8;
  const auto heads = static_cast<float>(heads_count);
  for (int64_t begin = 0; begin < rows; begin += kChains) {
    const int64_t count = std::min(kChains, rows - begin);
    decltype(seen_by(0)) seen[kChains], shared = {0, kKeyBlock};  // shared: by all of these rows
    for (int64_t r = 0; r < count; ++r) {
      seen[r] = seen_by(begin + r);
      shared = {std::max(shared.from, seen[r].from), std::min(shared.to, seen[r].to)};
      float* HWY_RESTRICT mean = block + (begin + r) * kKeyBlock;
      for (int64_t j = seen[r].from; j < seen[r].to; ++j) mean[j] /= heads;
    }
    const float* mean = block + begin * kKeyBlock;
    float* sums = row_sums + begin;
    const auto add = [&](int64_t r, int64_t from, int64_t to) {
      for (int64_t j = from; j < to; ++j) sums[r] += mean[r * kKeyBlock + j];
    };
    if (shared.empty() || count < kChains) {
      for (int64_t r = 0; r < count; ++r) add(r, seen[r].from, seen[r].to);
      continue;
    }
    for (int64_t r = 0; r < kChains; ++r) add(r, seen[r].from, shared.from);
    float chain[kChains];
    std::copy_n(sums, kChains, chain);
    for (int64_t j = shared.from; j < shared.to; ++j)
      for (int64_t r = 0; r < kChains; ++r) chain[r] += mean[r * kKeyBlock + j];
    std::copy_n(chain, kChains, sums);
    for (int64_t r = 0; r < kChains; ++r) add(r, shared.to, seen[r].to);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lstar
HWY_AFTER_NAMESPACE();
#endif
