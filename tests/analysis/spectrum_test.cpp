// A few eigenvalues by products against all of them by a dense solver, and graphs whose spectrum is known.
#include "lstar/analysis/spectrum.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "tests/support/sanitized.h"

namespace lstar {
namespace {

using Matrix = Eigen::MatrixXd;

// A graph by its symmetric weights, as the code under test gets it; counts the products.
struct Graph {
  Matrix weights;  // the diagonal is not looked at
  int products = 0;

  std::vector<double> degrees() const {
    std::vector<double> sums;
    for (Eigen::Index i = 0; i < weights.rows(); ++i) sums.push_back(weights.row(i).sum() - weights(i, i));
    return sums;
  }
  Result<void> multiply(std::span<const double> x, std::span<double> y) {
    ++products;
    const Eigen::Map<const Eigen::VectorXd> in(x.data(), weights.rows());
    Eigen::Map<Eigen::VectorXd>(y.data(), weights.rows()) = weights * in - weights.diagonal().cwiseProduct(in);
    return {};
  }
  Result<LaplacianSpectrum> spectrum(int values) {
    return laplacian_spectrum(
        degrees(), [this](std::span<const double> x, std::span<double> y) { return multiply(x, y); }, values);
  }
  // All eigenvalues of the Laplacian from the least on, the constant vector's 0 first.
  std::vector<double> dense() const {
    Matrix laplacian = -weights;
    const auto sums = degrees();
    for (Eigen::Index i = 0; i < weights.rows(); ++i) laplacian(i, i) = sums[static_cast<size_t>(i)];
    const Eigen::VectorXd all = Eigen::SelfAdjointEigenSolver<Matrix>(laplacian, Eigen::EigenvaluesOnly).eigenvalues();
    return {all.begin(), all.end()};
  }
};

// S of attention that is a causal softmax of normal scores, as it comes: the first tokens have much larger degrees.
Graph random_attention(Eigen::Index n, unsigned seed, double spread = 2) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, spread);
  Matrix a = Matrix::Zero(n, n);
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index j = 0; j <= i; ++j) a(i, j) = std::exp(normal(random));
    a.row(i) /= a.row(i).sum();
  }
  return {(a + a.transpose()) / 2};
}

// Residuals are held to 1e-12 of 2 max degree, which bounds an eigenvalue's error; products and the dense solver round
// on top of it, by some units of 2^-53 for each of n tokens: ten times the former covers all that is tested here.
double allowed(const Graph& graph) {
  const auto degrees = graph.degrees();
  return 10 * kSpectrumTolerance * 2 * *std::max_element(degrees.begin(), degrees.end());
}

void expect_dense(Graph graph, int values) {
  const auto found = graph.spectrum(values);
  ASSERT_TRUE(found) << found.error().message();
  const auto all = graph.dense();
  const size_t count = std::min(static_cast<size_t>(values), all.size() - 1);
  ASSERT_EQ(found->smallest.values.size(), count) << found->smallest.reason;
  ASSERT_EQ(found->largest.values.size(), count) << found->largest.reason;
  for (size_t i = 0; i < count; ++i) {
    EXPECT_NEAR(found->smallest.values[i], all[i + 1], allowed(graph)) << i << " of " << all.size();
    EXPECT_NEAR(found->largest.values[i], all[all.size() - 1 - i], allowed(graph)) << i << " of " << all.size();
  }
  EXPECT_EQ(found->products, graph.products);
  EXPECT_LE(found->products, 2 * kMostProducts);
}

TEST(Spectrum, EqualsDense) {
  // Around 33 tokens, whose complement is as large as the basis, the way changes; 2 tokens have one eigenvalue.
  for (const Eigen::Index n : {2, 3, 12, 32, 33, 34, 35, 90, 300})
    for (const int values : {1, 3, 40}) expect_dense(random_attention(n, static_cast<unsigned>(n)), values);
}

