// Attention as something to multiply with, and its spectrum, against whole matrices; and that who does not ask for it
// gets what he got.
#include "lstar/model/mean_attention.h"

#include <algorithm>
#include <random>

#include <Eigen/Dense>

#include "lstar/analysis/spectrum.h"
#include "lstar/model/forward.h"
#include "tests/compute/attention_case.h"
#include "tests/support/recorded.h"
#include "tests/support/sanitized.h"

namespace lstar {
namespace {

using Dense = Eigen::MatrixXd;
using testing::AttentionCase;
using testing::AttentionShape;

const std::function<Result<void>()> kGoOn = [] { return Result<void>(); };

// The heads' mean of a prompt, by the plain softmax of the oracle.
template <class T>
Dense dense_mean(const AttentionCase<T>& in, size_t p) {
  const int64_t n = in.batch.length(p);
  Dense mean = Dense::Zero(n, n);
  for (int h = 0; h < in.spec.heads; ++h) {
    const auto head = in.dense(p, h);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) mean(i, j) += head.p[static_cast<size_t>(i * n + j)] / in.spec.heads;
  }
  return mean;
}

template <class T, class F>
void show(const AttentionCase<T>& in, int threads, const F& look) {
  const auto backend = make_cpu_backend<T>(in.dtype, threads);
  const auto done = show_mean_attention<T>(*backend, in.spec, in.batch, in.part(0), in.part(in.k_at(0)), 3, 5, kGoOn,
                                           [&](int layer, size_t prompt, const MeanAttention& a) -> Result<void> {
                                             EXPECT_EQ(layer, 3);
                                             look(prompt - 5, a);
                                             return {};
                                           });
  EXPECT_TRUE(done) << (done ? "" : done.error().message());
}

// Causal, with grouped queries, windowed, with sinks, and both ways; one and two tokens; more than a block of rows and
// of keys. Under a sanitizer one of each sort of mask, whose prompts end just behind a block.
std::vector<AttentionShape> shapes() {
  if (testing::kSanitized)
    return {{.heads = 4, .kv_heads = 2, .head_dim = 6, .lengths = {1, 2, 3, 70}, .sinks = true},
            {.heads = 1, .kv_heads = 1, .head_dim = 4, .lengths = {258}, .window = 20},
            {.heads = 2, .kv_heads = 1, .head_dim = 8, .lengths = {66, 20}, .causal = false}};
  return {{.heads = 6, .kv_heads = 2, .head_dim = 10, .lengths = {1, 2, 3, 65, 300}},
          {.heads = 4, .kv_heads = 1, .head_dim = 16, .lengths = {130, 33}, .alibi = true},
          {.heads = 3, .kv_heads = 3, .head_dim = 8, .lengths = {280, 34}, .window = 20},
          {.heads = 2, .kv_heads = 2, .head_dim = 8, .lengths = {300, 20}, .causal = false},
          {.heads = 2, .kv_heads = 2, .head_dim = 8, .lengths = {310}, .causal = false, .window = 40},
          {.heads = 4, .kv_heads = 2, .head_dim = 8, .lengths = {270, 5}, .sinks = true}};
}

std::vector<double> some_vector(size_t n) {
  std::mt19937_64 random(9);
  std::normal_distribution<double> normal;
  std::vector<double> x(n);
  for (double& value : x) value = normal(random);
  return x;
}

template <class T>
void expect_dense(const AttentionCase<T>& in, double tolerance) {
  size_t shown = 0;
  show(in, 2, [&](size_t p, const MeanAttention& attention) {
    EXPECT_EQ(p, shown++);
    const int64_t n = in.batch.length(p);
    Dense mean = dense_mean(in, p);
    mean.diagonal().setZero();
    const Dense both = (mean + mean.transpose()) / 2;
    const std::vector<double> x = some_vector(static_cast<size_t>(n));
    std::vector<double> y(x.size());
    ASSERT_TRUE(attention.multiply(x, y));
    const Eigen::VectorXd expected = both * Eigen::Map<const Eigen::VectorXd>(x.data(), n);
    // A row's n probabilities make at most `tolerance` of their sum; x is about 1, and 4 at the most.
    const double column = mean.colwise().sum().maxCoeff() + 1;
    for (int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<size_t>(i);
      EXPECT_NEAR(attention.given[at], mean.row(i).sum(), tolerance) << p << " " << i;
      EXPECT_NEAR(attention.received[at], mean.col(i).sum(), tolerance * column) << p << " " << i;
      EXPECT_NEAR(y[at], expected[i], 4 * tolerance * column) << p << " " << i;
    }
  });
  EXPECT_EQ(shown, in.batch.prompts());
}

// float32 within 1e-5 of float64, and float64 within 1e-12 of it, as every sum of attention (tests/compute).
TEST(MeanAttention, EqualsDenseForEveryMask) {
  for (const AttentionShape& shape : shapes()) {
    expect_dense(AttentionCase<float>(shape, Dtype::float32, 21), 1e-5);
    expect_dense(AttentionCase<double>(shape, Dtype::float64, 21), 1e-12);
  }
}

// Eigenvalues of whole matrices: the Laplacian's by a symmetric solver, D - A's as those of the triangle that it is.
// By Weyl an eigenvalue moves by no more than the matrix does: 1e-12 a row of sums of n, and what the iteration leaves,
// 1e-12 of 2 max degree.
TEST(MeanAttention, SpectrumEqualsDense) {
  for (const AttentionShape& shape : shapes()) {
    const AttentionCase<double> in(shape, Dtype::float64, 22);
    show(in, 2, [&](size_t p, const MeanAttention& attention) {
      const int64_t n = in.batch.length(p);
      const Dense mean = dense_mean(in, p), both = (mean + mean.transpose()) / 2;
      const Dense laplacian = Dense(both.rowwise().sum().asDiagonal()) - both;
      const Eigen::VectorXd all = Eigen::SelfAdjointEigenSolver<Dense>(laplacian, Eigen::EigenvaluesOnly).eigenvalues();
      const auto found = attention_spectrum(attention, 3);
      ASSERT_TRUE(found) << found.error().message();
      const auto count = static_cast<size_t>(std::min<int64_t>(3, n - 1));
      const auto& [smallest, largest, products] = found->symmetrised;
      ASSERT_EQ(smallest.values.size(), count) << smallest.reason;
      ASSERT_EQ(largest.values.size(), count) << largest.reason;
      const double allowed = 1e-11 * std::max(1.0, laplacian.diagonal().maxCoeff());
      for (size_t i = 0; i < count; ++i) {
        const auto at = static_cast<Eigen::Index>(i);
        EXPECT_NEAR(smallest.values[i], all[at + 1], allowed) << p << " " << i;
        EXPECT_NEAR(largest.values[i], all[n - 1 - at], allowed) << p << " " << i;
      }
      if (n <= 34) {  // of all eigenvalues the sum is the trace: what tokens give to others
        const auto whole = attention_spectrum(attention, static_cast<int>(std::max<int64_t>(1, n - 1)));
        ASSERT_TRUE(whole);
        double sum = 0;
        for (double value : whole->symmetrised.smallest.values) sum += value;
        EXPECT_NEAR(sum, mean.sum() - mean.trace(), 1e-11) << p;
      }
      if (!shape.causal) {
        EXPECT_TRUE(found->causal.empty());
        return;
      }
      for (int64_t i = 0; i < n; ++i)
        EXPECT_NEAR(found->causal[static_cast<size_t>(i)], mean.row(i).sum() - mean(i, i), 1e-12) << p << " " << i;
      EXPECT_EQ(found->causal[0], 0);
      if (n < 2 || n > 5) return;  // rounding moves eigenvalues of a long triangle (tests/analysis/spectrum_test.cpp)
      const Dense triangle = Dense(mean.rowwise().sum().asDiagonal()) - mean;
      Eigen::VectorXd dense = Eigen::EigenSolver<Dense>(triangle, false).eigenvalues().real();
      std::sort(dense.begin(), dense.end());
      std::vector<double> ours = found->causal;
      std::sort(ours.begin(), ours.end());
      for (int64_t i = 0; i < n; ++i) EXPECT_NEAR(ours[static_cast<size_t>(i)], dense[i], 1e-10) << p << " " << i;
    });
  }
}

TEST(MeanAttention, ThreadsChangeNoBit) {
  for (const AttentionShape& shape : shapes()) {
    const AttentionCase<float> in(shape, Dtype::float16, 23);
    const auto all_of = [&](int threads) {
      std::vector<std::vector<double>> bits;
      show(in, threads, [&](size_t, const MeanAttention& attention) {
        const std::vector<double> x = some_vector(attention.given.size());
        std::vector<double> y(x.size());
        EXPECT_TRUE(attention.multiply(x, y));
        const auto found = attention_spectrum(attention, 2);
        ASSERT_TRUE(found);
        for (const auto& values : {attention.given, attention.received, y, found->symmetrised.smallest.values,
                                   found->symmetrised.largest.values})
          bits.push_back(values);
      });
      return bits;
    };
    const auto one = all_of(1);
    EXPECT_EQ(one.size(), 5 * shape.lengths.size());
    for (int threads : {2, 3}) EXPECT_EQ(one, all_of(threads)) << threads;
  }
}

TEST(MeanAttention, GoesOnOnlyWhereItMay) {
  const AttentionCase<float> in({.heads = 2, .kv_heads = 2, .lengths = {100, 100}}, Dtype::float32, 24);
  const auto backend = make_cpu_backend<float>(Dtype::float32, 2);
  int asked = 0, shown = 0;
  const auto done = show_mean_attention<float>(
      *backend, in.spec, in.batch, in.part(0), in.part(in.k_at(0)), 0, 0,
      [&]() -> Result<void> { return ++asked <= 4 ? Result<void>() : fail(ErrorKind::cancelled, "interrupted"); },
      [&](int, size_t, const MeanAttention& attention) -> Result<void> {
        ++shown;
        LSTAR_ASSIGN(const auto found, attention_spectrum(attention, 1));
        return {};
      });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::cancelled);
  EXPECT_EQ(asked, 5);
  EXPECT_EQ(shown, 1);
}

