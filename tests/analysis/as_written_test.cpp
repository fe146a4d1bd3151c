#include "lstar/analysis/as_written_dense.h"

#include <vector>

#include <gtest/gtest.h>

namespace lstar {
namespace {

// e = 2^-24 is half of float32's spacing above 1: added to 1 it is lost, and two of them added first are not. Every
// other order of summation, or a wider accumulator, gives another number.
constexpr float e = 0x1p-24f;

TEST(AsWrittenDense, ARowIsSummedLeftToRightInFloat32) {
  EXPECT_EQ(attention_sum_dense(std::vector<float>{1, e, e, 0, 0, 0, 0, 0, 0}, 3, 1), 1.0f);
  EXPECT_EQ(attention_sum_dense(std::vector<float>{e, e, 1, 0, 0, 0, 0, 0, 0}, 3, 1), 1.0f + 2 * e);
}

TEST(AsWrittenDense, RowsAreAddedInOrderInFloat32) {
  EXPECT_EQ(attention_sum_dense(std::vector<float>{1, 0, 0, e, 0, 0, e, 0, 0}, 3, 1), 1.0f);
  EXPECT_EQ(attention_sum_dense(std::vector<float>{e, 0, 0, e, 0, 0, 1, 0, 0}, 3, 1), 1.0f + 2 * e);
}

TEST(AsWrittenDense, HeadsAreAddedInOrderAndDividedOnce) {
  EXPECT_EQ(attention_sum_dense(std::vector<float>{1, e, e}, 1, 3), 1.0f / 3.0f);
  EXPECT_EQ(attention_sum_dense(std::vector<float>{e, e, 1}, 1, 3), (1.0f + 2 * e) / 3.0f);
}

TEST(AsWrittenDense, IndicesAreHeadRowColumn) {
  EXPECT_EQ(attention_sum_dense(std::vector<float>{e, 1, e, 0}, 2, 1), 1.0f);  // by columns: 1 + 2 e
  // Entry (0, 0) of three heads; read as (row, column, head) these would be three entries.
  EXPECT_EQ(attention_sum_dense(std::vector<float>{1, 0, 0, 0, e, 0, 0, 0, e, 0, 0, 0}, 2, 3), 1.0f / 3.0f);
}

TEST(AsWrittenDense, DifferenceAndProductAreInDouble) {
  // In float32 the product would round to 9188 * 2^-23 times one and lose the last digits of the norm.
  EXPECT_EQ(as_written_dense(std::vector<float>{e, e, 1, 0, 0, 0, 0, 0, 0}, 3, 1, 9188.125f), (2 - 0x1p-23) * 9188.125);
}

}  // namespace
}  // namespace lstar
