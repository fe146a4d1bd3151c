// Do two things go together? Correlations of paired values and the exact test of a two-by-two table, with what chance
// would give. Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace lstar {

struct Correlation {
  double r = 0;  // -1 ... 1
  double p = 0;  // two-sided, by Student's t with n - 2 degrees of freedom: pairs of independent normal values
};

// Pearson's, of pairs (x_i, y_i). None of fewer than three pairs, where a side does not vary, or where a value is not
// finite. The spans are of equal length.
std::optional<Correlation> pearson(std::span<const double> x, std::span<const double> y);
// Spearman's: Pearson's of the ranks, equal values sharing the mean of theirs. Its p is an approximation for few pairs.
std::optional<Correlation> spearman(std::span<const double> x, std::span<const double> y);

// Counts of two groups (rows) with and without something (columns).
struct TwoByTwo {
  int64_t first_with = 0, first_without = 0;
  int64_t second_with = 0, second_without = 0;
};

// R. A. Fisher's exact test, two-sided: with all four sums of rows and columns held, the probability of the tables that
// are no likelier than this one. 1 where a sum is 0, NaN where a count is negative.
double fisher_exact(const TwoByTwo&);

}  // namespace lstar
