#include "lstar/analysis/estimators.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "lstar/analysis/detectors.h"
#include "tests/analysis/as_written_dense.h"

namespace lstar {
namespace {

using testing::as_written_dense;
using testing::attention_sum_dense;

double trace(std::string_view name, const LayerView& layer) { return find_estimator(name)->trace(layer); }
double floor_of(std::string_view name, const LayerView& layer, Dtype dtype) {
  return find_estimator(name)->floor(layer, dtype);
}

using Scores = std::vector<float>;  // of one row, its own last

// Rows of random scores, each from its own row number on: score(i, j), j <= i.
template <class Score>
std::vector<Scores> score_rows(int64_t n, Score score) {
  std::vector<Scores> rows;
  for (int64_t i = 0; i < n; ++i) {
    rows.emplace_back();
    for (int64_t j = 0; j <= i; ++j) rows.back().push_back(static_cast<float>(score(i, j)));
  }
  return rows;
}

// Off-diagonal mass from the given scores: every difference, exponential and sum in long double.
double exact_off_diagonal(const std::vector<Scores>& rows) {
  long double off = 0;
  for (const Scores& s : rows) {
    const long double top = *std::max_element(s.begin(), s.end());
    long double others = 0;
    for (size_t j = 0; j + 1 < s.size(); ++j) others += std::exp(s[j] - top);
    off += others / (others + std::exp(s.back() - top));
  }
  return static_cast<double>(off);
}

// The same as a run in float32 finds it: from key block to key block, with the largest score so far.
double float32_off_diagonal(const std::vector<Scores>& rows) {
  double off = 0;
  for (const Scores& s : rows) {
    float top = -INFINITY, own = 0;
    double others = 0;
    for (size_t begin = 0; begin < s.size(); begin += kLargestKeyBlock) {
      const size_t end = std::min<size_t>(begin + kLargestKeyBlock, s.size());
      const float found =
          *std::max_element(s.begin() + static_cast<int64_t>(begin), s.begin() + static_cast<int64_t>(end));
      if (found > top) {
        others *= std::exp(static_cast<double>(top) - static_cast<double>(found));
        top = found;
      }
      float block = 0;
      for (size_t j = begin; j < std::min(end, s.size() - 1); ++j) block += std::exp(s[j] - top);
      others += static_cast<double>(block);
      own = std::exp(s.back() - top);
    }
    off += others / (others + static_cast<double>(own));
  }
  return off;
}

// Random causal attention: off-diagonal masses, and probabilities of a float32 softmax rounded to `dtype`.
struct Attention {
  std::vector<float> rounded;  // (heads, n, n)
  std::vector<double> off;     // (heads)
};
Attention random_attention(int64_t n, int heads, double spread, Dtype dtype, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  Attention result;
  result.rounded.resize(static_cast<size_t>(heads * n * n));
  for (int h = 0; h < heads; ++h) {
    const std::vector<Scores> rows = score_rows(n, [&](int64_t, int64_t) { return spread * normal(random); });
    for (int64_t i = 0; i < n; ++i) {
      const Scores& s = rows[static_cast<size_t>(i)];
      const float top = *std::max_element(s.begin(), s.end());
      float sum = 0;
      for (const float score : s) sum += std::exp(score - top);
      for (int64_t j = 0; j <= i; ++j)
        result.rounded[static_cast<size_t>((h * n + i) * n + j)] =
            round_to(dtype, std::exp(s[static_cast<size_t>(j)] - top) / sum);
    }
    result.off.push_back(exact_off_diagonal(rows));
  }
  return result;
}

// Four heads in two KV groups, numbers that are exact in binary.
struct ByHand {
  std::vector<double> diagonal{4, 3, 2, 1}, off{1, 2, 3, 4}, kv{10, 20}, ov{0.5, 0.25, 2, 1};
  // Of heads (0, 0), (1, 0), (1, 1), (2, 0), ...
  std::vector<double> overlap{4, 1, 2, 0, 3, 5, 1, 1, 2, 8}, products{1, -2, 4, 0.5, 0, 2, 1, -1, 0.25, 0.5};
  LayerView view{.n = 5,
                 .heads = 4,
                 .kv_heads = 2,
                 .diagonal = diagonal,
                 .off_diagonal = off,
                 .rounded_sum = 4.75,
                 .w_v_sq = 30,
                 .w_v_head_sq = kv,
                 .ov_sq = ov,
                 .overlap = overlap,
                 .ov_products = products};
};

TEST(Estimators, ByHand) {
  const ByHand layer;
  EXPECT_EQ(trace("as_written", layer.view), 0.25 * 30);
  EXPECT_EQ(trace("attention_only", layer.view), 2.5);
  EXPECT_EQ(trace("weights_only", layer.view), 30);
  EXPECT_EQ(trace("off_diagonal", layer.view), 75);
  EXPECT_EQ(trace("multi_head", layer.view), 1 * 10 + 2 * 10 + 3 * 20 + 4 * 20);
  EXPECT_EQ(trace("ov_circuit", layer.view), 0.5 + 0.5 + 6 + 4);
  EXPECT_EQ(trace("edge_energy", layer.view), 4 + 8 + 10 + 4 + 2 * (-2 + 0 + 0 + 1 - 1 + 0.5));
}

// A norm behind W_O divides by what it sees: the circuit's level by its mean square, no other's.
TEST(Estimators, ANormBehindTheOutputScalesTheCircuits) {
  ByHand layer;
  const ByHand plain;
  layer.view.output_scale_sq = 0.25;
  EXPECT_EQ(trace("ov_circuit", layer.view), 11 * 0.25);
  EXPECT_EQ(trace("edge_energy", layer.view), trace("edge_energy", plain.view) * 0.25);
  EXPECT_GT(floor_of("ov_circuit", layer.view, Dtype::float32), floor_of("ov_circuit", plain.view, Dtype::float32) / 4)
      << "one more product rounds";
  for (const std::string_view name : {"as_written", "off_diagonal", "multi_head"})
    EXPECT_EQ(trace(name, layer.view), trace(name, plain.view));
}

TEST(Estimators, WithoutTheScaleOfItsNormTheCircuitIsNotMeasured) {
  Observation seen{.tokens = {5}, .off_diagonal = Array3<double>(1, 1, 1)};
  WeightNorms norms{.w_v_sq = {30}, .ov_sq = Array2<double>(1, 1), .has_output_norm = true};
  norms.ov_sq(0, 0) = seen.off_diagonal(0, 0, 0) = 2;
  const Estimator& estimator = *find_estimator("ov_circuit");
  const Trace without = trace_of(estimator, seen, norms, 0, Dtype::float32);
  EXPECT_FALSE(without.is_measured);
  EXPECT_TRUE(std::isnan(without.trace[0]));
  seen.output_scale_sq = Array2<double>(1, 1);
  seen.output_scale_sq(0, 0) = 8;
  EXPECT_TRUE(trace_of(estimator, seen, norms, 0, Dtype::float32).is_measured);
  EXPECT_EQ(trace_of(estimator, seen, norms, 0, Dtype::float32).trace[0], 32);
  norms.has_output_norm = false;
  EXPECT_EQ(trace_of(estimator, seen, norms, 0, Dtype::float32).trace[0], 4) << "the model has none";
}

TEST(Estimators, AsWrittenTakesTheNormInFloat32) {
  ByHand layer;
  layer.view.w_v_sq = 1 + 0x1p-30;  // float32 holds 1
  EXPECT_EQ(trace("as_written", layer.view), 0.25);
}

TEST(Estimators, WhatWasNotMeasuredIsNan) {
  const Observation seen{.tokens = {5}};
  const WeightNorms norms{.w_v_sq = {30}};
  for (const Estimator& estimator : estimators()) {
    const Trace found = trace_of(estimator, seen, norms, 0, Dtype::float32);
    ASSERT_EQ(found.trace.size(), 1u);
    EXPECT_EQ(std::isnan(found.trace[0]), estimator.name != "weights_only") << estimator.name;
    EXPECT_EQ(found.is_measured, estimator.name == "weights_only") << estimator.name;
    EXPECT_EQ(find_estimator(estimator.name), &estimator);
  }
  EXPECT_EQ(find_estimator("diagonal"), nullptr);
}

TEST(Estimators, NanThatWasMeasuredIsNotMissing) {
  Observation seen{.tokens = {5}, .off_diagonal = Array3<double>(1, 1, 1)};
  seen.off_diagonal(0, 0, 0) = NAN;
  const WeightNorms norms{.w_v_sq = {30}};
  EXPECT_TRUE(trace_of(*find_estimator("off_diagonal"), seen, norms, 0, Dtype::float32).is_measured);
  EXPECT_FALSE(trace_of(*find_estimator("as_written"), seen, norms, 0, Dtype::float32).is_measured);
}

TEST(Estimators, TraceOfTakesEachLayersOwnNumbers) {
  Observation seen{.tokens = {5, 7}, .off_diagonal = Array3<double>(2, 3, 2), .rounded_sum = Array2<double>(2, 3)};
  WeightNorms norms{.w_v_sq = {1, 2, 3}, .w_v_head_sq = Array2<double>(3, 1), .ov_sq = Array2<double>(3, 2)};
  for (size_t l = 0; l < 3; ++l) {
    for (size_t h = 0; h < 2; ++h) {
      seen.off_diagonal(1, l, h) = static_cast<double>(10 * l + h);
      norms.ov_sq(l, h) = static_cast<double>(l + 1);
    }
    seen.rounded_sum(1, l) = 7 + static_cast<double>(l);
    norms.w_v_head_sq(l, 0) = norms.w_v_sq[l];
  }
  const auto found = [&](std::string_view name) {
    return trace_of(*find_estimator(name), seen, norms, 1, Dtype::float32).trace;
  };
  EXPECT_EQ(found("off_diagonal"), (std::vector<double>{0.5, 21, 61.5}));
  EXPECT_EQ(found("multi_head"), (std::vector<double>{1, 42, 123}));
  EXPECT_EQ(found("ov_circuit"), (std::vector<double>{1, 42, 123}));
  EXPECT_EQ(found("as_written"), (std::vector<double>{0, 2, 6}));
}

// The floor of as_written bounds the trace itself, whatever the probabilities: its exact value is zero.
TEST(Estimators, AsWrittenStaysBelowItsFloor) {
  std::mt19937_64 random(1);
  for (const Dtype dtype : {Dtype::float32, Dtype::float16, Dtype::bfloat16})
    for (const int64_t n : {1, 2, 16, 200})
      for (const double spread : {0.0, 1.0, 6.0}) {
        const int heads = 3;
        const Attention attention = random_attention(n, heads, spread, dtype, random);
        const float sum = attention_sum_dense(attention.rounded, n, heads);
        const LayerView layer{.n = n, .heads = heads, .rounded_sum = sum, .w_v_sq = 9188};
        EXPECT_LE(trace("as_written", layer), floor_of("as_written", layer, dtype)) << name(dtype) << n;
      }
}

// The worst rounding there is: every probability moves by its unit roundoff in the same direction. 1/n with n just
// above a power of two, so that 1/n lies just below one, at the coarse end of its binade.
TEST(Estimators, AsWrittenFloorIsNearlyReached) {
  double worst = 0;
  for (int64_t n = 2; n < 200; ++n) {
    std::vector<float> uniform(static_cast<size_t>(n * n), round_to_float16(1.0f / static_cast<float>(n)));
    const LayerView layer{.n = n, .heads = 1, .rounded_sum = attention_sum_dense(uniform, n, 1), .w_v_sq = 1};
    const double used = trace("as_written", layer) / floor_of("as_written", layer, Dtype::float16);
    EXPECT_LE(used, 1);
    worst = std::max(worst, used);
  }
  EXPECT_GT(worst, 0.5);  // the bound is of the right size, not merely large
}

constexpr std::string_view kOfMass[] = {"attention_only", "off_diagonal", "multi_head", "ov_circuit"};

// Holds the four estimators of off-diagonal masses to their floors; `heads` have the scores of each row.
// Returns the largest share of a floor that was used.
double hold_to_floors(const std::vector<std::vector<Scores>>& heads) {
  const std::vector<double> weights{3, 1, 4, 1};
  std::vector<double> off, off32;
  for (const std::vector<Scores>& rows : heads) {
    off.push_back(exact_off_diagonal(rows));
    off32.push_back(float32_off_diagonal(rows));
  }
  const LayerView layer{.n = static_cast<int64_t>(heads[0].size()),
                        .heads = static_cast<int>(heads.size()),
                        .off_diagonal = off32,
                        .w_v_sq = 30,
                        .w_v_head_sq = std::span(weights).first(heads.size()),
                        .ov_sq = std::span(weights).first(heads.size())};
  LayerView exact = layer;
  exact.off_diagonal = off;
  double used = 0;
  for (const std::string_view name : kOfMass) {
    const double error = std::fabs(trace(name, layer) - trace(name, exact)),
                 floor = floor_of(name, layer, Dtype::float32);
    EXPECT_LE(error, floor) << name << ", n = " << layer.n;
    used = std::max(used, error / floor);
  }
  return used;
}

TEST(Estimators, FloorsHoldForFloat32Sums) {
  std::mt19937_64 random(2);
  for (const int64_t n : {2, 16, 300, 700})
    for (const double spread : {0.5, 3.0, 30.0}) {
      std::normal_distribution<double> normal(0, spread);
      std::vector<std::vector<Scores>> heads(4);
      for (auto& rows : heads) rows = score_rows(n, [&](int64_t, int64_t) { return normal(random); });
      EXPECT_GT(hold_to_floors(heads), 0);
    }
}

// Overlaps as the kernel forms them, from float32 softmax rows, against exact ones; products of weights of both signs,
// so that the trace is a difference.
TEST(Estimators, FloorsHoldForFloat32Overlaps) {
  std::mt19937_64 random(6);
  std::normal_distribution<double> normal;
  for (const int64_t n : {2, 16, 300})
    for (const double spread : {0.5, 3.0, 30.0}) {
      constexpr size_t kHeads = 3;
      std::vector<std::vector<double>> exact(kHeads);
      std::vector<std::vector<float>> single(kHeads);
      for (size_t h = 0; h < kHeads; ++h)
        for (const Scores& s : score_rows(n, [&](int64_t, int64_t) { return spread * normal(random); })) {
          const float top = *std::max_element(s.begin(), s.end());
          double z = 0;
          float z32 = 0;
          for (const float score : s) {
            z += std::exp(static_cast<double>(score) - static_cast<double>(top));
            z32 += std::exp(score - top);
          }
          for (size_t j = 0; j + 1 < s.size(); ++j) {  // the last is its own
            exact[h].push_back(std::exp(static_cast<double>(s[j]) - static_cast<double>(top)) / z);
            single[h].push_back(std::exp(s[j] - top) / z32);
          }
        }
      std::vector<double> of_exact, of_single, products;
      for (size_t h = 0; h < kHeads; ++h)
        for (size_t other = 0; other <= h; ++other) {
          double sum = 0, sum32 = 0;
          float chain = 0;
          for (size_t k = 0; k < exact[h].size(); ++k) {
            sum += exact[h][k] * exact[other][k];
            chain += single[h][k] * single[other][k];
            if (k % kLargestKeyBlock == 0) sum32 += static_cast<double>(chain), chain = 0;
          }
          of_exact.push_back(sum);
          of_single.push_back(sum32 + static_cast<double>(chain));
          products.push_back(other == h ? 2 : 1.5 * normal(random));
        }
      const LayerView layer{.n = n, .heads = 3, .overlap = of_single, .ov_products = products};
      LayerView without_rounding = layer;
      without_rounding.overlap = of_exact;
      const double error = std::fabs(trace("edge_energy", layer) - trace("edge_energy", without_rounding));
      EXPECT_LE(error, floor_of("edge_energy", layer, Dtype::float32)) << n << ", " << spread;
      EXPECT_LE(floor_of("edge_energy", layer, Dtype::float32), 0.01 * (1 + std::fabs(of_exact[0])) * double(n))
          << "and says something";
    }
}

// Heads that attend to themselves, with all others `below` the own score, down to where float32 has no weights left:
// the little mass off the diagonal has a relative error of its own, which the distance's rounding decides.
TEST(Estimators, FloorsHoldForHeadsThatAttendToThemselves) {
  std::uniform_real_distribution<double> jitter(0, 1);
  std::mt19937_64 random(3);
  for (const int64_t n : {2, 16, 300})
    for (double below = 1; below < 110; below += n == 2 ? 0.37 : 9.1) {
      std::vector<std::vector<Scores>> heads(2);
      for (auto& rows : heads)
        rows = score_rows(n, [&](int64_t i, int64_t j) { return (i == j ? 1.7 : 1.7 - below) - jitter(random); });
      hold_to_floors(heads);
    }
}

// Why a floor relative to the mass alone will not do: one neighbour 65 below the own score, a distance that rounds by
// up to 64 units, moves the mass by as much of itself, where the sums and exponentials have 10.
TEST(Estimators, DistancesRoundByMoreThanSumsDo) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> own(0, 1), neighbour(-66, -65);
  double worst = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const std::vector<Scores> rows{{0}, {static_cast<float>(neighbour(random)), static_cast<float>(own(random))}};
    worst = std::max(worst, std::fabs(float32_off_diagonal(rows) / exact_off_diagonal(rows) - 1));
    hold_to_floors({rows});
  }
  EXPECT_GT(worst, 40 * unit_roundoff(Dtype::float32));
}

