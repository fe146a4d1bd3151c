// The same model written otherwise: what moves and what does not.
#include "lstar/analysis/gauge.h"

#include <gtest/gtest.h>

namespace lstar {
namespace {

constexpr size_t kLayers = 6, kHeads = 4, kKvHeads = 2;

Observation seen() {
  Observation seen;
  seen.tokens = {8, 8};
  seen.diagonal = Array3<double>(2, kLayers, kHeads);
  seen.off_diagonal = Array3<double>(2, kLayers, kHeads);
  for (size_t p = 0; p < 2; ++p)
    for (size_t l = 0; l < kLayers; ++l)
      for (size_t h = 0; h < kHeads; ++h) {
        seen.off_diagonal(p, l, h) = 5 + 0.1 * static_cast<double>((l * 7 + h * 3 + p) % 5);
        seen.diagonal(p, l, h) = 8 - seen.off_diagonal(p, l, h);
      }
  return seen;
}

WeightNorms norms() {
  WeightNorms norms;
  norms.w_v_head_sq = Array2<double>(kLayers, kKvHeads);
  norms.ov_sq = Array2<double>(kLayers, kHeads);
  for (size_t l = 0; l < kLayers; ++l) {
    double sum = 0;
    for (size_t k = 0; k < kKvHeads; ++k) sum += norms.w_v_head_sq(l, k) = 1 + 0.2 * static_cast<double>((l + k) % 3);
    norms.w_v_sq.push_back(sum);
    for (size_t h = 0; h < kHeads; ++h) norms.ov_sq(l, h) = 2 + (l == 3 ? 4.0 : 0.1 * static_cast<double>(h));
  }
  return norms;
}

GaugeSpread spread(const char* estimator, uint64_t seed = 0) {
  const std::vector<size_t> prompts{0, 1};
  return *gauge_spread(*find_estimator(estimator), *find_detector("argmax_step"), seen(), norms(), prompts, seed);
}

// Each KV head by a factor of 1/4 to 4, the whole by their sum, and nothing else.
TEST(Gauge, ARandomGauge) {
  const WeightNorms own = norms(), other = in_random_gauge(own, 1);
  for (size_t l = 0; l < kLayers; ++l) {
    double sum = 0;
    for (size_t k = 0; k < kKvHeads; ++k) {
      const double factor = other.w_v_head_sq(l, k) / own.w_v_head_sq(l, k);
      EXPECT_TRUE(factor >= 0.25 && factor <= 4 && factor != 1) << factor;
      sum += other.w_v_head_sq(l, k);
    }
    EXPECT_NEAR(other.w_v_sq[l], sum, 1e-12 * sum);
  }
  EXPECT_EQ(other.ov_sq.values(), own.ov_sq.values());
  EXPECT_EQ(in_random_gauge(own, 1).w_v_sq, other.w_v_sq);
  EXPECT_NE(in_random_gauge(own, 2).w_v_sq, other.w_v_sq);
}

TEST(Gauge, WhatDependsOnItSpreads) {
  for (const char* estimator : {"off_diagonal", "multi_head", "weights_only"}) {
    const GaugeSpread found = spread(estimator);
    EXPECT_EQ(found.gauges, 100) << estimator;
    EXPECT_LT(found.low, found.high) << estimator;
    EXPECT_GE(found.low, 1) << estimator;
    EXPECT_LE(found.high, kLayers - 1) << estimator;
  }
}

TEST(Gauge, WhatIsFreeOfItHasOneValue) {
  const GaugeSpread circuit = spread("ov_circuit");
  EXPECT_EQ(circuit.low, circuit.high);
  const GaugeSpread attention = spread("attention_only");
  EXPECT_EQ(attention.low, attention.high);
}

TEST(Gauge, OfTheNotebooksCutNothingIsKnown) {
  WeightNorms cut = norms();
  cut.w_v_cut_sq = cut.w_v_sq;
  const std::vector<size_t> prompts{0};
  EXPECT_FALSE(gauge_spread(*find_estimator("as_written"), *find_detector("argmax_step"), seen(), cut, prompts, 0));
  EXPECT_FALSE(gauge_spread(*find_estimator("off_diagonal"), *find_detector("argmax_step"), seen(), cut, {}, 0))
      << "no prompt, no L*";
}

}  // namespace
}  // namespace lstar
