#include "lstar/analysis/agreement.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace lstar {
namespace {

TEST(Agreement, OfPrompts) {
  const Agreement found = *agreement(std::vector<double>{3, 3, 3, 7});
  EXPECT_EQ(found.mode, 3);
  EXPECT_EQ(found.modal_share, 0.75);
  EXPECT_NEAR(found.entropy, -(0.75 * std::log(0.75) + 0.25 * std::log(0.25)), 1e-15);
  // Means without one prompt: 13/3, 13/3, 13/3, 3; their deviation times sqrt(n - 1), which is that of the mean.
  const double centre = (13 + 3) / 4.0, squares = 3 * std::pow(13 / 3.0 - centre, 2) + std::pow(3 - centre, 2);
  EXPECT_NEAR(found.jackknife, std::sqrt(3 * squares / 4), 1e-15);
}

TEST(Agreement, OfAllOrOfOne) {
  const Agreement all = *agreement(std::vector<double>{5, 5});
  EXPECT_EQ(all.modal_share, 1);
  EXPECT_EQ(all.entropy, 0);
  EXPECT_EQ(all.jackknife, 0);
  EXPECT_FALSE(agreement(std::vector<double>{5})) << "one prompt agrees with nobody";
  EXPECT_EQ(agreement(std::vector<double>{4, 2, 4, 2})->mode, 2) << "the first of equals";
}

}  // namespace
}  // namespace lstar