// The distance's term is absolute, weighted like the trace: nothing but it is left where there is no mass at all.
TEST(Estimators, FloorsWithoutMassAreAbsolute) {
  ByHand layer;
  const std::vector<double> none(4, 0);
  layer.view.off_diagonal = none;
  const auto floor = [&](std::string_view name) { return floor_of(name, layer.view, Dtype::float32); };
  const double unit = 5 * std::log(5) * unit_roundoff(Dtype::float32);
  EXPECT_NEAR(floor("attention_only"), unit, 0.01 * unit);  // 2^-10 for second-order terms
  EXPECT_DOUBLE_EQ(floor("off_diagonal"), 30 * floor("attention_only"));
  EXPECT_DOUBLE_EQ(floor("multi_head"), (10 + 10 + 20 + 20) * floor("attention_only"));
  EXPECT_DOUBLE_EQ(floor("ov_circuit"), 3.75 * floor("attention_only"));
}

TEST(Estimators, FloorsGrowWithLengthAndRoundoff) {
  ByHand layer;
  for (const Estimator& estimator : estimators()) {
    if (estimator.name == "weights_only") continue;
    double shorter = 0;
    for (const int64_t n : std::vector<int64_t>{1, 5, 100, kLargestKeyBlock, kLargestKeyBlock + 1, 8192}) {
      layer.view.n = n;
      layer.view.rounded_sum = static_cast<double>(n);
      const double f64 = estimator.floor(layer.view, Dtype::float64), f32 = estimator.floor(layer.view, Dtype::float32),
                   f16 = estimator.floor(layer.view, Dtype::float16),
                   b16 = estimator.floor(layer.view, Dtype::bfloat16);
      EXPECT_GT(f64, 0);
      EXPECT_LE(f64, f32);
      EXPECT_LE(f32, f16);
      EXPECT_LE(f16, b16);
      EXPECT_GT(f32, shorter) << estimator.name << n;
      shorter = f32;
    }
  }
}

