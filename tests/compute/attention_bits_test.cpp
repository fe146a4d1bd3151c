// What attention promises to the bit: nothing depends on threads or neighbours, and rounded_sum is formed in the
// documented order. On every instruction set that is compiled in.
#include <algorithm>

#include "tests/compute/attention_case.h"
#include "tests/support/every_target.h"

namespace lstar {
namespace {

using testing::attend;
using testing::AttentionCase;
using testing::AttentionOutcome;
using testing::AttentionShape;

using AttentionBits = testing::OnEveryTarget;
INSTANTIATE_TEST_SUITE_P(Targets, AttentionBits, testing::every_target(), testing::target_name);

template <class T, class F>
void for_each_case(Dtype dtype, const F& f) {
  const AttentionShape small{.heads = 6, .kv_heads = 2, .head_dim = 10, .lengths = {1, 65, 300, 2, 48, 63}};
  const AttentionShape alibi{.heads = 5, .kv_heads = 1, .head_dim = 64, .lengths = {130, 64, 49}, .alibi = true};
  for (const AttentionShape& shape : {small, alibi}) {
    const AttentionCase<T> in(shape, dtype, 11);
    for (bool rounded : {false, true}) f(in, rounded);
  }
}

template <class T>
void expect_alone(const AttentionCase<T>& in, bool rounded, const AttentionOutcome<T>& packed,
                  const std::vector<size_t>& order) {
  const size_t heads = in.spec.heads, cols = heads * in.width();
  for (size_t i = 0; i < order.size(); ++i) {
    const AttentionOutcome<T> alone =
        attend(in.with_prompts({order[i]}), {.rounded = rounded, .overlap = rounded, .threads = 1});
    EXPECT_EQ(packed.rounded[i], alone.rounded[0]);
    for (size_t pair = 0; pair < alone.overlap.size(); ++pair)
      EXPECT_EQ(packed.overlap[i * pairs_of(heads) + pair], alone.overlap[pair]);
    for (size_t h = 0; h < heads; ++h) {
      EXPECT_EQ(packed.diagonal[i * heads + h], alone.diagonal[h]);
      EXPECT_EQ(packed.off_diagonal[i * heads + h], alone.off_diagonal[h]);
      EXPECT_EQ(packed.entropy[i * heads + h], alone.entropy[h]);
    }
    size_t start = 0;
    for (size_t before = 0; before < i; ++before) start += in.batch.length(order[before]);
    for (size_t k = 0; k < alone.out.size(); ++k) ASSERT_EQ(packed.out[start * cols + k], alone.out[k]) << k;
  }
}

TEST_P(AttentionBits, PackedEqualsAloneInAnyOrder) {
  const auto check = [](const auto& in, bool rounded) {
    std::vector<size_t> order(in.batch.prompts());
    for (size_t p = 0; p < order.size(); ++p) order[p] = p;
    expect_alone(in, rounded, attend(in, {.rounded = rounded, .overlap = rounded}), order);
    std::reverse(order.begin(), order.end());
    expect_alone(in, rounded, attend(in.with_prompts(order), {.rounded = rounded, .overlap = rounded}), order);
  };
  for (Dtype dtype : {Dtype::float32, Dtype::float16, Dtype::bfloat16}) for_each_case<float>(dtype, check);
  for_each_case<double>(Dtype::float64, check);
}

TEST_P(AttentionBits, ThreadsChangeNothing) {
  const auto check = [](const auto& in, bool rounded) {
    const auto one = attend(in, {.rounded = rounded, .overlap = rounded, .threads = 1});
    for (int threads : {2, 3})
      EXPECT_EQ(attend(in, {.rounded = rounded, .overlap = rounded, .threads = threads}), one) << threads;
  };
  for (Dtype dtype : {Dtype::float32, Dtype::float16, Dtype::bfloat16}) for_each_case<float>(dtype, check);
  for_each_case<double>(Dtype::float64, check);
}

// The probabilities themselves, (heads, n, n): with values that are 1 at one key and 0 elsewhere, an output is a
// probability, exactly.
template <class T>
std::vector<T> probabilities(const AttentionCase<T>& given) {
  AttentionCase<T> in = given.with_prompts({0});
  const int64_t n = in.batch.length(0), width = in.width(), heads = in.spec.heads;
  std::vector<T> p(heads * n * n);
  for (int64_t first = 0; first < n; first += width) {
    for (int64_t r = 0; r < n; ++r)
      for (int kv = 0; kv < in.spec.kv_heads; ++kv)
        for (int64_t c = 0; c < width; ++c) in.qkv.view()(r, in.v_at(0) + kv * width + c) = r == first + c ? 1 : 0;
    const AttentionOutcome<T> seen = attend(in, {.rounded = true});
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = first; j < std::min(n, first + width); ++j)
          p[(h * n + i) * n + j] = seen.out[(i * heads + h) * width + j - first];
  }
  return p;
}

// The definition of rounded_sum, written out.
template <class T>
float rounded_sum_of(const std::vector<T>& p, int64_t heads, int64_t n) {
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    float row = 0;
    for (int64_t j = 0; j < n; ++j) {
      float mean = 0;
      for (int64_t h = 0; h < heads; ++h) mean += static_cast<float>(p[(h * n + i) * n + j]);
      row += mean / static_cast<float>(heads);
    }
    sum += row;
  }
  return sum;
}

TEST_P(AttentionBits, RoundedSumIsFormedInTheDocumentedOrder) {
  const auto check = [](const auto& in) {
    const auto p = probabilities(in);
    EXPECT_EQ(attend(in, {.rounded = true}).rounded[0], rounded_sum_of(p, in.spec.heads, in.batch.length(0)));
  };
  const AttentionShape shape{.heads = 12, .kv_heads = 4, .head_dim = 64, .lengths = {300}};
  for (Dtype dtype : {Dtype::float32, Dtype::float16, Dtype::bfloat16}) check(AttentionCase<float>(shape, dtype, 12));
  check(AttentionCase<double>(shape, Dtype::float64, 12));
}

// Where scores are exact, a probability differs from the oracle's rounded one only beside a rounding boundary.
TEST_P(AttentionBits, ProbabilitiesAreRounded) {
  for (Dtype dtype : {Dtype::float16, Dtype::bfloat16}) {
    const AttentionShape shape{.heads = 1, .kv_heads = 1, .head_dim = 80, .lengths = {160}, .exact_products = true};
    const AttentionCase<float> in(shape, dtype, 13);
    const std::vector<float> seen = probabilities(in);
    const auto want = in.dense(0, 0).p;
    int different = 0;
    for (size_t i = 0; i < seen.size(); ++i) {
      EXPECT_EQ(seen[i], round_to(dtype, seen[i]));
      different += seen[i] != round_to(dtype, static_cast<float>(want[i]));
    }
    // A few float32 units in half a unit of the dtype: about 8 u / u_dtype of all, 0.1 %.
    EXPECT_LE(different, static_cast<int>(seen.size()) / 200);
  }
}

}  // namespace
}  // namespace lstar
