// Gram matrices against sums in long double, on every instruction set, for sizes that fill no register block.
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "lstar/compute/gram.h"
#include "tests/support/every_target.h"

namespace lstar {
namespace {

using GramOf = testing::OnEveryTarget;
INSTANTIATE_TEST_SUITE_P(Targets, GramOf, testing::every_target(), testing::target_name);

// Row i of one is column i of the other, and both are given in two pieces, with rows further apart than they are wide.
template <class T>
void hold_to_exact_sums(bool with_gain) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  for (const auto& [n, depth] : {std::pair{1, 1}, {5, 700}, {16, 256}, {33, 511}, {64, 257}, {80, 300}, {130, 20}}) {
    Matrix<T> rows(n, depth + 3), columns(depth, n + 5);
    for (int i = 0; i < n; ++i)
      for (int k = 0; k < depth; ++k) rows.view()(i, k) = columns.view()(k, i) = static_cast<T>(normal(random));
    std::vector<double> gain(static_cast<size_t>(depth), 1.0);
    if (with_gain)
      for (double& value : gain) value = normal(random);
    Gram of_rows(n), of_columns(n);
    EXPECT_EQ(of_columns(n - 1, 0), 0);
    of_columns.add_columns<T>(columns.view().columns(1, n + 1));
    of_columns.clear();  // nothing of it may be left
    EXPECT_EQ(of_columns(n - 1, 0), 0);
    const int half = depth / 2;
    const auto gain_from = [&](int k) { return with_gain ? gain.data() + k : nullptr; };
    if (half > 0) of_rows.add_rows<T>(rows.view().columns(0, half), gain_from(0));
    of_rows.add_rows<T>(rows.view().columns(half, depth), gain_from(half));
    if (half > 0) of_columns.add_columns<T>(columns.view().row_range(0, half).columns(0, n), gain_from(0));
    of_columns.add_columns<T>(columns.view().row_range(half, depth).columns(0, n), gain_from(half));
    for (const int first : {1, n / 2, n - 1}) {  // some rows alone are the same sums
      Gram part(n, std::max(first, 0));
      part.add_rows<T>(rows.view().columns(0, depth), gain_from(0));
      Gram whole(n);
      whole.add_rows<T>(rows.view().columns(0, depth), gain_from(0));
      for (int i = first; i < n; ++i)
        for (int j = 0; j <= i; ++j) ASSERT_EQ(part(i, j), whole(i, j)) << first << ": " << i << ", " << j;
    }
    // A chain of `depth` roundings, each at most half a unit of what was summed, of products of two rounded factors.
    const double roundings = (depth + 2) * 0x1p-53;
    long double all_squares = 0;
    for (int i = 0; i < n; ++i)
      for (int k = 0; k < depth; ++k) all_squares += std::pow(static_cast<long double>(rows.view()(i, k)), 2);
    // Eight chains of n * depth / 8 terms, and the rows' rests.
    ASSERT_NEAR(sum_of_squares(View<const T>(rows.view().columns(0, depth))), static_cast<double>(all_squares),
                static_cast<double>(all_squares) * n * (depth / 8 + 8) * 0x1p-53);
    for (int i = 0; i < n; ++i) {
      long double sum = 0, sum_scale = 0, squares = 0;
      for (int k = 0; k < depth; ++k) {
        const long double given = rows.view()(i, k), scaled = given * gain[k];
        sum += scaled;
        sum_scale += std::fabs(scaled);
        squares += given * given;
      }
      ASSERT_NEAR(of_rows.sum(i), static_cast<double>(sum), static_cast<double>(sum_scale) * roundings + 1e-300);
      ASSERT_NEAR(of_rows.squares(i), static_cast<double>(squares), static_cast<double>(squares) * depth * 0x1p-53);
      ASSERT_EQ(of_columns.sum(i), of_rows.sum(i));
      ASSERT_EQ(of_columns.squares(i), of_rows.squares(i));
      for (int j = 0; j < n; ++j) {
        long double exact = 0, scale = 0;
        for (int k = 0; k < depth; ++k) {
          const long double product =
              static_cast<long double>(rows.view()(i, k)) * gain[k] * rows.view()(j, k) * gain[k];
          exact += product;
          scale += std::fabs(product);
        }
        const double tolerance = static_cast<double>(scale) * roundings + 1e-300;
        ASSERT_NEAR(of_rows(i, j), static_cast<double>(exact), tolerance) << n << " x " << depth;
        ASSERT_EQ(of_columns(i, j), of_rows(i, j)) << i << ", " << j << " of " << n << " x " << depth;
      }
    }
  }
}

TEST_P(GramOf, Float) {
  hold_to_exact_sums<float>(false);
  hold_to_exact_sums<float>(true);
}

TEST_P(GramOf, Double) {
  hold_to_exact_sums<double>(false);
  hold_to_exact_sums<double>(true);
}

}  // namespace
}  // namespace lstar