// Nothing is said about as_written anywhere: it is its floor that leaves its L* unresolved, and a real trace resolved.
TEST(Estimators, ResolvedFollowsFromTheFloor) {
  std::mt19937_64 random(4);
  const size_t layers = 12, heads = 4;
  const int64_t n = 16;
  Observation seen{
      .tokens = {n}, .off_diagonal = Array3<double>(1, layers, heads), .rounded_sum = Array2<double>(1, layers)};
  WeightNorms norms;
  for (size_t l = 0; l < layers; ++l) {
    const Attention attention = random_attention(n, heads, 0.2 * static_cast<double>(l), Dtype::float16, random);
    for (size_t h = 0; h < heads; ++h) seen.off_diagonal(0, l, h) = attention.off[h];
    seen.rounded_sum(0, l) = attention_sum_dense(attention.rounded, n, heads);
    norms.w_v_sq.push_back(std::exp(static_cast<double>(l)));
  }
  const auto resolved = [&](std::string_view estimator) {
    const Trace found = trace_of(*find_estimator(estimator), seen, norms, 0, Dtype::float16);
    return detect(*find_detector("argmax_step"), found.trace, found.floor).resolved;
  };
  EXPECT_FALSE(resolved("as_written"));
  EXPECT_TRUE(resolved("off_diagonal"));
}

}  // namespace
}  // namespace lstar
