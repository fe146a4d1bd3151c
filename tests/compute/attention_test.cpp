// The streaming kernel against dense_attention.h, and its promises to the bit.
#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/compute/dense_attention.h"

namespace lstar {
namespace {

using testing::dense_head;
using testing::DenseHead;

struct Shape {
  int heads = 1, kv_heads = 1, head_dim = 8;
  std::vector<int64_t> lengths;
  double spread = 1;  // standard deviation of q.k * scale
  bool alibi = false;
  ScoreRounding rounding = ScoreRounding::product_then_scale;
};

// Inputs as a fused projection would hold them: rows of [q heads | k heads | v heads].
template <class T>
struct Inputs {
  AttentionSpec spec;
  Batch batch;
  Matrix<T> qkv;

  HeadView<const T> part(int64_t offset) const { return {qkv.view(), offset, spec.head_dim}; }
  HeadView<const T> q() const { return part(0); }
  HeadView<const T> k() const { return part(int64_t{spec.heads} * spec.head_dim); }
  HeadView<const T> v() const { return part(int64_t{spec.heads + spec.kv_heads} * spec.head_dim); }
};

template <class T>
Inputs<T> make(const Shape& shape, Dtype dtype, unsigned seed) {
  Inputs<T> in;
  in.spec = {.heads = shape.heads,
             .kv_heads = shape.kv_heads,
             .head_dim = shape.head_dim,
             .scale = 1 / std::sqrt(static_cast<double>(shape.head_dim)),
             .rounding = shape.rounding};
  if (shape.alibi)
    for (int h = 0; h < shape.heads; ++h)
      in.spec.alibi_slopes.push_back(static_cast<float>(std::pow(2.0, -8.0 * (h + 1) / shape.heads)));
  in.batch.start = {0};
  for (int64_t n : shape.lengths) in.batch.start.push_back(in.batch.start.back() + n);
  in.qkv = Matrix<T>(in.batch.rows(), int64_t{shape.heads + 2 * shape.kv_heads} * shape.head_dim);
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  const double size = std::sqrt(shape.spread);
  for (int64_t i = 0; i < in.qkv.rows() * in.qkv.cols(); ++i)
    in.qkv.data()[i] = sizeof(T) == 8 ? static_cast<T>(normal(random) * size)
                                      : static_cast<T>(round_to(dtype, static_cast<float>(normal(random) * size)));
  return in;
}

template <class T>
struct Outcome {
  std::vector<T> out;
  std::vector<double> diagonal, off_diagonal, entropy, rounded;  // (prompts, heads); (prompts)
};

template <class T>
Outcome<T> run(const Inputs<T>& in, Dtype dtype, int threads = 2, bool rounded = false, bool last_rows_only = false) {
  const auto backend = make_cpu_backend<T>(dtype, threads);
  const size_t prompts = in.batch.prompts(), heads = in.spec.heads;
  Outcome<T> seen{.diagonal = std::vector<double>(prompts * heads),
                  .off_diagonal = std::vector<double>(prompts * heads),
                  .entropy = std::vector<double>(prompts * heads),
                  .rounded = std::vector<double>(prompts)};
  AttentionStats stats{.diagonal = seen.diagonal.data(),
                       .off_diagonal = seen.off_diagonal.data(),
                       .entropy = seen.entropy.data(),
                       .stride = static_cast<int64_t>(heads)};
  if (rounded) {
    stats.rounded_sum = seen.rounded.data();
    stats.rounded_stride = 1;
  }
  const int64_t rows = last_rows_only ? static_cast<int64_t>(prompts) : in.batch.rows();
  Matrix<T> out(rows, int64_t{in.spec.heads} * in.spec.head_dim);
  const auto done = backend->attention(in.spec, in.batch, in.q(), in.k(), in.v(), last_rows_only, out.view(), stats);
  EXPECT_TRUE(done) << (done ? "" : done.error().message());
  seen.out.assign(out.data(), out.data() + rows * out.cols());
  return seen;
}

template <class T>
std::vector<double> head_of(const HeadView<const T>& x, const Batch& batch, size_t p, int head, int width) {
  std::vector<double> values;
  for (int64_t r = batch.start[p]; r < batch.start[p + 1]; ++r)
    for (int c = 0; c < width; ++c) values.push_back(x.rows(r, x.offset + head * x.head_stride + c));
  return values;
}

template <class T>
DenseHead dense(const Inputs<T>& in, Dtype dtype, size_t p, int h) {
  const int kv = h * in.spec.kv_heads / in.spec.heads, width = in.spec.head_dim;
  return dense_head(dtype, in.spec, h, in.batch.length(p), head_of(in.q(), in.batch, p, h, width),
                    head_of(in.k(), in.batch, p, kv, width), head_of(in.v(), in.batch, p, kv, width));
}

// The largest |score|: scores carry an absolute error of about (d_h + 2) u |q||k| scale, which the exponential turns
// into a relative error of every probability.
template <class T>
double score_bound(const Inputs<T>& in) {
  double largest = 0;
  const int64_t width = in.spec.head_dim;
  for (size_t p = 0; p < in.batch.prompts(); ++p)
    for (int h = 0; h < in.spec.heads; ++h) {
      const int kv = h * in.spec.kv_heads / in.spec.heads;
      double q = 0, k = 0;
      const auto norm = [&](const HeadView<const T>& x, int head, int64_t r) {
        double sum = 0;
        for (int64_t c = 0; c < width; ++c) sum += std::pow(x.rows(r, x.offset + head * x.head_stride + c), 2);
        return std::sqrt(sum);
      };
      for (int64_t r = in.batch.start[p]; r < in.batch.start[p + 1]; ++r) {
        q = std::max(q, norm(in.q(), h, r));
        k = std::max(k, norm(in.k(), kv, r));
      }
      largest = std::max(largest, q * k * in.spec.scale);
    }
  if (!in.spec.alibi_slopes.empty()) largest += in.spec.alibi_slopes[0] * static_cast<double>(in.batch.rows());
  return largest;
}

template <class T>
void expect_dense(const Shape& shape, Dtype dtype, unsigned seed, bool rounded) {
  const Inputs<T> in = make<T>(shape, dtype, seed);
  const Outcome<T> seen = run(in, dtype, 2, rounded);
  // Relative error of a probability: (d_h + 4) u times the score's bound for the score, a few u for exp, one u a key
  // block for rescaling; halved in practice by random signs, not counted on.
  const double u = unit_roundoff(sizeof(T) == 8 ? Dtype::float64 : Dtype::float32);
  const double tolerance = (static_cast<double>(shape.head_dim + 4) * score_bound(in) + 300) * u;
  const int64_t width = shape.head_dim;
  for (size_t p = 0; p < in.batch.prompts(); ++p)
    for (int h = 0; h < shape.heads; ++h) {
      const DenseHead want = dense(in, dtype, p, h);
      const size_t at = p * shape.heads + h;
      const auto n = static_cast<double>(in.batch.length(p));
      // A row's entropy moves by at most tolerance * (1 + ln n); tiny sums keep a floor of u n.
      EXPECT_NEAR(seen.diagonal[at], want.diagonal, 2 * tolerance * want.diagonal) << n << " head " << h;
      EXPECT_NEAR(seen.off_diagonal[at], want.off_diagonal, 2 * tolerance * want.off_diagonal) << n << " head " << h;
      EXPECT_NEAR(seen.entropy[at], want.entropy, 2 * tolerance * n * (1 + std::log(n))) << n << " head " << h;
      double largest = 0, difference = 0;
      for (int64_t i = 0; i < in.batch.length(p); ++i)
        for (int64_t c = 0; c < width; ++c) {
          const double got = seen.out[(in.batch.start[p] + i) * shape.heads * width + h * width + c];
          largest = std::max(largest, std::fabs(want.out[i * width + c]));
          difference = std::max(difference, std::fabs(got - want.out[i * width + c]));
        }
      // Emulated: a score next to a rounding boundary may fall on the other side, and moves by 2 u of the dtype; one
      // rounding of each probability and of the result.
      const double own = is_emulated(dtype) ? (2 * score_bound(in) + 4) * unit_roundoff(dtype) : 0;
      EXPECT_LE(difference, (2 * tolerance + own) * 5) << n << " head " << h << " largest " << largest;
    }
}

TEST(Attention, EqualsDense) {
  const int64_t lengths[] = {1, 2, 63, 64, 65, 300};
  const int heads[][2] = {{1, 1}, {4, 4}, {6, 2}, {9, 3}, {5, 1}};
  const int widths[] = {8, 10, 64, 80, 128};
  unsigned seed = 1;
  for (const auto& pair : heads)
    for (int width : widths) {
      Shape shape{.heads = pair[0], .kv_heads = pair[1], .head_dim = width, .alibi = seed % 3 == 0};
      shape.lengths = {lengths[seed % 6], lengths[(seed + 2) % 6]};
      expect_dense<float>(shape, Dtype::float32, seed, seed % 2 == 0);
      expect_dense<double>(shape, Dtype::float64, seed, seed % 2 == 0);
      ++seed;
    }
}

}  // namespace
}  // namespace lstar
