// The streaming kernel against dense_attention.h, on random shapes and where softmax has its corners.
#include <cmath>
#include <limits>

#include "lstar/compute/cpu/attention.h"
#include "tests/compute/attention_case.h"
#include "tests/support/sanitized.h"

namespace lstar {
namespace {

using testing::attend;
using testing::AttentionCase;
using testing::AttentionOutcome;
using testing::AttentionShape;
using testing::DenseHead;

// The largest |q||k| scale + ALiBi: what the rounding errors of scores are relative to.
template <class T>
double score_bound(const AttentionCase<T>& in) {
  double largest = 0;
  for (size_t p = 0; p < in.batch.prompts(); ++p)
    for (int h = 0; h < in.spec.heads; ++h) {
      const auto longest = [&](int64_t at) {
        double norm = 0;
        for (int64_t r = in.batch.start[p]; r < in.batch.start[p + 1]; ++r) {
          double sum = 0;
          for (int64_t c = 0; c < in.width(); ++c) sum += std::pow(in.qkv.view()(r, at + c), 2);
          norm = std::max(norm, std::sqrt(sum));
        }
        return norm;
      };
      const double alibi =
          in.spec.alibi_slopes.empty() ? 0 : in.spec.alibi_slopes[h] * static_cast<double>(in.batch.length(p));
      largest = std::max(largest, longest(in.q_at(h)) * longest(in.k_at(h)) * in.spec.scale + alibi);
    }
  return largest;
}

// Holds a call to the oracle. `tolerance` is the relative error of a probability.
template <class T>
void expect_dense(const AttentionCase<T>& in, const AttentionOutcome<T>& seen, double tolerance) {
  const int64_t width = in.width();
  for (size_t p = 0; p < in.batch.prompts(); ++p)
    for (int h = 0; h < in.spec.heads; ++h) {
      SCOPED_TRACE(::testing::Message() << "n " << in.batch.length(p) << ", head " << h << " of " << in.spec.heads
                                        << ", width " << width << ", " << name(in.dtype));
      const DenseHead want = in.dense(p, h);
      const size_t at = p * in.spec.heads + h;
      const auto n = static_cast<double>(in.batch.length(p));
      EXPECT_NEAR(seen.diagonal[at], want.diagonal, tolerance * want.diagonal);
      EXPECT_NEAR(seen.off_diagonal[at], want.off_diagonal, tolerance * want.off_diagonal);
      // A row's entropy moves by tolerance (1 + ln n): each term p (-ln p) by its own share and by that of its log.
      EXPECT_NEAR(seen.entropy[at], want.entropy, tolerance * n * (1 + std::log(n)));
      double largest = 0, difference = 0;
      for (double v : in.head(p, in.v_at(h))) largest = std::max(largest, std::fabs(v));
      for (int64_t i = 0; i < in.batch.length(p); ++i)
        for (int64_t c = 0; c < width; ++c) {
          const double got = seen.out[(in.batch.start[p] + i) * in.spec.heads * width + h * width + c];
          difference = std::max(difference, std::fabs(got - want.out[i * width + c]));
        }
      // Emulated: a probability beside a rounding boundary may land on its other side, and the product is rounded.
      const double rounding = is_emulated(in.dtype) ? 3 * unit_roundoff(in.dtype) : 0;
      EXPECT_LE(difference, (tolerance + rounding) * largest);
    }
}

// The overlaps of every two heads, of probabilities that are each good to `tolerance`; below float32's smallest number
// there is nothing of a product.
template <class T>
void expect_dense_overlap(const AttentionCase<T>& in, const AttentionOutcome<T>& seen, double tolerance) {
  const auto heads = static_cast<size_t>(in.spec.heads), pairs = pairs_of(heads);
  for (size_t p = 0; p < in.batch.prompts(); ++p) {
    const int64_t n = in.batch.length(p);
    std::vector<DenseHead> dense;
    for (size_t h = 0; h < heads; ++h) dense.push_back(in.dense(p, static_cast<int>(h)));
    for (size_t h = 0; h < heads; ++h)
      for (size_t other = 0; other <= h; ++other) {
        const double want = testing::dense_overlap(dense[h], dense[other], n);
        EXPECT_NEAR(seen.overlap[p * pairs + pair_at(h, other)], want, 2 * tolerance * want + 1e-38 * double(n * n))
            << "n " << n << ", heads " << h << " and " << other << " of " << heads << ", " << name(in.dtype);
      }
  }
}

// d_h + 4 roundings of a score become a relative error of its weight; numerator and denominator both have it. A few
// units for exp, and one for each of the blocks in which sums and products are formed.
template <class T>
double tolerance_of(const AttentionCase<T>& in, bool exact_products) {
  const double u = unit_roundoff(sizeof(T) == 8 ? Dtype::float64 : Dtype::float32);
  const double scores = exact_products ? 3 : static_cast<double>(in.width() + 4);
  return (2 * scores * score_bound(in) + 300) * u;
}

const int kHeads[][2] = {{1, 1}, {4, 4}, {6, 2}, {9, 3}, {5, 1}};
const int kWidths[] = {8, 10, 64, 80, 128};
const int64_t kLengths[] = {1, 2, 63, 64, 65, 300};

TEST(Attention, EqualsDense) {
  unsigned seed = 0;
  for (const auto& heads : kHeads)
    for (int width : kWidths) {
      if (++seed % 5 > 1 && testing::kSanitized) continue;
      const AttentionShape shape{.heads = heads[0],
                                 .kv_heads = heads[1],
                                 .head_dim = width,
                                 .lengths = {kLengths[seed % 6], kLengths[(seed + 2) % 6]},
                                 .alibi = seed % 3 == 0};
      const bool two_sweeps = seed % 2 == 0;
      const AttentionCase<float> single(shape, Dtype::float32, seed);
      const AttentionOutcome<float> of_single = attend(single, {.rounded = two_sweeps, .overlap = true});
      expect_dense(single, of_single, tolerance_of(single, false));
      expect_dense_overlap(single, of_single, tolerance_of(single, false));
      const AttentionCase<double> twice(shape, Dtype::float64, seed);
      const AttentionOutcome<double> of_twice = attend(twice, {.rounded = two_sweeps, .overlap = true});
      expect_dense(twice, of_twice, tolerance_of(twice, false));
      expect_dense_overlap(twice, of_twice, tolerance_of(twice, false));
    }
}

TEST(Attention, EqualsDenseOnALongPrompt) {
  const AttentionShape shape{.heads = 2, .kv_heads = 1, .head_dim = 8, .lengths = {testing::kSanitized ? 700 : 2000}};
  const AttentionCase<float> in(shape, Dtype::float32, 7);
  expect_dense(in, attend(in), tolerance_of(in, false));
  expect_dense(in, attend(in, {.rounded = true}), tolerance_of(in, false));
}

// Windows, behind a row or to both sides of it, that end in a register block, in a key block and beyond the prompt;
// rows that see all; caps and sinks.
TEST(Attention, EqualsDenseForEveryMask) {
  unsigned seed = 40;
  for (const bool causal : {true, false})
    for (const int64_t window : {0, 1, 5, 48, 300, 1000}) {
      for (const double softcap : {0.0, 2.0})
        for (const bool sinks : {false, true}) {
          const AttentionShape shape{.heads = 4,
                                     .kv_heads = 2,
                                     .head_dim = 10,
                                     .lengths = {1, 7, 65, testing::kSanitized ? 130 : 700},
                                     .causal = causal,
                                     .window = window,
                                     .softcap = softcap,
                                     .sinks = sinks};
          SCOPED_TRACE(::testing::Message() << (causal ? "causal" : "both ways") << ", window " << window << ", cap "
                                            << softcap << (sinks ? ", sinks" : ""));
          const AttentionCase<float> in(shape, Dtype::float32, seed);
          const AttentionOutcome<float> one = attend(in), two = attend(in, {.rounded = true, .overlap = true});
          expect_dense(in, one, tolerance_of(in, false));
          expect_dense(in, two, tolerance_of(in, false));
          expect_dense_overlap(in, two, tolerance_of(in, false));
          EXPECT_EQ(attend(in, {.threads = 1}), one);
          const AttentionCase<double> twice(shape, Dtype::float64, seed);
          expect_dense(twice, attend(twice), tolerance_of(twice, false));
          const AttentionCase<float> half({.heads = 4,
                                           .kv_heads = 2,
                                           .head_dim = 10,
                                           .lengths = {65},
                                           .exact_products = true,
                                           .causal = causal,
                                           .window = window,
                                           .softcap = softcap,
                                           .sinks = sinks},
                                          Dtype::bfloat16, seed++);
          // tanh may fall beside a rounding boundary, which moves a score by half a unit of bfloat16.
          expect_dense(half, attend(half), tolerance_of(half, true) + (softcap > 0 ? 2 * softcap * 0x1p-8 : 0));
        }
    }
}

TEST(Attention, FalconAlibi) {
  const AttentionShape shape{.heads = 3, .kv_heads = 3, .head_dim = 8, .lengths = {500}, .alibi = true};
  AttentionCase<float> in(shape, Dtype::float32, 17);
  in.spec.alibi_in_bfloat16 = true;
  in.spec.alibi_scale = in.spec.scale;
  expect_dense(in, attend(in), tolerance_of(in, false));
  AttentionCase<double> twice(shape, Dtype::float64, 17);
  twice.spec.alibi_in_bfloat16 = true;
  twice.spec.alibi_scale = twice.spec.scale;
  expect_dense(twice, attend(twice), tolerance_of(twice, false));
}

// With exact products the rounded scores are the same numbers in kernel and oracle: a rounding point too many, too few
// or elsewhere moves them by 2^-11 or 2^-8, far beyond the tolerance.
TEST(Attention, RoundsWhereTransformersDoes) {
  unsigned seed = 100;
  for (Dtype dtype : {Dtype::float16, Dtype::bfloat16})
    for (ScoreRounding rounding :
         {ScoreRounding::product_then_scale, ScoreRounding::query_first, ScoreRounding::once, ScoreRounding::none})
      for (bool alibi : {false, true}) {
        const bool query_first = rounding == ScoreRounding::query_first;
        const AttentionShape shape{.heads = 3,
                                   .kv_heads = 3,
                                   .head_dim = query_first ? 8 : 80,
                                   .lengths = {1, 65, testing::kSanitized ? 100 : 300},
                                   .alibi = alibi,
                                   .rounding = rounding,
                                   .scale = query_first ? 0.3 : 0,
                                   .exact_products = true};
        const AttentionCase<float> in(shape, dtype, seed++);
        expect_dense(in, attend(in), tolerance_of(in, true));
        expect_dense(in, attend(in, {.rounded = true}), tolerance_of(in, true));
      }
}

// What is written and summed depends neither on which rows are written nor on which statistics are wanted.
TEST(Attention, NoBitDependsOnWhatIsWanted) {
  for (Dtype dtype : {Dtype::float32, Dtype::float16}) {
    const AttentionShape shape{.heads = 6, .kv_heads = 2, .head_dim = 10, .lengths = {1, 49, 300, 97}};
    const AttentionCase<float> in(shape, dtype, 3);
    const AttentionOutcome<float> all = attend(in, {.rounded = true, .overlap = true});
    for (bool rounded : {false, true}) {
      const AttentionOutcome<float> last =
          attend(in, {.rounded = rounded, .overlap = !rounded, .last_rows_only = true});
      EXPECT_TRUE(rounded || last.overlap == all.overlap);
      EXPECT_EQ(last.diagonal, all.diagonal);
      EXPECT_EQ(last.off_diagonal, all.off_diagonal);
      EXPECT_EQ(last.entropy, all.entropy);
      EXPECT_TRUE(!rounded || last.rounded == all.rounded);
      const AttentionOutcome<float> bare = attend(in, {.last_rows_only = true, .statistics = false});
      EXPECT_EQ(bare.out, last.out);
      const int64_t cols = in.spec.heads * in.width();
      for (size_t p = 0; p < in.batch.prompts(); ++p)
        for (int64_t c = 0; c < cols; ++c)
          ASSERT_EQ(last.out[p * cols + c], all.out[(in.batch.start[p + 1] - 1) * cols + c]) << "prompt " << p;
    }
    EXPECT_EQ(attend(in, {.rounded = false}).out, all.out);
  }
}

// All scores equal: row i gives 1 / (i + 1) to each key, so the sums are harmonic numbers and ln n!.
TEST(Attention, EqualScores) {
  const AttentionShape shape{.heads = 2, .kv_heads = 2, .head_dim = 8, .lengths = {2000}};
  AttentionCase<float> in(shape, Dtype::float32, 4);
  std::fill_n(in.qkv.data(), in.qkv.rows() * in.qkv.cols(), 0.0f);
  const AttentionOutcome<float> seen = attend(in);
  double harmonic = 0;
  for (int i = 1; i <= 2000; ++i) harmonic += 1.0 / i;
  const double u = unit_roundoff(Dtype::float32);  // weights are exactly 1: only sums round
  EXPECT_NEAR(seen.diagonal[0], harmonic, harmonic * u);
  EXPECT_NEAR(seen.off_diagonal[0], 2000 - harmonic, 2000 * u);
  EXPECT_NEAR(seen.entropy[0], std::lgamma(2001.0), std::lgamma(2001.0) * u);
}

// Each query meets its own key alone: nothing is off the diagonal, to the bit, and nothing is uncertain.
TEST(Attention, RowsThatSeeThemselvesAlone) {
  const AttentionShape shape{.heads = 1, .kv_heads = 1, .head_dim = 64, .lengths = {64}, .scale = 1};
  AttentionCase<float> in(shape, Dtype::float32, 5);
  std::fill_n(in.qkv.data(), in.qkv.rows() * in.qkv.cols(), 0.0f);
  for (int64_t i = 0; i < 64; ++i) in.qkv.view()(i, i) = in.qkv.view()(i, 64 + i) = 40;
  for (int64_t i = 0; i < 64; ++i) in.qkv.view()(i, 128) = static_cast<float>(i);
  const AttentionOutcome<float> seen = attend(in);
  EXPECT_EQ(seen.diagonal[0], 64);
  EXPECT_EQ(seen.off_diagonal[0], 0);
  EXPECT_EQ(seen.entropy[0], 0);
  for (int64_t i = 0; i < 64; ++i) EXPECT_EQ(seen.out[i * 64], static_cast<float>(i));
}

// Scores of 10,000 and -10,000: weights are 1 or 0, whichever block of keys they come in, and nothing overflows.
TEST(Attention, SaturatedSoftmax) {
  for (Dtype dtype : {Dtype::float32, Dtype::float16, Dtype::bfloat16}) {
    const AttentionShape shape{.heads = 1, .kv_heads = 1, .head_dim = 8, .lengths = {600}, .scale = 1};
    AttentionCase<float> in(shape, dtype, 6);
    for (int64_t i = 0; i < 600; ++i) {
      std::fill_n(in.qkv.view().row(i), 16, 0.0f);
      in.qkv.view()(i, 0) = 100;
      in.qkv.view()(i, 8) = i % 7 == 3 ? 100.0f : -100.0f;  // keys 3, 10, 17, ... win
    }
    for (bool rounded : {false, true})  // every score is exact: a few units for sums over 600 rows
      expect_dense(in, attend(in, {.rounded = rounded}), 20 * unit_roundoff(Dtype::float32));
  }
}

TEST(Attention, NanStaysInItsHead) {
  const AttentionShape shape{.heads = 4, .kv_heads = 2, .head_dim = 10, .lengths = {70, 300}};
  AttentionCase<float> in(shape, Dtype::float32, 8);
  in.qkv.view()(in.batch.start[1] + 20, in.q_at(1)) = std::numeric_limits<float>::quiet_NaN();
  for (bool rounded : {false, true}) {
    const AttentionOutcome<float> seen = attend(in, {.rounded = rounded});
    for (size_t at = 0; at < 8; ++at) {
      EXPECT_EQ(std::isnan(seen.diagonal[at]), at == 5) << at;
      EXPECT_EQ(std::isnan(seen.off_diagonal[at]), at == 5) << at;
      EXPECT_EQ(std::isnan(seen.entropy[at]), at == 5) << at;
    }
    EXPECT_FALSE(std::isnan(seen.rounded[0]));
    EXPECT_EQ(std::isnan(seen.rounded[1]), rounded);
  }
}

// q.k past 65,504 is infinite in float16: an infinite score makes its row NaN, as torch's softmax does, and a score of
// minus infinity has probability 0.
TEST(Attention, OverflowInFloat16) {
  const AttentionShape shape{.heads = 2, .kv_heads = 2, .head_dim = 8, .lengths = {100}};
  AttentionCase<float> in(shape, Dtype::float16, 9);
  const auto set = [&](int64_t r, int64_t at, float x) {
    std::fill_n(in.qkv.view().row(r) + at, 8, 0.0f);
    in.qkv.view()(r, at) = x;
  };
  set(60, in.q_at(0), 300);
  set(20, in.k_at(0), 300);  // 90,000
  set(60, in.q_at(1), 300);
  set(20, in.k_at(1), -300);
  const AttentionOutcome<float> seen = attend(in);
  EXPECT_TRUE(std::isnan(seen.diagonal[0]) && std::isnan(seen.off_diagonal[0]) && std::isnan(seen.entropy[0]));
  EXPECT_NEAR(seen.diagonal[1] + seen.off_diagonal[1], 100, 100 * 20 * unit_roundoff(Dtype::float32));
  EXPECT_TRUE(std::isfinite(seen.entropy[1]));
  for (int64_t r = 0; r < 100; ++r) EXPECT_EQ(std::isnan(seen.out[r * 16]), r == 60) << r;
}

// A whole block of keys at minus infinity before any other: the row goes on as if it were not there. A row that has
// nothing else is NaN, as in torch.
TEST(Attention, OverflowBeforeTheFirstWeight) {
  const AttentionShape shape{.heads = 1, .kv_heads = 1, .head_dim = 8, .lengths = {300}, .scale = 1};
  AttentionCase<float> in(shape, Dtype::float16, 14);
  for (int64_t r = 0; r < 300; ++r) {
    std::fill_n(in.qkv.view().row(r), 16, 0.0f);
    in.qkv.view()(r, 0) = r == 100 || r == 290 ? 300.0f : 0.0f;
    in.qkv.view()(r, 8) = r < 270 ? -300.0f : 0.0f;
  }
  for (bool rounded : {false, true}) {
    const AttentionOutcome<float> seen = attend(in, {.rounded = rounded});
    EXPECT_TRUE(std::isnan(seen.out[100 * 8]));
    for (int64_t c = 0; c < 8; ++c) {  // the mean of rows 270 .. 290; 21 rounded probabilities, 22 sums, one rounding
      double mean = 0;
      for (int64_t r = 270; r <= 290; ++r) mean += in.qkv.view()(r, 16 + c) / 21;
      EXPECT_NEAR(seen.out[290 * 8 + c], mean, 21 * unit_roundoff(Dtype::float16));
    }
  }
}

// So many heads and keys that a block's rows go through the heads some at a time: no bit of anything else tells, and
// the overlaps are what they are.
TEST(Attention, RowsGoThroughManyHeadsInParts) {
  if (testing::kSanitized) GTEST_SKIP() << "takes minutes";
  const AttentionShape shape{.heads = 64, .kv_heads = 1, .head_dim = 4, .lengths = {100, 2700}};
  ASSERT_LT(rows_together(64, 2816, sizeof(double)), kQueryBlock);
  ASSERT_LT(rows_together(64, 2816, sizeof(double)), rows_together(64, 2816, sizeof(float)));
  EXPECT_EQ(rows_together(12, 8192, sizeof(float)), kQueryBlock);
  const AttentionCase<double> in(shape, Dtype::float64, 31);
  const AttentionOutcome<double> without = attend(in, {.rounded = true}),
                                 with = attend(in, {.rounded = true, .overlap = true});
  EXPECT_EQ(with.out, without.out);
  EXPECT_EQ(with.diagonal, without.diagonal);
  EXPECT_EQ(with.off_diagonal, without.off_diagonal);
  EXPECT_EQ(with.entropy, without.entropy);
  EXPECT_EQ(with.rounded, without.rounded);
  const DenseHead first = in.dense(1, 0), last = in.dense(1, 63);
  const double* overlap = with.overlap.data() + pairs_of(64);
  const double tolerance = 2 * tolerance_of(in, false);
  const auto hold = [&](size_t of, size_t other, double want) {
    EXPECT_NEAR(overlap[pair_at(of, other)], want, tolerance * want) << of << " and " << other;
  };
  hold(0, 0, testing::dense_overlap(first, first, 2700));
  hold(63, 0, testing::dense_overlap(last, first, 2700));
  hold(63, 63, testing::dense_overlap(last, last, 2700));
}

TEST(Attention, WrongShapesAreErrors) {
  const AttentionShape shape{.heads = 2, .kv_heads = 2, .head_dim = 8, .lengths = {5}};
  AttentionCase<float> in(shape, Dtype::float32, 10);
  const auto backend = make_cpu_backend<float>(Dtype::float32, 1);
  Matrix<float> narrow(5, 15);
  const auto done =
      backend->attention(in.spec, in.batch, in.part(0), in.part(16), in.part(32), false, narrow.view(), {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message(), "attention output: expected 5 x 16, found 5 x 15");
}

}  // namespace
}  // namespace lstar
