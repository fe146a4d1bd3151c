#include "lstar/model/ov_products.h"

#include <algorithm>

#include <fmt/core.h>

#include "lstar/base/limits.h"
#include "lstar/compute/gram.h"
#include "lstar/observe/observation.h"

namespace lstar {
namespace {

constexpr int64_t kVectorsAtOnce = 1024;  // rows of a Gram matrix of all heads: 8 MB of them a thousand vectors

// The products of the vectors of heads [first, end) with those of all heads before `end`.
Gram gram_of(const HeadMatrix& of, const std::vector<double>& gain, int64_t first, int64_t end) {
  Gram gram(end, first);
  const double* const gains = gain.empty() ? nullptr : gain.data();
  const View<const double> vectors = of.vectors.view();
  of.are_rows ? gram.add_rows(vectors.row_range(0, end), gains) : gram.add_columns(vectors.columns(0, end), gains);
  return gram;
}

}  // namespace

Result<void> check_pairs(const Architecture& a) {
  const auto pairs = static_cast<int64_t>(pairs_of(static_cast<size_t>(a.heads)));
  if (pairs <= limits::kHeadPairs / a.layers) return {};
  return fail({.kind = ErrorKind::unsupported,
               .what = "too many heads for what is asked of each two of them (edge_energy)",
               .expected = fmt::format("at most {} pairs in all layers", limits::kHeadPairs),
               .found = fmt::format("{} in each of {}", pairs, a.layers)});
}

void ov_products(const Architecture& a, const HeadMatrix& values, const std::vector<double>& gain,
                 const HeadMatrix& outputs, const std::vector<double>& output_gain, std::span<double> products) {
  const int64_t d_h = a.head_dim;
  const auto kv_head = [&](int64_t h) { return h * a.kv_heads / a.heads; };
  const bool reads_centred = a.reads_centred(), writes_centred = a.writes_centred();
  const auto element = [&](const Gram& g, int64_t i, int64_t j, bool centred) {
    return g(i, j) - (centred ? g.sum(i) * g.sum(j) / a.hidden : 0);
  };
  const int64_t at_once =
      std::clamp<int64_t>(std::min(kVectorsAtOnce, limits::kGramElements / (a.heads * d_h)) / d_h, 1, a.heads);
  for (int64_t first = 0; first < a.heads; first += at_once) {
    const int64_t end = std::min<int64_t>(first + at_once, a.heads);
    const Gram o = gram_of(outputs, output_gain, first * d_h, end * d_h);
    const Gram v = gram_of(values, gain, kv_head(first) * d_h, (kv_head(end - 1) + 1) * d_h);
    for (int64_t h = first; h < end; ++h)
      for (int64_t other = 0; other <= h; ++other) {
        double sum = 0;
        for (int64_t i = 0; i < d_h; ++i)
          for (int64_t j = 0; j < d_h; ++j)
            sum += element(o, h * d_h + i, other * d_h + j, writes_centred) *
                   element(v, kv_head(h) * d_h + i, kv_head(other) * d_h + j, reads_centred);
        products[pair_at(static_cast<size_t>(h), static_cast<size_t>(other))] = sum;
      }
  }
}

}  // namespace lstar
