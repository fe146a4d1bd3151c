#include "lstar/analysis/estimators.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "lstar/analysis/as_written_dense.h"
#include "lstar/analysis/detectors.h"

namespace lstar {
namespace {

double trace(std::string_view name, const LayerView& layer) { return find_estimator(name)->trace(layer); }
double floor_of(std::string_view name, const LayerView& layer, Dtype dtype) {
  return find_estimator(name)->floor(layer, dtype);
}

// Causal attention of one head in long double, and what a run in float32 with probabilities rounded to `dtype` keeps.
struct Attention {
  std::vector<float> rounded;  // (heads, n, n)
  std::vector<double> off32;   // (heads): off-diagonal mass as a float32 run sums it
  std::vector<double> off;     // (heads): the same in long double
  std::vector<double> diagonal;
};
Attention random_attention(int64_t n, int heads, double spread, Dtype dtype, std::mt19937_64& random) {
  std::normal_distribution<double> normal(0, spread);
  Attention result;
  result.rounded.resize(static_cast<size_t>(heads * n * n));
  for (int h = 0; h < heads; ++h) {
    long double off = 0, diagonal = 0;
    double off32 = 0;
    for (int64_t i = 0; i < n; ++i) {
      std::vector<float> scores;
      for (int64_t j = 0; j <= i; ++j) scores.push_back(static_cast<float>(normal(random)));
      const float top = *std::max_element(scores.begin(), scores.end());
      float sum32 = 0, off_row32 = 0;
      long double sum = 0, off_row = 0;
      for (int64_t j = 0; j <= i; ++j) {
        const float shifted = scores[static_cast<size_t>(j)] - top;  // the scores are taken as given
        sum32 += std::exp(shifted);
        sum += std::exp(static_cast<long double>(shifted));
        if (j == i) continue;
        off_row32 += std::exp(shifted);
        off_row += std::exp(static_cast<long double>(shifted));
      }
      for (int64_t j = 0; j <= i; ++j)
        result.rounded[static_cast<size_t>((h * n + i) * n + j)] =
            round_to(dtype, std::exp(scores[static_cast<size_t>(j)] - top) / sum32);
      off += off_row / sum;
      diagonal += 1 - off_row / sum;
      off32 += off_row32 / sum32;
    }
    result.off.push_back(static_cast<double>(off));
    result.off32.push_back(off32);
    result.diagonal.push_back(static_cast<double>(diagonal));
  }
  return result;
}

// Four heads in two KV groups, numbers that are exact in binary.
struct ByHand {
  std::vector<double> diagonal{4, 3, 2, 1}, off{1, 2, 3, 4}, kv{10, 20}, ov{0.5, 0.25, 2, 1};
  LayerView view{.n = 5,
                 .heads = 4,
                 .kv_heads = 2,
                 .diagonal = diagonal,
                 .off_diagonal = off,
                 .rounded_sum = 4.75,
                 .w_v_sq = 30,
                 .w_v_head_sq = kv,
                 .ov_sq = ov};
};

TEST(Estimators, ByHand) {
  const ByHand layer;
  EXPECT_EQ(trace("as_written", layer.view), 0.25 * 30);
  EXPECT_EQ(trace("attention_only", layer.view), 2.5);
  EXPECT_EQ(trace("weights_only", layer.view), 30);
  EXPECT_EQ(trace("off_diagonal", layer.view), 75);
  EXPECT_EQ(trace("multi_head", layer.view), 1 * 10 + 2 * 10 + 3 * 20 + 4 * 20);
  EXPECT_EQ(trace("ov_circuit", layer.view), 0.5 + 0.5 + 6 + 4);
}

TEST(Estimators, AsWrittenTakesTheNormInFloat32) {
  ByHand layer;
  layer.view.w_v_sq = 1 + 0x1p-30;  // float32 holds 1
  EXPECT_EQ(trace("as_written", layer.view), 0.25);
}

TEST(Estimators, WithoutWVTheAttentionFactorStandsAlone) {
  ByHand layer;
  layer.view.has_w_v = false;
  layer.view.w_v_sq = NAN;
  layer.view.w_v_head_sq = {};
  layer.view.ov_sq = {};
  EXPECT_EQ(trace("as_written", layer.view), 0.25);
  EXPECT_EQ(trace("off_diagonal", layer.view), 2.5);
  EXPECT_EQ(trace("multi_head", layer.view), 10);
  EXPECT_TRUE(std::isnan(trace("ov_circuit", layer.view)));
  EXPECT_TRUE(std::isnan(trace("weights_only", layer.view)));
}

TEST(Estimators, WhatWasNotMeasuredIsNan) {
  const Observation seen{.tokens = {5}};
  const WeightNorms norms{.w_v_sq = {30}};
  for (const Estimator& estimator : estimators()) {
    const Trace found = trace_of(estimator, seen, norms, 0, Dtype::float32);
    ASSERT_EQ(found.trace.size(), 1u);
    EXPECT_EQ(std::isnan(found.trace[0]), estimator.name != "weights_only") << estimator.name;
    EXPECT_EQ(find_estimator(estimator.name), &estimator);
  }
  EXPECT_EQ(find_estimator("diagonal"), nullptr);
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

TEST(Estimators, RelativeFloorsHoldForFloat32Sums) {
  std::mt19937_64 random(2);
  for (const int64_t n : {2, 16, 300})
    for (const double spread : {0.5, 3.0}) {
      const Attention attention = random_attention(n, 4, spread, Dtype::float32, random);
      const std::vector<double> weights{3, 1, 4, 1};
      LayerView layer{
          .n = n, .heads = 4, .off_diagonal = attention.off32, .w_v_sq = 30, .w_v_head_sq = weights, .ov_sq = weights};
      LayerView exact = layer;
      exact.off_diagonal = attention.off;
      for (const std::string_view name : {"attention_only", "off_diagonal", "multi_head", "ov_circuit"}) {
        EXPECT_NE(trace(name, layer), trace(name, exact)) << name;
        EXPECT_LE(std::fabs(trace(name, layer) - trace(name, exact)), floor_of(name, layer, Dtype::float32)) << name;
      }
    }
}

TEST(Estimators, FloorsGrowWithLengthAndRoundoff) {
  ByHand layer;
  for (const Estimator& estimator : estimators()) {
    if (estimator.name == "weights_only") continue;
    double shorter = 0;
    for (const int64_t n : {1, 5, 100, 512, 513, 8192}) {
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
