#include "lstar/analysis/chance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>

#include "lstar/analysis/distributions.h"
#include "lstar/analysis/intervals.h"
#include "lstar/analysis/random.h"

namespace lstar {
namespace {

constexpr int kExactPrompts = 1'000;
constexpr double kMostAssignments = 200'000;
constexpr size_t kDrawnAssignments = 20'000;

// The sum of `prompts` numbers uniform on 1 ... layers - 1, as probabilities of prompts, prompts + 1, ...
std::vector<double> sum_of_noise(int layers, int prompts) {
  const size_t faces = static_cast<size_t>(layers) - 1;
  std::vector<double> sum{1};
  for (int k = 0; k < prompts; ++k) {
    std::vector<double> next(sum.size() + faces - 1);
    double window = 0;  // of the last `faces` values
    for (size_t i = 0; i < next.size(); ++i) {
      if (i < sum.size()) window += sum[i];
      if (i >= faces) window -= sum[i - faces];
      next[i] = std::max(0.0, window) / static_cast<double>(faces);
    }
    sum = std::move(next);
  }
  return sum;
}

// Mean and deviation of the mean of `prompts` such numbers.
struct Moments {
  double mean = 0, deviation = 0;
};
Moments moments_of_noise(int layers, int prompts) {
  const double faces = layers - 1;
  return {layers / 2.0, std::sqrt((faces * faces - 1) / 12 / prompts)};
}

// Of ascending values those up to `value`, sums of the same numbers in another order included.
size_t count_up_to(std::span<const double> values, double value) {
  const double reach = value + 1e-9 * std::max(1.0, std::fabs(value));
  return static_cast<size_t>(std::upper_bound(values.begin(), values.end(), reach) - values.begin());
}

// In how many orders a list with repeated values can stand.
double count_arrangements(std::span<const size_t> groups) {
  std::map<size_t, double> seen;
  double count = 1, position = 0;
  for (const size_t group : groups) count *= ++position / ++seen[group];
  return count;
}

size_t count_below(std::span<const double> values, double value) {
  return static_cast<size_t>(std::lower_bound(values.begin(), values.end(), value) - values.begin());
}

}  // namespace

Share share_of(size_t count, size_t of_draws) {
  const double n = static_cast<double>(of_draws), p = static_cast<double>(count) / n;
  return {p, std::sqrt(p * (1 - p) / n)};
}

Share p_of_draws(size_t count, size_t of_draws) { return share_of(count + 1, of_draws + 1); }

double expected_noise_error_pct(double predicted, int layers, int prompts) {
  if (layers < 2 || prompts < 1) return std::numeric_limits<double>::quiet_NaN();
  if (prompts > kExactPrompts) {
    const Moments m = moments_of_noise(layers, prompts);
    if (m.deviation == 0) return error_pct(predicted, m.mean, layers);
    const double z = (predicted - m.mean) / m.deviation;
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
    return m.deviation * (z * std::erf(z / std::numbers::sqrt2) + 2 * density) / layers * 100;
  }
  const std::vector<double> sum = sum_of_noise(layers, prompts);
  double expected = 0;
  for (size_t i = 0; i < sum.size(); ++i)
    expected += sum[i] * error_pct(predicted, static_cast<double>(i) / prompts + 1, layers);
  return expected;
}

NoiseStudies::NoiseStudies(std::span<const ModelPoint> points, uint64_t seed, int draws) {
  std::map<std::pair<int, int>, std::vector<double>> cumulative;  // by layers and prompts
  for (const ModelPoint& point : points) {
    layers_.push_back(point.layers);
    auto& sums = cumulative[{point.layers, point.prompts}];
    if (!sums.empty() || point.prompts > kExactPrompts) continue;
    sums = sum_of_noise(point.layers, point.prompts);
    std::partial_sum(sums.begin(), sums.end(), sums.begin());
  }
  Random random(seed);
  l_star_.reserve(points.size() * static_cast<size_t>(draws));
  for (int draw = 0; draw < draws; ++draw)
    for (const ModelPoint& point : points) {
      const std::vector<double>& sums = cumulative.at({point.layers, point.prompts});
      const double u = random.uniform();
      if (sums.empty()) {
        const Moments m = moments_of_noise(point.layers, point.prompts);
        l_star_.push_back(m.mean + m.deviation * normal_quantile(u));
        continue;
      }
      const auto at = std::min(std::upper_bound(sums.begin(), sums.end(), u), sums.end() - 1) - sums.begin();
      l_star_.push_back(static_cast<double>(at) / point.prompts + 1);
    }
}

std::vector<double> NoiseStudies::mapes(std::span<const double> predicted) const {
  const size_t models = layers_.size();
  std::vector<double> mapes;
  mapes.reserve(l_star_.size() / std::max<size_t>(1, models));
  for (size_t at = 0; models > 0 && at < l_star_.size(); at += models) {
    double sum = 0;
    for (size_t m = 0; m < models; ++m) sum += error_pct(predicted[m], l_star_[at + m], layers_[m]);
    mapes.push_back(sum / static_cast<double>(models));
  }
  std::sort(mapes.begin(), mapes.end());
  return mapes;
}

NoiseNull noise_null(const NoiseStudies& noise, std::span<const ModelPoint> points, std::span<const double> predicted) {
  const std::vector<double> mapes = noise.mapes(predicted);
  return noise_null(mapes, points, predicted);
}

NoiseNull noise_null(std::span<const double> mapes, std::span<const ModelPoint> points,
                     std::span<const double> predicted) {
  NoiseNull null;
  for (size_t i = 0; i < points.size(); ++i)
    null.expected += expected_noise_error_pct(predicted[i], points[i].layers, points[i].prompts);
  null.expected /= static_cast<double>(points.size());
  null.as_good = p_of_draws(count_up_to(mapes, mape(points, predicted)), mapes.size());
  null.below_10 = share_of(count_below(mapes, 10), mapes.size());
  null.below_15 = share_of(count_below(mapes, 15), mapes.size());
  null.low = quantile(mapes, 0.025);
  null.high = quantile(mapes, 0.975);
  return null;
}

AssignmentTest assignment_test(std::span<const ModelPoint> points, std::span<const double> predicted, uint64_t seed) {
  AssignmentTest test;
  if (points.empty()) return test;
  // Models of one predicted fraction are alike: an assignment says which fractions go to which group of them.
  std::map<double, size_t> group_of;
  std::vector<double> of_group;
  std::vector<size_t> groups;
  for (size_t i = 0; i < points.size(); ++i) {
    const double fraction = predicted[i] / points[i].layers;
    const auto [at, is_new] = group_of.emplace(fraction, of_group.size());
    if (is_new) of_group.push_back(fraction);
    groups.push_back(at->second);
  }
  const auto mape_of = [&](std::span<const size_t> dealt) {
    double sum = 0;
    for (size_t i = 0; i < points.size(); ++i)
      sum += std::fabs(of_group[dealt[i]] - points[i].l_star / points[i].layers);
    return 100 * sum / static_cast<double>(points.size());
  };
  std::vector<double> mapes;
  const double observed = mape_of(groups);
  test.is_exact = count_arrangements(groups) <= kMostAssignments;
  if (test.is_exact) {
    std::vector<size_t> dealt = groups;
    std::sort(dealt.begin(), dealt.end());
    do mapes.push_back(mape_of(dealt));
    while (std::next_permutation(dealt.begin(), dealt.end()));
  } else {
    Random random(seed);
    std::vector<size_t> dealt = groups;
    mapes.push_back(observed);  // one of those there are, so that no share is 0
    while (mapes.size() < kDrawnAssignments) {
      random.shuffle(std::span(dealt));
      mapes.push_back(mape_of(dealt));
    }
  }
  std::sort(mapes.begin(), mapes.end());
  test.as_good = share_of(count_up_to(mapes, observed), mapes.size());
  if (test.is_exact) test.as_good.error = 0;
  test.least_p = 1 / static_cast<double>(mapes.size());
  test.least = mapes.front();
  test.greatest = mapes.back();
  test.mean = lstar::mean(mapes);
  test.assignments = mapes.size();
  return test;
}

std::vector<double> false_discovery_rates(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] > p[b]; });
  std::vector<double> rates(p.size());
  double least = 1;
  for (size_t k = 0; k < order.size(); ++k) {
    least = std::min(least, p[order[k]] * static_cast<double>(p.size()) / static_cast<double>(p.size() - k));
    rates[order[k]] = least;
  }
  return rates;
}

}  // namespace lstar
