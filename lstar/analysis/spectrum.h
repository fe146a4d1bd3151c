// Eigenvalues of the graph that attention weighs (docs/mathematics.md, The attention's spectrum): of D - A, where A is
// causal, and of the Laplacian of the symmetrised graph. Never a dense matrix of the tokens. Pure; safe from any
// thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lstar/observe/mean_attention.h"

namespace lstar {

// Some eigenvalues of one end of a spectrum, or the reason why there are none.
struct SpectrumEnd {
  std::vector<double> values;  // from the end on: the least first, or the largest
  std::string reason;          // empty: they were found
};

// Of L = diag(S 1) - S, S = (A + A^T) / 2, of n tokens. Its eigenvalues are real and not negative; one, the constant
// vector's, is 0, and the n - 1 others are meant.
struct LaplacianSpectrum {
  SpectrumEnd smallest;  // the least K; the first is the algebraic connectivity
  SpectrumEnd largest;   // the largest K
  int products = 0;      // with A and A^T that it took
};

// The residual with which an eigenvalue is taken, as a share of 2 max degree, which no eigenvalue exceeds. Of a
// symmetric matrix an eigenvalue is off by its residual at most; rounding in the products comes on top.
inline constexpr double kSpectrumTolerance = 1e-12;
// Products that either end may take before it is given up.
inline constexpr int kMostProducts = 1000;
// Eigenvalues of an end that may be asked for.
inline constexpr int kMostEigenvalues = 64;

// `degrees`: of S without its diagonal, which L does not depend on. multiply(x, y): y = S x without its diagonal. 1 <=
// values <= kMostEigenvalues; fewer are found where n - 1 is less. A Krylov method (implicitly restarted Lanczos,
// Spectra) in the space orthogonal to the constant vector; the same bits for the same products. It sees one vector of
// each eigenspace, so that an eigenvalue which occurs several times may be found fewer times. Fails where a product
// does.
Result<LaplacianSpectrum> laplacian_spectrum(
    std::span<const double> degrees,
    const std::function<Result<void>(std::span<const double> x, std::span<double> y)>& multiply, int values);

struct AttentionSpectrum {
  // (tokens): eigenvalues of D - A, which is a triangle: what row i gives to other tokens. Empty with a reason where
  // rows see both ways.
  std::vector<double> causal;
  std::string causal_reason;
  LaplacianSpectrum symmetrised;
};

// Of at least one eigenvalue.
struct CausalSummary {
  double least = 0, median = 0, largest = 0;  // of an even number the mean of the two in the middle
};
CausalSummary summary_of(std::vector<double> eigenvalues);

// Fails where a product does.
Result<AttentionSpectrum> attention_spectrum(const MeanAttention&, int values);

}  // namespace lstar
