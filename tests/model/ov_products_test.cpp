// Products of heads' circuits with each other, against the d x d maps written out.
#include "lstar/model/ov_products.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <random>

#include "lstar/model/weight_norms.h"
#include "lstar/observe/observation.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

RowMajor stored(const Checkpoint& c, const LinearRef& linear) {
  const TensorInfo& tensor = *linear.weight;
  RowMajor m(tensor.shape.rows(), tensor.shape.cols());
  EXPECT_TRUE(c.read(tensor, {0, tensor.shape.rows()}, std::span(m.data(), static_cast<size_t>(m.size()))));
  if (linear.transposed) return m.transpose();
  return m.middleRows(linear.first_row, linear.out);
}

Eigen::VectorXd gain_of(const Checkpoint& c, const std::optional<NormRef>& norm, int width) {
  Eigen::VectorXd gain = Eigen::VectorXd::Ones(width);
  if (!norm || !norm->gain) return gain;
  EXPECT_TRUE(c.read(*norm->gain, {0, 1}, std::span(gain.data(), static_cast<size_t>(width))));
  return gain.array() + norm->gain_offset;
}

class OvProducts : public ::testing::TestWithParam<std::string> {};

TEST_P(OvProducts, AreThoseOfTheMaps) {
  const Model model = *open_model(testing::source_path("tests/data/checkpoints/" + GetParam()));
  const Architecture& a = model.architecture;
  WorkerPool pool(1);
  const WeightNorms norms = *weight_norms(model, {.products = true}, pool);
  const RowMajor identity = RowMajor::Identity(a.hidden, a.hidden);
  const RowMajor centring = identity - RowMajor::Constant(a.hidden, a.hidden, 1.0 / a.hidden);
  for (size_t l = 0; l < static_cast<size_t>(a.layers); ++l) {
    const LayerWeights& w = model.weights.layers[l];
    const RowMajor v = stored(*model.checkpoint, a.is_fused() ? w.query_key_value[0] : w.query_key_value[2]);
    const RowMajor o = stored(*model.checkpoint, w.attention_out);
    const bool reads_norm = a.norm_place == NormPlace::before;
    const RowMajor read =
        gain_of(*model.checkpoint, reads_norm ? w.attention_norm : std::nullopt, a.hidden).asDiagonal() *
        (a.reads_centred() ? centring : identity);
    const RowMajor write = (a.writes_centred() ? centring : identity) *
                           gain_of(*model.checkpoint, w.attention_output_norm, a.hidden).asDiagonal();
    std::vector<RowMajor> maps;
    for (int h = 0; h < a.heads; ++h) {
      const int64_t k = int64_t{h} * a.kv_heads / a.heads;
      maps.push_back(write * o.middleCols(int64_t{h} * a.head_dim, a.head_dim) *
                     v.middleRows(a.v_rows.at(k), a.head_dim) * read);
    }
    for (size_t h = 0; h < maps.size(); ++h) {
      // Sums of a few hundred products in double, against norms that may be larger than what is left.
      EXPECT_NEAR(norms.ov_products(l, pair_at(h, h)) / norms.ov_sq(l, h), 1, 1e-12);
      for (size_t other = 0; other <= h; ++other)
        EXPECT_NEAR(norms.ov_products(l, pair_at(h, other)), maps[h].cwiseProduct(maps[other]).sum(),
                    1e-12 * maps[h].norm() * maps[other].norm())
            << "layer " << l << ", heads " << h << " and " << other;
    }
  }
}

// Conv1D columns, rows by head, one key head, groups, experts beside them, post-norm, norms behind W_O.
INSTANTIATE_TEST_SUITE_P(Checkpoints, OvProducts,
                         ::testing::Values("gpt2", "gpt_neox", "bloom", "opt", "opt-post-norm", "llama", "falcon",
                                           "falcon-new", "gpt_bigcode", "codegen", "phi3", "gemma2", "olmo2-grouped",
                                           "glm4", "bert"),
                         testing::test_name);

// More vectors than are formed at a time, of heads that do not divide them.
TEST(OvProducts, OfManyVectors) {
  Architecture a;
  a.heads = 9;
  a.kv_heads = 3;
  a.head_dim = 100;
  a.hidden = 37;
  a.norm = NormRef::Kind::layer;
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  const auto fill = [&](int64_t rows, int64_t cols) {
    Matrix<double> m(rows, cols);
    for (int64_t i = 0; i < rows * cols; ++i) m.data()[i] = normal(random);
    return m;
  };
  const HeadMatrix values{fill(300, 37), true}, outputs{fill(37, 900), false};
  std::vector<double> gain(37);
  for (double& value : gain) value = normal(random);
  std::vector<double> products(pairs_of(9));
  ov_products(a, values, gain, outputs, {}, products);
  const Eigen::Map<const RowMajor> v(values.vectors.data(), 300, 37), o(outputs.vectors.data(), 37, 900);
  RowMajor read = Eigen::Map<const Eigen::VectorXd>(gain.data(), 37).asDiagonal(), write = RowMajor::Identity(37, 37);
  const RowMajor centring = RowMajor::Identity(37, 37) - RowMajor::Constant(37, 37, 1.0 / 37);
  if (a.reads_centred()) read *= centring;
  if (a.writes_centred()) write = centring;
  std::vector<RowMajor> maps;
  for (int h = 0; h < 9; ++h)
    maps.push_back(write * o.middleCols(int64_t{h} * 100, 100) * v.middleRows(int64_t{h} / 3 * 100, 100) * read);
  for (size_t h = 0; h < 9; ++h)
    for (size_t other = 0; other <= h; ++other)
      EXPECT_NEAR(products[pair_at(h, other)], maps[h].cwiseProduct(maps[other]).sum(),
                  1e-11 * maps[h].norm() * maps[other].norm());
}

TEST(OvProducts, TooManyPairsAreAnError) {
  Architecture a;
  a.heads = 128;
  a.layers = 126;
  EXPECT_TRUE(check_pairs(a)) << "Llama 3.1 405B";
  a.heads = 1 << 16;
  a.layers = 1;
  const auto refused = check_pairs(a);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unsupported);
}

}  // namespace
}  // namespace lstar
