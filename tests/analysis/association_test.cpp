// Correlations and the exact test, against scipy 1.17, closed forms and enumeration.
#include "lstar/analysis/association.h"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

#include "lstar/analysis/distributions.h"
#include "tests/analysis/recorded.h"

namespace lstar {
namespace {

constexpr double kScipy = 1e-12;  // two programs' double arithmetic on a handful of numbers

TEST(Association, CorrelationsAsScipyHasThem) {
  const std::vector<double> x{1.5, 2.25, -3, 0.5, 7, 4, 4, -1}, y{2, 1, -2.5, 3, 5.5, 6, 1, 0.25};  // with ties
  const auto by_value = pearson(x, y), by_rank = spearman(x, y);
  ASSERT_TRUE(by_value && by_rank);
  EXPECT_NEAR(by_value->r, 0.8043160860669932, kScipy);
  EXPECT_NEAR(by_value->p, 0.016091216988442892, kScipy);
  EXPECT_NEAR(by_rank->r, 0.7048192771084336, kScipy);
  EXPECT_NEAR(by_rank->p, 0.05090447537434977, kScipy);
}

// Known to three digits, and by scipy to all.
TEST(Association, GainAgainstDepthOfThePublishedPythias) {
  std::vector<double> depth, gain;
  const JsonDocument document = read_json("data/published.json");
  for (const Json row : document.root()["residual_gain"]["rows"].items())
    if (row.string("model")->starts_with("pythia-")) {
      depth.push_back(*row.number("L"));
      gain.push_back(*row.number("gain_mean"));
    }
  ASSERT_EQ(depth.size(), 8u);
  EXPECT_NEAR(pearson(gain, depth)->r, -0.8784280431089984, kScipy);
  EXPECT_NEAR(pearson(gain, depth)->p, 0.004092387220618696, kScipy);
  EXPECT_NEAR(spearman(gain, depth)->r, -0.7470421737034139, kScipy);
  EXPECT_NEAR(spearman(gain, depth)->p, 0.03317680393916274, kScipy);
}

TEST(Association, LinesAndWhatHasNoCorrelation) {
  const std::vector<double> x{1, 2, 3, 4}, up{10, 20, 30, 40}, down{4, 3, 2, 1}, flat{1, 1, 1, 1};
  EXPECT_NEAR(pearson(x, up)->r, 1, 1e-15);
  EXPECT_NEAR(pearson(x, down)->r, -1, 1e-15);
  EXPECT_LT(pearson(x, down)->p, 1e-7);
  EXPECT_FALSE(pearson(x, flat));
  EXPECT_FALSE(spearman(flat, x));
  const std::vector<double> curve{1, 10, 100, 1000};
  EXPECT_NEAR(spearman(x, curve)->r, 1, 1e-15) << "any rising curve has the ranks of a line";
  EXPECT_LT(pearson(x, curve)->r, 0.9);
  EXPECT_FALSE(pearson(std::vector<double>{1, 2}, std::vector<double>{2, 1})) << "two points are always on a line";
  EXPECT_FALSE(pearson(x, std::vector<double>{1, 2, NAN, 4}));
  EXPECT_FALSE(spearman(x, std::vector<double>{1, 2, INFINITY, 4}));
}

TEST(Association, FisherAsScipyHasIt) {
  const struct {
    TwoByTwo table;
    double p;
  } rows[] = {{{4, 1, 2, 9}, 0.03571428571428572},  // the labs of the published gains
              {{7, 5, 2, 9}, 0.08937945887737245},           {{8, 2, 1, 5}, 0.034965034965034975},
              {{0, 5, 5, 0}, 0.007936507936507938},          {{3, 3, 3, 3}, 1},
              {{100, 200, 150, 150}, 4.753852139289002e-05}, {{0, 0, 3, 4}, 1},
              {{10, 0, 3, 4}, 0.014705882352941178}};
  for (const auto& [table, p] : rows) {
    EXPECT_NEAR(fisher_exact(table), p, 1e-10 * p + 1e-14) << table.first_with << " " << table.first_without;
    const TwoByTwo turned{table.second_without, table.second_with, table.first_without, table.first_with};
    EXPECT_NEAR(fisher_exact(turned), fisher_exact(table), 1e-10 * p + 1e-14) << "which is called what is no matter";
  }
  EXPECT_TRUE(std::isnan(fisher_exact({-1, 2, 3, 4})));
}

// Five of sixteen are drawn in 4,368 ways.
TEST(Association, HypergeometricByCounting) {
  const auto choose = [](int n, int k) {
    double ways = 1;
    for (int i = 0; i < k; ++i) ways = ways * (n - i) / (i + 1);
    return ways;
  };
  double sum = 0;
  for (int k = 0; k <= 5; ++k) {
    const double exact = choose(6, k) * choose(10, 5 - k) / choose(16, 5);
    EXPECT_NEAR(hypergeometric(k, 5, 6, 16), exact, 1e-14) << k;
    sum += hypergeometric(k, 5, 6, 16);
  }
  EXPECT_NEAR(sum, 1, 1e-14);
  EXPECT_EQ(hypergeometric(6, 5, 6, 16), 0);
  EXPECT_EQ(hypergeometric(-1, 5, 6, 16), 0);
  EXPECT_EQ(hypergeometric(0, 12, 6, 16), 0) << "two of the six at least are among twelve of sixteen";
}

}  // namespace
}  // namespace lstar
