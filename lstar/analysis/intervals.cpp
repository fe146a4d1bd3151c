#include "lstar/analysis/intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "lstar/analysis/distributions.h"
#include "lstar/analysis/random.h"

namespace lstar {
namespace {

constexpr double kMostExact = 100'000;
constexpr int kDrawnGroups = 20'000;

constexpr size_t kMostResampled = 200;

// Tests simulate it once more.
struct Coverage {
  size_t n;
  double bca, groups;
};
constexpr Coverage kCoverage[] = {{2, 0.50, 0.48},  {3, 0.73, 0.67},  {4, 0.80, 0.80},  {5, 0.84, 0.84},
                                  {6, 0.86, 0.86},  {8, 0.89, 0.89},  {10, 0.90, 0.90}, {15, 0.92, 0.92},
                                  {20, 0.93, 0.93}, {30, 0.94, 0.94}, {50, 0.94, 0.94}};

double coverage(size_t n, double Coverage::*of) {
  double covered = std::numeric_limits<double>::quiet_NaN();
  for (const Coverage& row : kCoverage)
    if (row.n <= n) covered = row.*of;
  return covered;
}

// All but one.
std::vector<double> jackknife(size_t n, const Statistic& statistic) {
  std::vector<double> values;
  for (size_t out = 0; out < n; ++out) {
    std::vector<size_t> others;
    for (size_t i = 0; i < n; ++i)
      if (i != out) others.push_back(i);
    values.push_back(statistic(others));
  }
  return values;
}

// How fast the statistic's deviation changes with its value.
double acceleration_of(std::span<const double> left_out) {
  const double mean = std::accumulate(left_out.begin(), left_out.end(), 0.0) / static_cast<double>(left_out.size());
  double cubes = 0, squares = 0;
  for (const double value : left_out) {
    const double d = mean - value;
    squares += d * d;
    cubes += d * d * d;
  }
  return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
}

}  // namespace

double quantile(std::span<const double> ascending, double q) {
  if (ascending.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double at = q * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<size_t>(at);
  if (below + 1 >= ascending.size()) return ascending.back();
  return std::lerp(ascending[below], ascending[below + 1], at - static_cast<double>(below));
}

std::optional<Interval> bca_interval(size_t n, const Statistic& statistic, uint64_t seed, double level, int draws) {
  if (n < 2) return std::nullopt;
  std::vector<size_t> chosen(n);
  std::iota(chosen.begin(), chosen.end(), size_t{0});
  const double observed = statistic(chosen);
  Random random(seed);
  std::vector<double> drawn;
  for (int draw = 0; draw < draws; ++draw) {
    for (size_t& index : chosen) index = random.below(n);
    drawn.push_back(statistic(chosen));
    if (!std::isfinite(drawn.back())) return std::nullopt;
  }
  std::sort(drawn.begin(), drawn.end());
  if (!std::isfinite(observed) || drawn.front() == drawn.back()) return std::nullopt;
  // Of draws that equal the observed value half count as below it.
  const auto [first, last] = std::equal_range(drawn.begin(), drawn.end(), observed);
  const double below = static_cast<double>(first - drawn.begin()) + static_cast<double>(last - first) / 2;
  const double share = std::clamp(below / draws, 0.5 / draws, 1 - 0.5 / draws);
  const double bias = normal_quantile(share), acceleration = acceleration_of(jackknife(n, statistic));
  const auto end = [&](double p) {
    const double z = bias + normal_quantile(p), reach = 1 - acceleration * z;
    if (reach <= 0) return p < 0.5 ? drawn.front() : drawn.back();
    return quantile(drawn, normal_cdf(bias + z / reach));
  };
  return Interval{end((1 - level) / 2), end((1 + level) / 2)};
}

std::optional<Interval> bca_interval_of_mean(std::span<const double> values, uint64_t seed, double level) {
  return bca_interval(
      values.size(),
      [&](std::span<const size_t> chosen) {
        double sum = 0;
        for (const size_t index : chosen) sum += values[index];
        return sum / static_cast<double>(chosen.size());
      },
      seed, level);
}

std::optional<Interval> interval_of_mean(std::span<const double> values, uint64_t seed, double level) {
  if (values.size() <= kMostResampled) return bca_interval_of_mean(values, seed, level);
  const double n = static_cast<double>(values.size()), mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double reach = student_t_quantile((1 + level) / 2, n - 1) * std::sqrt(squares / (n - 1) / n);
  if (!std::isfinite(reach) || reach == 0) return std::nullopt;
  return Interval{mean - reach, mean + reach};
}

double bca_coverage(size_t n) { return coverage(n, &Coverage::bca); }
double group_coverage(size_t groups) { return coverage(groups, &Coverage::groups); }

Interval GroupBootstrap::interval(double level) const {
  return {quantile(means, (1 - level) / 2), quantile(means, (1 + level) / 2)};
}

std::optional<GroupBootstrap> bootstrap_groups(std::span<const double> values, std::span<const std::string> groups,
                                               uint64_t seed) {
  struct Group {
    double sum = 0, count = 0;
  };
  std::map<std::string_view, Group> by_name;
  for (size_t i = 0; i < values.size(); ++i) {
    Group& group = by_name[groups[i]];
    group.sum += values[i];
    ++group.count;
  }
  if (by_name.size() < 2) return std::nullopt;
  std::vector<Group> all;
  for (const auto& [name, group] : by_name) all.push_back(group);
  GroupBootstrap bootstrap{.is_exact = std::pow(all.size(), all.size()) <= kMostExact};
  std::vector<size_t> drawn(all.size());  // counts up like the digits of a number
  const auto add = [&] {
    Group sum;
    for (const size_t index : drawn) {
      sum.sum += all[index].sum;
      sum.count += all[index].count;
    }
    bootstrap.means.push_back(sum.sum / sum.count);
  };
  if (bootstrap.is_exact) {
    for (size_t digit = 0; digit < drawn.size();) {
      add();
      for (digit = 0; digit < drawn.size() && ++drawn[digit] == all.size(); ++digit) drawn[digit] = 0;
    }
  } else {
    Random random(seed);
    for (int draw = 0; draw < kDrawnGroups; ++draw) {
      for (size_t& index : drawn) index = random.below(all.size());
      add();
    }
  }
  std::sort(bootstrap.means.begin(), bootstrap.means.end());
  return bootstrap;
}

}  // namespace lstar