// A path's eigenvalues are 2 - 2 cos(pi k / n): the least lie close to 0 and to each other.
TEST(Spectrum, PathInClosedForm) {
  constexpr Eigen::Index n = 150;
  Graph path{Matrix::Zero(n, n)};
  for (Eigen::Index i = 0; i + 1 < n; ++i) path.weights(i, i + 1) = path.weights(i + 1, i) = 1;
  const auto found = path.spectrum(4);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->smallest.values.size(), 4u) << found->smallest.reason;
  ASSERT_EQ(found->largest.values.size(), 4u) << found->largest.reason;
  const auto known = [](int k) { return 2 - 2 * std::cos(M_PI * k / n); };
  for (int k = 1; k <= 4; ++k) {
    EXPECT_NEAR(found->smallest.values[static_cast<size_t>(k - 1)], known(k), allowed(path)) << k;
    EXPECT_NEAR(found->largest.values[static_cast<size_t>(k - 1)], known(static_cast<int>(n) - k), allowed(path)) << k;
  }
}

// Degenerate graphs: an eigenvalue that occurs n - 1 times, and one that nobody's look makes.
TEST(Spectrum, CompleteAndEmptyGraphs) {
  for (const Eigen::Index n : {5, 80}) {
    Graph complete{Matrix::Constant(n, n, 1.0 / static_cast<double>(n))};  // L = I - 11^T / n
    const auto found = complete.spectrum(2);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->smallest.values.size(), 2u) << found->smallest.reason;
    for (const auto* end : {&found->smallest, &found->largest})
      for (double value : end->values) EXPECT_NEAR(value, 1, allowed(complete));

    Graph empty{Matrix::Identity(n, n)};  // self-loops alone
    const auto zeros = empty.spectrum(2);
    ASSERT_TRUE(zeros);
    EXPECT_EQ(zeros->smallest.values, (std::vector<double>{0, 0}));
    EXPECT_EQ(zeros->largest.values, (std::vector<double>{0, 0}));
    EXPECT_EQ(zeros->products, 0);
  }
}

TEST(Spectrum, SelfLoopsAndScaleDoNotMatter) {
  Graph graph = random_attention(60, 3);
  const auto before = graph.spectrum(2);
  graph.weights.diagonal().setConstant(17);
  const auto after = graph.spectrum(2);
  graph.weights *= 1e-20;
  const auto tiny = graph.spectrum(2);
  ASSERT_TRUE(before && after && tiny);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(before->smallest.values[i], after->smallest.values[i], 1e-12);  // 17 cancels to some 2^-53 of it
    EXPECT_NEAR(before->smallest.values[i], tiny->smallest.values[i] * 1e20, 1e-11);
    EXPECT_NEAR(before->largest.values[i], tiny->largest.values[i] * 1e20, 1e-10);
  }
}

// The trace is the sum of all eigenvalues: n - tr A where rows sum to 1.
TEST(Spectrum, AllEigenvaluesAddUpToTheTrace) {
  Graph graph = random_attention(25, 4);
  const auto found = graph.spectrum(24);
  ASSERT_TRUE(found);
  const double sum = std::accumulate(found->smallest.values.begin(), found->smallest.values.end(), 0.0);
  // 1e-13: 25 terms of at most 10.
  EXPECT_NEAR(sum, 25 - graph.weights.trace(), 1e-13);
}

TEST(Spectrum, OfOneTokenOrNotFiniteHasAReason) {
  Graph one{Matrix::Ones(1, 1)};
  const auto found = one.spectrum(3);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->smallest.values.empty() && found->largest.values.empty());
  EXPECT_EQ(found->smallest.reason, "one token has no other eigenvalue than 0");

  Graph broken = random_attention(40, 5);
  broken.weights(7, 3) = std::numeric_limits<double>::quiet_NaN();
  const auto none = broken.spectrum(3);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->smallest.values.empty() && none->largest.values.empty());
  EXPECT_EQ(none->largest.reason, "attention is not finite");
  EXPECT_EQ(broken.products, 0);
}

