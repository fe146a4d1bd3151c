// The oracle of the attention tests: softmax attention written out with whole matrices, in double, with the
// rounding points of the table in docs/mathematics.md. Nothing is shared with the kernel.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "lstar/compute/backend.h"

namespace lstar::testing {

struct DenseHead {
  std::vector<double> p;    // (n, n): unrounded probabilities
  std::vector<double> out;  // (n, head_dim): rounded probabilities times V
  double diagonal = 0, off_diagonal = 0, entropy = 0;
};

// One head of one prompt; q, k, v: (n, head_dim).
inline DenseHead dense_head(Dtype dtype, const AttentionSpec& spec, int head, int64_t n, const std::vector<double>& q,
                            const std::vector<double>& k, const std::vector<double>& v) {
  const auto r = [&](double x) { return is_emulated(dtype) ? round_to(dtype, static_cast<float>(x)) : x; };
  const int64_t width = spec.head_dim;
  DenseHead result{.p = std::vector<double>(n * n), .out = std::vector<double>(n * width)};
  for (int64_t i = 0; i < n; ++i) {
    const auto sees = [&](int64_t j) {
      const int64_t reach = spec.window > 0 ? spec.window - 1 : n;  // tokens beside its own, to each side it sees
      return j == i || (j < i && i - j <= reach) || (!spec.causal && j > i && j - i <= reach);
    };
    std::vector<double> s(n, -INFINITY);
    for (int64_t j = 0; j < n; ++j) {
      if (!sees(j)) continue;
      double product = 0;
      const bool query_first = spec.rounding == ScoreRounding::query_first;
      for (int64_t c = 0; c < width; ++c)
        product += (query_first ? r(q[i * width + c] * spec.scale) : q[i * width + c]) * k[j * width + c];
      const auto brain = [](double x) { return double{round_to(Dtype::bfloat16, static_cast<float>(x))}; };
      const auto position = static_cast<double>(j);
      double alibi = 0;
      if (!spec.alibi_slopes.empty()) {
        const double slope = spec.alibi_slopes[head];
        alibi =
            spec.alibi_scale * (spec.alibi_in_bfloat16 ? brain(brain(slope) * brain(position)) : r(slope * position));
      }
      switch (spec.rounding) {
        case ScoreRounding::product_then_scale: s[j] = r(r(product) * spec.scale + alibi); break;
        case ScoreRounding::query_first: s[j] = r(product + alibi); break;
        case ScoreRounding::once: s[j] = r(product * spec.scale + alibi); break;
        case ScoreRounding::none: s[j] = product * spec.scale + alibi; break;
      }
      if (spec.softcap > 0) s[j] = r(spec.softcap * r(std::tanh(r(s[j] / spec.softcap))));
    }
    const double sink = spec.sinks.empty() ? -INFINITY : spec.sinks[head];
    double m = sink, z = 0, others = 0;
    for (double x : s) m = std::max(m, x);
    for (double x : s) z += std::exp(x - m);
    z += std::exp(sink - m);
    for (int64_t j = 0; j < n; ++j) {
      const double p = std::exp(s[j] - m) / z;
      result.p[i * n + j] = p;
      if (j != i) others += p;
      if (p > 0) result.entropy += p * (std::log(z) + m - s[j]);
      for (int64_t c = 0; c < width; ++c) result.out[i * width + c] += r(p) * v[j * width + c];
    }
    result.diagonal += result.p[i * n + i];
    result.off_diagonal += others;
  }
  return result;
}

// Sum over i != j of what two heads give to the same key.
inline double dense_overlap(const DenseHead& one, const DenseHead& other, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    double row = 0;
    for (int64_t j = 0; j < n; ++j)
      if (i != j) row += one.p[i * n + j] * other.p[i * n + j];
    sum += row;
  }
  return sum;
}

}  // namespace lstar::testing
