#include "lstar/analysis/decides.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace lstar {
namespace {

const Detector& argmax_step() { return *find_detector("argmax_step"); }

// A jump of ||W_V||^2 by a factor of 40 between layers 3 and 4; attention varies by a few per cent.
const std::vector<double> kJump{1, 1.1, 1.2, 1.1, 40, 41, 40, 39};
const std::vector<double> kFlat{1.02, 0.98, 1.01, 0.99, 1, 1.01, 1.02, 0.97};

TEST(Decides, Weights) {
  const Decides found = what_decides(kJump, kFlat, argmax_step());
  EXPECT_EQ(found.l_star, 4);
  EXPECT_EQ(found.weights_only, 4);
  EXPECT_EQ(found.permutation_share, 1.0);
  EXPECT_EQ(found.verdict, "weights");
  EXPECT_EQ(found.log, 4);
}

TEST(Decides, Attention) {
  const Decides found = what_decides(kFlat, kJump, argmax_step());
  EXPECT_EQ(found.l_star, 4);
  EXPECT_EQ(found.attention_only, 4);
  EXPECT_NE(found.weights_only, 4);
  EXPECT_LT(*found.permutation_share, 0.5);
  EXPECT_EQ(found.verdict, "attention");
}

TEST(Decides, Both) {
  const std::vector<double> weights{1, 2, 3, 1}, attention{1, 2, 3, 6};  // product 1 4 9 6
  const Decides found = what_decides(weights, attention, argmax_step());
  EXPECT_EQ(found.l_star, 2);
  EXPECT_EQ(found.weights_only, 3);
  EXPECT_EQ(found.attention_only, 3);
  EXPECT_LT(*found.permutation_share, 0.9);
  EXPECT_EQ(found.verdict, "both");
}

TEST(Decides, ShareIsThatOfAllPermutations) {
  const std::vector<double> weights{1, 2, 4}, attention{1, 2, 3};
  std::vector<double> order = attention;
  int kept = 0, all = 0;
  do {
    const std::vector<double> t{weights[0] * order[0], weights[1] * order[1], weights[2] * order[2]};
    kept += std::fabs(t[2] - t[1]) > std::fabs(t[1] - t[0]);  // L* = 2, as in the given order: 1 4 12
    ++all;
  } while (std::next_permutation(order.begin(), order.end()));
  const double share = static_cast<double>(kept) / all;
  // 20,000 draws: four standard deviations of a share are at most 4 * 0.5 / sqrt(20000).
  EXPECT_NEAR(*what_decides(weights, attention, argmax_step(), 1, 20000).permutation_share, share, 0.0142);
}

TEST(Decides, TheSeedDecidesTheShuffles) {
  const std::vector<double> weights{1, 5, 3, 7, 3, 3}, attention{2, 1, 8, 4, 5, 1};
  const auto share = [&](uint64_t seed) {
    return *what_decides(weights, attention, argmax_step(), seed).permutation_share;
  };
  EXPECT_EQ(share(1), share(1));
  EXPECT_NE(share(1), share(2));
}

TEST(Decides, SpreadOfTheLogs) {
  const Decides found = what_decides(std::vector<double>{1, std::exp(2.0), 1, std::exp(2.0)},
                                     std::vector<double>{2, 2, 2, 3}, argmax_step());
  EXPECT_DOUBLE_EQ(*found.weights_log_std, 1);  // logs 0 2 0 2
  EXPECT_GT(*found.attention_log_std, 0);
}

TEST(Decides, SaysWhyItCannotTell) {
  const std::vector<double> ones(4, 1.0), zeros(4, 0.0);
  const Decides nothing = what_decides(ones, zeros, argmax_step());
  EXPECT_EQ(nothing.verdict, "");
  EXPECT_EQ(nothing.reason, "all steps are equal");
  EXPECT_EQ(nothing.attention_log_std, std::nullopt);
  const Decides broken = what_decides(ones, std::vector<double>{1, 2, NAN, 4}, argmax_step());
  EXPECT_EQ(broken.l_star, std::nullopt);
  EXPECT_EQ(broken.reason, "NaN from layer 2 on");
  EXPECT_NE(what_decides(ones, std::vector<double>{1}, argmax_step()).reason, "");
}

}  // namespace
}  // namespace lstar
