// Inputs for attention, one call of a backend, and the same head by head for the dense oracle.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "lstar/compute/backend.h"
#include "lstar/observe/observation.h"
#include "tests/compute/dense_attention.h"

namespace lstar::testing {

struct AttentionShape {
  int heads = 1, kv_heads = 1, head_dim = 8;
  std::vector<int64_t> lengths;
  bool alibi = false;
  ScoreRounding rounding = ScoreRounding::product_then_scale;
  double scale = 0;  // 0: 1 / sqrt(head_dim)
  // Multiples of 1/8 between -2 and 2: every q.k is exact in float32 in any order, so that a score is the same number
  // in the kernel and in the oracle, before and after it is rounded. Otherwise normal numbers.
  bool exact_products = false;
  bool causal = true;
  int64_t window = 0;
  double softcap = 0;
  bool sinks = false;
};

// Inputs as a fused projection holds them: rows of [q heads | k heads | v heads].
template <class T>
struct AttentionCase {
  Dtype dtype;
  AttentionSpec spec;
  Batch batch;
  Matrix<T> qkv;

  AttentionCase(const AttentionShape& shape, Dtype dtype_, unsigned seed) : dtype(dtype_) {
    spec = {.heads = shape.heads, .kv_heads = shape.kv_heads, .head_dim = shape.head_dim, .rounding = shape.rounding};
    spec.scale = shape.scale != 0 ? shape.scale : 1 / std::sqrt(static_cast<double>(shape.head_dim));
    if (shape.alibi)
      for (int h = 0; h < shape.heads; ++h)
        spec.alibi_slopes.push_back(static_cast<float>(std::pow(2.0, -8.0 * (h + 1) / shape.heads)));
    spec.causal = shape.causal;
    spec.window = shape.window;
    spec.softcap = shape.softcap;
    if (shape.sinks)  // from far below every score to above most
      for (int h = 0; h < shape.heads; ++h) spec.sinks.push_back(-4 + 2 * h);
    batch.start = {0};
    for (int64_t n : shape.lengths) batch.start.push_back(batch.start.back() + n);
    qkv = Matrix<T>(batch.rows(), int64_t{shape.heads + 2 * shape.kv_heads} * shape.head_dim);
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    std::uniform_int_distribution<int> eighths(-16, 16);
    for (int64_t i = 0; i < qkv.rows() * qkv.cols(); ++i) {
      const double x = shape.exact_products ? eighths(random) / 8.0 : normal(random);
      qkv.data()[i] = sizeof(T) == 8 ? static_cast<T>(x) : static_cast<T>(round_to(dtype, static_cast<float>(x)));
    }
  }

  int64_t width() const { return spec.head_dim; }
  int64_t q_at(int h) const { return h * width(); }
  int64_t k_at(int h) const { return (spec.heads + int64_t{h} * spec.kv_heads / spec.heads) * width(); }
  int64_t v_at(int h) const { return k_at(h) + spec.kv_heads * width(); }
  HeadView<const T> part(int64_t offset) const { return {qkv.view(), offset, width()}; }

  // The columns [at, at + width) of a prompt.
  std::vector<double> head(size_t p, int64_t at) const {
    std::vector<double> values;
    for (int64_t r = batch.start[p]; r < batch.start[p + 1]; ++r)
      for (int64_t c = 0; c < width(); ++c) values.push_back(qkv.view()(r, at + c));
    return values;
  }
  DenseHead dense(size_t p, int h) const {
    return dense_head(dtype, spec, h, batch.length(p), head(p, q_at(h)), head(p, k_at(h)), head(p, v_at(h)));
  }
  // A batch of some of the prompts, in the given order.
  AttentionCase with_prompts(const std::vector<size_t>& prompts) const { return AttentionCase(*this, prompts); }

 private:
  AttentionCase(const AttentionCase& all, const std::vector<size_t>& prompts) : dtype(all.dtype), spec(all.spec) {
    batch.start = {0};
    for (size_t p : prompts) batch.start.push_back(batch.start.back() + all.batch.length(p));
    qkv = Matrix<T>(batch.rows(), all.qkv.cols());
    for (size_t i = 0; i < prompts.size(); ++i)
      std::copy_n(all.qkv.view().row(all.batch.start[prompts[i]]), batch.length(i) * qkv.cols(),
                  qkv.view().row(batch.start[i]));
  }
};

template <class T>
struct AttentionOutcome {
  std::vector<T> out;                                   // (rows, heads * head_dim)
  std::vector<double> diagonal, off_diagonal, entropy;  // (prompts, heads)
  std::vector<double> rounded;                          // (prompts)
  std::vector<double> overlap;                          // (prompts, pairs of heads); empty if not wanted
  bool operator==(const AttentionOutcome&) const = default;
};

struct AttentionWants {
  bool rounded = false, overlap = false, last_rows_only = false, statistics = true;
  int threads = 2;
};

template <class T>
AttentionOutcome<T> attend(const AttentionCase<T>& in, AttentionWants wants = {}) {
  const auto backend = make_cpu_backend<T>(in.dtype, wants.threads);
  const size_t prompts = in.batch.prompts(), heads = in.spec.heads;
  AttentionOutcome<T> seen;
  for (auto* of_heads : {&seen.diagonal, &seen.off_diagonal, &seen.entropy}) of_heads->resize(prompts * heads);
  seen.rounded.resize(prompts);
  AttentionStats stats{.diagonal = seen.diagonal.data(),
                       .off_diagonal = seen.off_diagonal.data(),
                       .entropy = seen.entropy.data(),
                       .stride = static_cast<int64_t>(heads)};
  if (wants.rounded) {
    stats.rounded_sum = seen.rounded.data();
    stats.rounded_stride = 1;
  }
  if (wants.overlap) {
    seen.overlap.assign(prompts * pairs_of(heads), -1);
    stats.overlap = seen.overlap.data();
    stats.overlap_stride = static_cast<int64_t>(pairs_of(heads));
  }
  const int64_t rows = wants.last_rows_only ? static_cast<int64_t>(prompts) : in.batch.rows();
  Matrix<T> out(rows, in.spec.heads * in.width());
  const auto done = backend->attention(in.spec, in.batch, in.part(0), in.part(in.k_at(0)), in.part(in.v_at(0)),
                                       wants.last_rows_only, out.view(), wants.statistics ? stats : AttentionStats{});
  EXPECT_TRUE(done) << (done ? "" : done.error().message());
  seen.out.assign(out.data(), out.data() + rows * out.cols());
  return seen;
}

}  // namespace lstar::testing
