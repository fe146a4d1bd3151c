// Gram matrices against sums in long double, on every instruction set, for sizes that fill no register block.
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "lstar/compute/gram.h"
#include "tests/support/every_target.h"

namespace lstar {
namespace {

using GramOf = testing::OnEveryTarget;
INSTANTIATE_TEST_SUITE_P(Targets, GramOf, testing::every_target(), testing::target_name);

// Row i of one is column i of the other, and both are given in two pieces, with rows further apart than they are wide.
TEST_P(GramOf, RowsAndColumns) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  for (const auto& [n, depth] : {std::pair{1, 1}, {5, 700}, {16, 256}, {33, 511}, {64, 257}, {80, 300}, {130, 20}}) {
    Matrix<double> rows(n, depth + 3), columns(depth, n + 5);
    for (int i = 0; i < n; ++i)
      for (int k = 0; k < depth; ++k) rows.view()(i, k) = columns.view()(k, i) = normal(random);
    Gram of_rows(n), of_columns(n);
    const int half = depth / 2;
    if (half > 0) of_rows.add_rows(rows.view().columns(0, half));
    of_rows.add_rows(rows.view().columns(half, depth));
    if (half > 0) of_columns.add_columns(columns.view().row_range(0, half).columns(0, n));
    of_columns.add_columns(columns.view().row_range(half, depth).columns(0, n));
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) {
        long double exact = 0, scale = 0;
        for (int k = 0; k < depth; ++k) {
          const long double product = static_cast<long double>(rows.view()(i, k)) * rows.view()(j, k);
          exact += product;
          scale += std::fabs(product);
        }
        // A chain of `depth` roundings, each at most half a unit of what was summed.
        const double tolerance = static_cast<double>(depth * scale) * 0x1p-53 + 1e-300;
        ASSERT_NEAR(of_rows(i, j), static_cast<double>(exact), tolerance) << n << " x " << depth;
        ASSERT_EQ(of_columns(i, j), of_rows(i, j)) << i << ", " << j << " of " << n << " x " << depth;
      }
    }
  }
}

}  // namespace
}  // namespace lstar
