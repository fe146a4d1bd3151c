#include "lstar/analysis/decides.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace lstar {
namespace {

const Detector& argmax_step() { return *find_detector("argmax_step"); }

Decides asked(const std::vector<double>& weights, const std::vector<double>& attention, uint64_t seed = 0,
              int shuffles = 1000) {
  return what_decides(weights, attention, argmax_step(), make_shuffles(weights.size(), seed, shuffles));
}

// A jump of ||W_V||^2 by a factor of 40 between layers 3 and 4; attention varies by a few per cent.
const std::vector<double> kJump{1, 1.1, 1.2, 1.1, 40, 41, 40, 39};
const std::vector<double> kFlat{1.02, 0.98, 1.01, 0.99, 1, 1.01, 1.02, 0.97};

TEST(Decides, Weights) {
  const Decides found = asked(kJump, kFlat);
  EXPECT_EQ(found.l_star, 4);
  EXPECT_EQ(found.weights_only, 4);
  EXPECT_EQ(found.permutation_share, 1.0);
  EXPECT_LT(*found.weights_permutation_share, 0.5);
  EXPECT_EQ(found.verdict, "weights");
  EXPECT_EQ(found.log, 4);
}

TEST(Decides, Attention) {
  const Decides found = asked(kFlat, kJump);
  EXPECT_EQ(found.l_star, 4);
  EXPECT_EQ(found.attention_only, 4);
  EXPECT_NE(found.weights_only, 4);
  EXPECT_LT(*found.permutation_share, 0.5);
  EXPECT_EQ(found.weights_permutation_share, 1.0);
  EXPECT_EQ(found.verdict, "attention");
}

// Which factor is named first decides nothing: the same factors change places, and the answer with them.
TEST(Decides, FactorsChangePlaces) {
  std::vector<double> step(24, 1.0), ramp;
  for (size_t l = 10; l < 24; ++l) step[l] = 1.5;
  for (int l = 0; l < 24; ++l) ramp.push_back(1 + 2 * l / 23.0);
  const Decides one = asked(step, ramp), other = asked(ramp, step);
  EXPECT_EQ(one.l_star, 10);
  EXPECT_EQ(one.verdict, "weights");
  EXPECT_EQ(other.l_star, 10);
  EXPECT_EQ(other.verdict, "attention");
  EXPECT_EQ(one.permutation_share, other.weights_permutation_share);
  EXPECT_EQ(one.weights_permutation_share, other.permutation_share);
}

TEST(Decides, Either) {
  std::vector<double> same(12, 1.0);
  same[0] = 10;
  const Decides found = asked(same, same);
  EXPECT_EQ(found.l_star, 1);
  EXPECT_EQ(found.verdict, "either");
  EXPECT_EQ(found.permutation_share, found.weights_permutation_share);
}

// Where the second factor holds weights too, what attention does alone is another question.
TEST(Decides, AttentionAloneApartFromTheRest) {
  const std::vector<double> alone{1, 1, 5, 5, 5, 5, 5, 5};
  const Decides found = what_decides(kJump, kFlat, argmax_step(), make_shuffles(kJump.size(), 0, 100), {}, alone);
  EXPECT_EQ(found.attention_only, 2);
  EXPECT_NE(found.rest_only, 2);
  EXPECT_EQ(found.verdict, "weights");
}

TEST(Decides, Neither) {
  const std::vector<double> weights{1, 2, 3, 1}, attention{1, 2, 3, 6};  // product 1 4 9 6
  const Decides found = asked(weights, attention);
  EXPECT_EQ(found.l_star, 2);
  EXPECT_EQ(found.weights_only, 3);
  EXPECT_EQ(found.attention_only, 3);
  EXPECT_EQ(found.verdict, "neither") << "the product's own";
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
  EXPECT_NEAR(*asked(weights, attention, 1, 20000).permutation_share, share, 0.0142);
}

TEST(Decides, TheSeedDecidesTheShuffles) {
  const std::vector<double> weights{1, 5, 3, 7, 3, 3}, attention{2, 1, 8, 4, 5, 1};
  const auto share = [&](uint64_t seed) { return *asked(weights, attention, seed).permutation_share; };
  EXPECT_EQ(share(1), share(1));
  EXPECT_NE(share(1), share(2));
}

TEST(Decides, SpreadOfTheLogs) {
  const Decides found = asked(std::vector<double>{1, std::exp(2.0), 1, std::exp(2.0)}, std::vector<double>{2, 2, 2, 3});
  EXPECT_DOUBLE_EQ(*found.weights_log_std, 1);  // logs 0 2 0 2
  EXPECT_GT(*found.attention_log_std, 0);
}

TEST(Decides, SaysWhyItCannotTell) {
  const std::vector<double> ones(4, 1.0), zeros(4, 0.0);
  const Decides nothing = asked(ones, zeros);
  EXPECT_EQ(nothing.verdict, "");
  EXPECT_EQ(nothing.reason, "the trace is zero in every layer");
  EXPECT_EQ(nothing.attention_log_std, std::nullopt);
  const Decides broken = asked(ones, std::vector<double>{1, 2, NAN, 4});
  EXPECT_EQ(broken.l_star, std::nullopt);
  EXPECT_EQ(broken.reason, "NaN from layer 2 on");
  EXPECT_NE(asked(ones, std::vector<double>{1}).reason, "");
}

// An L* that rounding could move is nothing to be explained.
TEST(Decides, NoVerdictOnWhatIsNotResolved) {
  const std::vector<double> floor(kJump.size(), 30);
  const Decides found = what_decides(kJump, kFlat, argmax_step(), make_shuffles(kJump.size(), 0, 100), floor);
  EXPECT_EQ(found.l_star, 4);
  EXPECT_EQ(found.verdict, "");
  EXPECT_EQ(found.permutation_share, std::nullopt);
  EXPECT_NE(found.reason, "");
}

// Averaged as the study's L* is: each prompt's own, not that of an averaged trace.
TEST(Decides, OverPrompts) {
  std::vector<double> later = kFlat;
  later[6] = 2;
  const Decides one = asked(kJump, kFlat), two = asked(kJump, later);
  ASSERT_EQ(two.l_star, 7);
  const StudyDecides both = decides_over_prompts({one, two});
  EXPECT_EQ(both.l_star->mean, 5.5);
  EXPECT_EQ(both.l_star->deviation, 1.5);
  EXPECT_EQ(both.weights_only->mean, 4);
  EXPECT_EQ(both.weights_only->deviation, 0);
  EXPECT_EQ(both.attention_only->mean, (*one.attention_only + *two.attention_only) / 2.0);
  EXPECT_EQ(*both.permutation_share, (*one.permutation_share + *two.permutation_share) / 2);
  EXPECT_EQ(both.verdict, one.verdict == two.verdict ? one.verdict : "varies");
  EXPECT_EQ(both.per_prompt.size(), 2u);
  EXPECT_EQ(decides_over_prompts({one, one}).verdict, "weights");

  Decides unresolved = one;
  unresolved.verdict.clear();
  unresolved.reason = "the largest step is tied";
  const StudyDecides none = decides_over_prompts({one, unresolved});
  EXPECT_EQ(none.verdict, "");
  EXPECT_EQ(none.reason, "the largest step is tied");
  EXPECT_EQ(none.l_star->mean, 4);
  EXPECT_EQ(decides_over_prompts({}).reason, "no prompt has an L*");
}

}  // namespace
}  // namespace lstar
