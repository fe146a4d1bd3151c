// The notebook's arithmetic, step by step.
#include "tests/analysis/as_written_dense.h"

#include <vector>

#include "lstar/analysis/estimators.h"
#include "tests/analysis/recorded.h"

namespace lstar {
namespace {

using testing::as_written_dense;
using testing::attention_sum_dense;

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

struct RecordedCase {
  std::string name;
  int64_t tokens = 0, heads = 0;
  double w_v_sq = 0;
  std::vector<float> probabilities;
  double sum = 0, trace = 0;              // float32, one addition after another
  double torch_sum = 0, torch_trace = 0;  // the notebook's own calls, in torch's order of summation
};

std::vector<RecordedCase> recorded_cases() {
  const JsonDocument document = read_json("tests/data/as_written.json");
  std::vector<RecordedCase> cases;
  for (const Json entry : document.root()["cases"].items()) {
    RecordedCase c{.name = *entry.string("name"),
                   .tokens = *entry.integer("tokens"),
                   .heads = *entry.integer("heads"),
                   .w_v_sq = *entry.number("w_v_frobenius_sq"),
                   .sum = *entry["sequential"].number("attention_sum"),
                   .trace = *entry["sequential"].number("trace"),
                   .torch_sum = *entry["torch"].number("attention_sum"),
                   .torch_trace = *entry["torch"].number("trace")};
    for (const Json bits : entry["probabilities_float16_bits"].items())
      c.probabilities.push_back(float16_to_float(static_cast<uint16_t>(bits.integer().value())));
    cases.push_back(std::move(c));
  }
  return cases;
}

TEST(AsWrittenDense, EqualsTheRecordedArithmeticToTheBit) {
  size_t not_zero = 0;
  for (const RecordedCase& c : recorded_cases()) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(attention_sum_dense(c.probabilities, c.tokens, c.heads), c.sum);
    EXPECT_EQ(as_written_dense(c.probabilities, c.tokens, c.heads, static_cast<float>(c.w_v_sq)), c.trace);
    // The estimator, given the sums that torch made of the same probabilities.
    const LayerView layer{
        .n = c.tokens, .heads = static_cast<int>(c.heads), .rounded_sum = c.torch_sum, .w_v_sq = c.w_v_sq};
    const Estimator& as_written = *find_estimator("as_written");
    EXPECT_EQ(as_written.trace(layer), c.torch_trace);
    EXPECT_LE(as_written.trace(layer), as_written.floor(layer, Dtype::float16));
    not_zero += c.trace != 0;
  }
  EXPECT_GT(not_zero, 5u);
}

}  // namespace
}  // namespace lstar
