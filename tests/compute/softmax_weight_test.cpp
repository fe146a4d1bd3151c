// The exponential inside attention, seen through prompts of two tokens: with one-dimensional heads, q = 1 and keys 0
// and x, the second row's weights are e^-x and 1, and its off-diagonal mass over its diagonal is e^-x alone.
#include <cmath>
#include <vector>

#include "lstar/compute/backend.h"
#include "tests/support/every_target.h"

namespace lstar {
namespace {

using SoftmaxWeight = testing::OnEveryTarget;
INSTANTIATE_TEST_SUITE_P(Targets, SoftmaxWeight, testing::every_target(), testing::target_name);

// e^-x for every x, as attention computes it.
template <class T>
std::vector<double> weights(const std::vector<T>& distances) {
  const auto prompts = static_cast<int64_t>(distances.size());
  Matrix<T> ones(2 * prompts, 1), keys(2 * prompts, 1), out(2 * prompts, 1);
  Batch batch;
  for (int64_t p = 0; p < prompts; ++p) {
    ones.data()[2 * p] = ones.data()[2 * p + 1] = 1;
    keys.data()[2 * p] = 0;
    keys.data()[2 * p + 1] = distances[static_cast<size_t>(p)];
    batch.start.push_back(2 * (p + 1));
  }
  std::vector<double> diagonal(distances.size()), off_diagonal(distances.size());
  const AttentionStats stats{.diagonal = diagonal.data(), .off_diagonal = off_diagonal.data(), .stride = 1};
  const auto view = [](const Matrix<T>& m) { return HeadView<const T>{m.view(), {}}; };
  const auto backend = make_cpu_backend<T>(sizeof(T) == 4 ? Dtype::float32 : Dtype::float64, 1);
  EXPECT_TRUE(backend->attention({.heads = 1, .kv_heads = 1, .head_dim = 1, .alibi_slopes = {}, .sinks = {}}, batch,
                                 view(ones), view(keys), view(ones), false, out.view(), stats));
  for (size_t p = 0; p < distances.size(); ++p) off_diagonal[p] /= diagonal[p] - 1;  // the first row's diagonal is 1
  return off_diagonal;
}

// `units` of the last place, and what subtracting the first row's 1 in double costs.
template <class T>
void expect_exponentials(double end, double units) {
  std::vector<T> distances;
  for (double x = 0; x < end; x += 0.0137) distances.push_back(static_cast<T>(x));
  const std::vector<double> seen = weights(distances);
  for (size_t i = 0; i < distances.size(); ++i) {
    const double exact = std::exp(-static_cast<double>(distances[i]));
    const double unit = sizeof(T) == 4 ? 0x1p-23 : 0x1p-52;
    ASSERT_NEAR(seen[i] / exact, 1, units * unit + 0x1p-51) << "e^-" << distances[i];
  }
}

TEST_P(SoftmaxWeight, WithinUnitsOfTheLastPlace) {
  expect_exponentials<float>(87.2, 1.5);
  expect_exponentials<double>(300, 4);
}

TEST_P(SoftmaxWeight, VanishesFarBelow) {
  for (double weight : weights<float>({87.4f, 100, 104, 1e4f, 1e30f})) EXPECT_LE(weight, 0x1p-125);
}

}  // namespace
}  // namespace lstar
