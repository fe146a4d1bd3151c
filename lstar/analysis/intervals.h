// Intervals by resampling. What they promise holds for many independent draws; of a handful they cover less than their
// level says: docs/mathematics.md has what they cover in small studies. Pure; safe from any thread;
// seeded draws are the same on every platform.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lstar {

struct Interval {
  double low = 0, high = 0;
};

// The value below which a share q of ascending values lie, linearly between two of them: numpy's default. NaN if empty.
double quantile(std::span<const double> ascending, double q);

// A statistic of the sample that these indices choose from 0 ... n - 1.
using Statistic = std::function<double(std::span<const size_t> chosen)>;

// Bias-corrected and accelerated (B. Efron, Better Bootstrap Confidence Intervals, JASA 82, 1987), from seeded draws of
// n of n. None where n is below 2, a value is not finite, or no draw changes the statistic.
std::optional<Interval> bca_interval(size_t n, const Statistic&, uint64_t seed, double level = 0.95, int draws = 4000);

// That of a mean.
std::optional<Interval> bca_interval_of_mean(std::span<const double> values, uint64_t seed, double level = 0.95);

// That of a mean, whatever the number of values: above 200 by Student's t, which differs little there.
std::optional<Interval> interval_of_mean(std::span<const double> values, uint64_t seed, double level = 0.95);

// The share of samples of n normally distributed values whose 95 % interval holds their mean: what such intervals are
// worth of few values. bca_interval's, and that of bootstrap_groups for n groups of equal size. Simulated for some n,
// to 0.01; between them the smaller one's. Not a number below n = 2.
double bca_coverage(size_t n);
double group_coverage(size_t groups);

// The mean of values in groups (the errors of models in labs), over draws of whole groups: as many as there are, each
// with all of its values as often as it is drawn. Every one of the draws there are where they are at most 100,000 (four
// labs: 256), else 20,000 seeded ones. The interval is that between percentiles. None of fewer than two groups.
struct GroupBootstrap {
  std::vector<double> means;  // ascending
  bool is_exact = false;
  Interval interval(double level = 0.95) const;
};
std::optional<GroupBootstrap> bootstrap_groups(std::span<const double> values, std::span<const std::string> groups,
                                               uint64_t seed);

}  // namespace lstar
