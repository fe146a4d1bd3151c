#include "lstar/analysis/decides.h"

#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "lstar/analysis/statistics.h"

namespace lstar {
namespace {

constexpr double kWeightsShare = 0.9;

// std::shuffle and std::uniform_int_distribution differ between standard libraries; these do not.
uint64_t below(uint64_t count, std::mt19937_64& random) {
  uint64_t draw = random();
  // Draws below 2^64 mod count would make small numbers likelier. (That is below count: seldom worth the division.)
  while (draw < count && draw < (0 - count) % count) draw = random();
  return draw % count;
}

void shuffle(std::vector<double>& values, std::mt19937_64& random) {
  for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i, random)]);
}

void multiply(std::span<const double> a, std::span<const double> b, std::vector<double>& product) {
  for (size_t i = 0; i < a.size(); ++i) product[i] = a[i] * b[i];
}

std::vector<double> logs(std::span<const double> values) {
  std::vector<double> result;
  for (const double value : values) result.push_back(std::log(value));
  return result;
}

std::optional<double> log_deviation(std::span<const double> values) {
  const double deviation = population_deviation(logs(values));
  return std::isfinite(deviation) ? std::optional(deviation) : std::nullopt;
}

}  // namespace

Decides what_decides(std::span<const double> weights, std::span<const double> attention, const Detector& detector,
                     uint64_t seed, int permutations) {
  Decides result;
  if (weights.size() != attention.size()) {
    result.reason = "the factors have different numbers of layers";
    return result;
  }
  std::vector<double> trace(weights.size());
  multiply(weights, attention, trace);
  const Detection whole = detect(detector, trace, {});
  result.l_star = whole.layer;
  result.margin = whole.margin;
  result.weights_only = detect(detector, weights, {}).layer;
  result.attention_only = detect(detector, attention, {}).layer;
  result.log = detect(detector, logs(trace), {}).layer;
  result.weights_log_std = log_deviation(weights);
  result.attention_log_std = log_deviation(attention);
  if (!whole.layer || !whole.resolved) {
    result.reason = whole.reason;
    return result;
  }

  std::mt19937_64 random(seed);
  std::vector<double> shuffled(attention.begin(), attention.end());
  int kept = 0;
  for (int i = 0; i < permutations; ++i) {
    shuffle(shuffled, random);
    multiply(weights, shuffled, trace);
    kept += detect(detector, trace, {}).layer == whole.layer;
  }
  if (permutations > 0) result.permutation_share = static_cast<double>(kept) / permutations;

  const bool as_attention = result.attention_only == result.l_star && result.weights_only != result.l_star;
  if (result.permutation_share.value_or(0) >= kWeightsShare)
    result.verdict = "weights";
  else
    result.verdict = as_attention ? "attention" : "both";
  return result;
}

}  // namespace lstar
