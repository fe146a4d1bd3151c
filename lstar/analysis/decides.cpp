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

constexpr double kWeightsShare = 0.9;

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

bool is_attentions(const Decides& d) { return d.attention_only == d.l_star && d.weights_only != d.l_star; }

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
                     const Shuffles& shuffles, std::span<const double> floor) {
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
  result.attention_only = detect(detector, attention, {}).layer;
  result.log = detect(detector, logs(trace), {}).layer;
  result.weights_log_std = log_deviation(weights);
  result.attention_log_std = log_deviation(attention);
  if (!whole.layer || !whole.resolved) {
    result.reason = whole.reason;
    return result;
  }

  int kept = 0, shuffled = 0;
  for (size_t at = 0; shuffles.layers == trace.size() && at < shuffles.orders.size(); at += trace.size(), ++shuffled) {
    for (size_t l = 0; l < trace.size(); ++l) trace[l] = weights[l] * attention[shuffles.orders[at + l]];
    kept += detect_layer(detector, trace) == whole.layer;
  }
  if (shuffled > 0) result.permutation_share = static_cast<double>(kept) / shuffled;

  if (result.permutation_share.value_or(0) >= kWeightsShare)
    result.verdict = "weights";
  else
    result.verdict = is_attentions(result) ? "attention" : "both";
  return result;
}

StudyDecides decides_over_prompts(std::vector<Decides> per_prompt) {
  StudyDecides over;
  over.l_star = over_prompts(per_prompt, &Decides::l_star);
  over.weights_only = over_prompts(per_prompt, &Decides::weights_only);
  over.attention_only = over_prompts(per_prompt, &Decides::attention_only);
  over.log = over_prompts(per_prompt, &Decides::log);
  over.weights_log_std = mean_of(per_prompt, &Decides::weights_log_std);
  over.attention_log_std = mean_of(per_prompt, &Decides::attention_log_std);
  over.permutation_share = mean_of(per_prompt, &Decides::permutation_share);
  over.margin = mean_of(per_prompt, &Decides::margin);
  for (const Decides& prompt : per_prompt)
    if (prompt.verdict.empty() && over.reason.empty()) over.reason = prompt.reason;
  if (per_prompt.empty()) over.reason = "no prompt has an L*";
  if (over.reason.empty()) {
    if (over.permutation_share.value_or(0) >= kWeightsShare)
      over.verdict = "weights";
    else
      over.verdict = std::all_of(per_prompt.begin(), per_prompt.end(), is_attentions) ? "attention" : "both";
  }
  over.per_prompt = std::move(per_prompt);
  return over;
}

}  // namespace lstar
