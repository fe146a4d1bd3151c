#include "lstar/analysis/decides.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "lstar/analysis/random.h"
#include "lstar/analysis/statistics.h"

namespace lstar {
namespace {

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

std::string verdict_of(const Decides& d) {
  const bool weights = d.weights_only == d.l_star, rest = d.rest_only == d.l_star;
  if (weights && rest) return "either";
  if (!weights && !rest) return "neither";
  return weights ? "weights" : "attention";
}

// The share of shuffles of `moved` over the layers that leave L* where it is.
std::optional<double> kept_share(std::span<const double> fixed, std::span<const double> moved, int l_star,
                                 const Detector& detector, const Shuffles& shuffles) {
  const size_t layers = fixed.size();
  if (shuffles.layers != layers) return std::nullopt;
  std::vector<double> trace(layers);
  int kept = 0, shuffled = 0;
  for (size_t at = 0; at < shuffles.orders.size(); at += layers, ++shuffled) {
    for (size_t l = 0; l < layers; ++l) trace[l] = fixed[l] * moved[shuffles.orders[at + l]];
    kept += detect_layer(detector, trace) == l_star;
  }
  return shuffled > 0 ? std::optional(static_cast<double>(kept) / shuffled) : std::nullopt;
}

// A field's numbers, none where not every prompt has one: a mean over fewer prompts belongs to another L*.
template <class T>
std::vector<double> values_of(const std::vector<Decides>& prompts, std::optional<T> Decides::*field) {
  std::vector<double> values;
  for (const Decides& prompt : prompts)
    if (prompt.*field) values.push_back(static_cast<double>(*(prompt.*field)));
  if (values.size() < prompts.size()) values.clear();
  return values;
}

std::optional<double> mean_of(const std::vector<Decides>& prompts, std::optional<double> Decides::*field) {
  const std::vector<double> values = values_of(prompts, field);
  return values.empty() ? std::nullopt : std::optional(mean(values));
}

std::optional<OverPrompts> over_prompts(const std::vector<Decides>& prompts, std::optional<int> Decides::*field) {
  const std::vector<double> values = values_of(prompts, field);
  if (values.empty()) return std::nullopt;
  return OverPrompts{mean(values), population_deviation(values)};
}

}  // namespace

Shuffles make_shuffles(size_t layers, uint64_t seed, int count) {
  Shuffles shuffles{.layers = layers};
  Random random(seed);
  std::vector<size_t> order(layers);
  std::iota(order.begin(), order.end(), size_t{0});
  for (int k = 0; k < count; ++k) {
    random.shuffle(std::span(order));
    shuffles.orders.insert(shuffles.orders.end(), order.begin(), order.end());
  }
  return shuffles;
}

Decides what_decides(std::span<const double> weights, std::span<const double> attention, const Detector& detector,
                     const Shuffles& shuffles, std::span<const double> floor, std::span<const double> alone) {
  Decides result;
  if (weights.size() != attention.size()) {
    result.reason = "the factors have different numbers of layers";
    return result;
  }
  std::vector<double> trace(weights.size());
  multiply(weights, attention, trace);
  const Detection whole = detect(detector, trace, floor);
  result.l_star = whole.layer;
  result.margin = whole.margin;
  result.weights_only = detect(detector, weights, {}).layer;
  result.rest_only = detect(detector, attention, {}).layer;
  result.attention_only = alone.empty() ? result.rest_only : detect(detector, alone, {}).layer;
  result.log = detect(detector, logs(trace), {}).layer;
  result.weights_log_std = log_deviation(weights);
  result.attention_log_std = log_deviation(attention);
  if (!whole.layer || !whole.resolved) {
    result.reason = whole.reason;
    return result;
  }

  result.permutation_share = kept_share(weights, attention, *whole.layer, detector, shuffles);
  result.weights_permutation_share = kept_share(attention, weights, *whole.layer, detector, shuffles);
  result.verdict = verdict_of(result);
  return result;
}

StudyDecides decides_over_prompts(std::vector<Decides> per_prompt) {
  StudyDecides over;
  over.l_star = over_prompts(per_prompt, &Decides::l_star);
  over.weights_only = over_prompts(per_prompt, &Decides::weights_only);
  over.rest_only = over_prompts(per_prompt, &Decides::rest_only);
  over.attention_only = over_prompts(per_prompt, &Decides::attention_only);
  over.log = over_prompts(per_prompt, &Decides::log);
  over.weights_log_std = mean_of(per_prompt, &Decides::weights_log_std);
  over.attention_log_std = mean_of(per_prompt, &Decides::attention_log_std);
  over.permutation_share = mean_of(per_prompt, &Decides::permutation_share);
  over.weights_permutation_share = mean_of(per_prompt, &Decides::weights_permutation_share);
  over.margin = mean_of(per_prompt, &Decides::margin);
  for (const Decides& prompt : per_prompt)
    if (prompt.verdict.empty() && over.reason.empty()) over.reason = prompt.reason;
  if (per_prompt.empty()) over.reason = "no prompt has an L*";
  if (over.reason.empty()) {
    over.verdict = per_prompt.front().verdict;
    for (const Decides& prompt : per_prompt)
      if (prompt.verdict != over.verdict) over.verdict = "varies";
  }
  over.per_prompt = std::move(per_prompt);
  return over;
}

}  // namespace lstar