// A long path's least eigenvalues are too close to each other for the products that are allowed.
TEST(Spectrum, WhatDoesNotConvergeIsNotAnswered) {
  constexpr size_t n = testing::kSanitized ? 2000 : 6000;
  std::vector<double> degrees(n, 2);
  degrees.front() = degrees.back() = 1;
  int products = 0;
  const auto path = [&](std::span<const double> x, std::span<double> y) -> Result<void> {
    ++products;
    for (size_t i = 0; i < n; ++i) y[i] = (i > 0 ? x[i - 1] : 0) + (i + 1 < n ? x[i + 1] : 0);
    return {};
  };
  const auto found = laplacian_spectrum(degrees, path, 1);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->smallest.values.empty());
  EXPECT_NE(found->smallest.reason.find("not converged within"), std::string::npos) << found->smallest.reason;
  EXPECT_LE(products, 2 * kMostProducts);
  EXPECT_EQ(found->products, products);
}

TEST(Spectrum, AProductThatFailsEndsIt) {
  Graph graph = random_attention(100, 6);
  int left = 10;
  const auto found = laplacian_spectrum(
      graph.degrees(),
      [&](std::span<const double> x, std::span<double> y) -> Result<void> {
        if (left-- == 0) return fail(ErrorKind::cancelled, "interrupted");
        return graph.multiply(x, y);
      },
      2);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::cancelled);
  EXPECT_EQ(graph.products, 10);
}

TEST(Spectrum, ValuesAreBounded) {
  Graph graph = random_attention(10, 7);
  for (int values : {0, -1, kMostEigenvalues + 1}) EXPECT_FALSE(graph.spectrum(values)) << values;
}

// Uniform causal attention, A_ij = 1 / (i + 1): D - A has the eigenvalues 1 - 1 / (i + 1).
TEST(Spectrum, OfCausalAttentionIsOnTheDiagonal) {
  for (const int n : {1, 2, 7, 20}) {
    MeanAttention attention;
    Graph graph{Matrix::Zero(n, n)};
    Matrix a = Matrix::Zero(n, n);
    for (int i = 0; i < n; ++i) a.row(i).head(i + 1).setConstant(1.0 / (i + 1));
    graph.weights = (a + a.transpose()) / 2;
    for (int i = 0; i < n; ++i) {
      attention.given.push_back(i / (i + 1.0));
      attention.received.push_back(a.col(i).sum() - a(i, i));
    }
    attention.multiply = [&](std::span<const double> x, std::span<double> y) { return graph.multiply(x, y); };
    const auto found = attention_spectrum(attention, 1);
    ASSERT_TRUE(found);
    // The triangle's, by a solver that does not know that it is one. That is no symmetric problem: on 7 tokens rounding
    // moves an eigenvalue by 1e-13, on 20 by 1e-8.
    const Matrix triangle = Matrix(a.rowwise().sum().asDiagonal()) - a;
    Eigen::VectorXd dense = Eigen::EigenSolver<Matrix>(triangle, false).eigenvalues().real();
    std::sort(dense.begin(), dense.end());
    ASSERT_EQ(found->causal.size(), static_cast<size_t>(n));
    for (int i = 0; i < n; ++i) {
      EXPECT_NEAR(found->causal[static_cast<size_t>(i)], 1 - 1.0 / (i + 1), 1e-15) << i;
      EXPECT_NEAR(found->causal[static_cast<size_t>(i)], dense[i], n <= 7 ? 1e-12 : 1e-7) << i;
    }
    const CausalSummary summary = summary_of(found->causal);
    EXPECT_EQ(summary.least, 0);
    EXPECT_NEAR(summary.largest, 1 - 1.0 / n, 1e-15);

    attention.causal = false;
    const auto both_ways = attention_spectrum(attention, 1);
    ASSERT_TRUE(both_ways);
    EXPECT_TRUE(both_ways->causal.empty());
    EXPECT_EQ(both_ways->causal_reason, "tokens see those behind them too: D - A is no triangle");
    EXPECT_EQ(both_ways->symmetrised.smallest.values, found->symmetrised.smallest.values);
  }
  EXPECT_EQ(summary_of({3, 1, 2}).median, 2);
  EXPECT_EQ(summary_of({4, 1, 2, 3}).median, 2.5);
}

}  // namespace
}  // namespace lstar