Batch some_batch() {
  Batch batch;
  for (int n : {9, 1, 40}) {
    for (int i = 0; i < n; ++i) batch.ids.push_back((7 * i + n) % 60);
    batch.start.push_back(static_cast<int64_t>(batch.ids.size()));
  }
  return batch;
}

// Every family: prompts and layers come in order, whole, and no number of the pass moves by a bit.
TEST(MeanAttention, LeavesThePassAsItIs) {
  for (const std::string name : {"gpt2", "gpt_oss", "bert", "gemma2", "llama", "mistral", "falcon-alibi"}) {
    const auto model = open_model(testing::source_path("tests/data/checkpoints/" + name));
    ASSERT_TRUE(model) << model.error().message();
    const Architecture& a = model->architecture;
    const auto backend = make_cpu_backend<float>(Dtype::float16, 2);
    PassOptions options{.wants = Want::diagonal | Want::entropy | Want::residual_norm | Want::rounded_sum |
                                 Want::output_scale | Want::overlap};
    if (a.predicts_next) options.wants = options.wants | Want::next_token;
    options.next_tokens = 3;
    const Batch batch = some_batch();
    Observation plain, watched;
    ASSERT_TRUE(forward(*model, batch, options, *backend, plain)) << name;
    std::vector<std::pair<int, size_t>> seen;
    options.wave_tokens = 20;
    options.on_mean_attention = [&](int layer, size_t prompt, const MeanAttention& attention) -> Result<void> {
      seen.emplace_back(layer, prompt);
      EXPECT_EQ(attention.given.size(), static_cast<size_t>(batch.length(prompt)));
      EXPECT_EQ(attention.causal, a.causal);
      double given = 0, received = 0;
      for (double value : attention.given) given += value;
      for (double value : attention.received) received += value;
      EXPECT_NEAR(given, received, 1e-9);
      // Heads' probabilities in float32, of sums of 40 rows.
      double off_diagonal = 0;
      for (int h = 0; h < a.heads; ++h)
        off_diagonal += plain.off_diagonal(prompt, static_cast<size_t>(layer), static_cast<size_t>(h)) / a.heads;
      EXPECT_NEAR(given, off_diagonal, 1e-5 * std::max(1.0, off_diagonal)) << name;
      return {};
    };
    ASSERT_TRUE(forward(*model, batch, options, *backend, watched)) << name;
    EXPECT_EQ(seen.size(), batch.prompts() * static_cast<size_t>(a.layers));
    EXPECT_EQ(seen.front(), (std::pair<int, size_t>(0, 0)));
    EXPECT_EQ(seen.back(), (std::pair<int, size_t>(a.layers - 1, 2)));
    EXPECT_EQ(plain.diagonal.values(), watched.diagonal.values()) << name;
    EXPECT_EQ(plain.off_diagonal.values(), watched.off_diagonal.values()) << name;
    EXPECT_EQ(plain.entropy.values(), watched.entropy.values()) << name;
    EXPECT_EQ(plain.rounded_sum.values(), watched.rounded_sum.values()) << name;
    EXPECT_EQ(plain.residual_norm.values(), watched.residual_norm.values()) << name;
    EXPECT_EQ(plain.overlap.values(), watched.overlap.values()) << name;
    EXPECT_EQ(plain.output_scale_sq.values(), watched.output_scale_sq.values()) << name;
    for (size_t p = 0; p < plain.next_tokens.size(); ++p)
      for (size_t i = 0; i < plain.next_tokens[p].size(); ++i)
        EXPECT_EQ(plain.next_tokens[p][i].logit, watched.next_tokens[p][i].logit) << name;
  }
}

}  // namespace
}  // namespace lstar
