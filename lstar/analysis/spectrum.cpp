#include "lstar/analysis/spectrum.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <Spectra/SymEigsSolver.h>
#include <Eigen/Eigenvalues>

#include <fmt/core.h>

namespace lstar {
namespace {

using Vector = Eigen::VectorXd;

// Thrown through the solver, which knows no errors, by a product that failed, and caught in this file.
struct Stopped {
  Error error;
};

// Thrown by a product that is one too many.
struct TooMany {};

// L / bound on the vectors that are orthogonal to the constant one, in n - 1 coordinates: a Householder reflection
// takes the constant vector to the first axis, and the others span the rest. `bound`: no eigenvalue is larger.
class Complement {
 public:
  using Scalar = double;  // Spectra asks

  Complement(std::span<const double> degrees, double bound,
             const std::function<Result<void>(std::span<const double>, std::span<double>)>& multiply)
      : degrees_(degrees.data(), static_cast<Eigen::Index>(degrees.size())), bound_(bound), multiply_(multiply) {
    axis_ = Vector::Unit(degrees_.size(), 0);
    axis_.array() += 1 / std::sqrt(static_cast<double>(degrees_.size()));
    axis_.normalize();
  }

  Eigen::Index rows() const { return degrees_.size() - 1; }
  Eigen::Index cols() const { return rows(); }
  int products() const { return products_; }

  // For what comes now: I - L / bound, whose largest eigenvalues belong to the least of L, or L / bound.
  void begin(bool upside_down) {
    upside_down_ = upside_down;
    limit_ = products_ + kMostProducts;
  }

  void perform_op(const double* in, double* out) const {
    if (products_ == limit_) throw TooMany{};
    const Eigen::Index n = degrees_.size();
    Vector x(n), y(n);
    x[0] = 0;
    x.tail(n - 1) = Eigen::Map<const Vector>(in, n - 1);
    reflect(x);
    if (auto done = multiply_({x.data(), static_cast<size_t>(n)}, {y.data(), static_cast<size_t>(n)}); !done)
      throw Stopped{std::move(done).error()};
    ++products_;
    y = (degrees_.cwiseProduct(x) - y) / bound_;
    if (upside_down_) y = x - y;
    reflect(y);
    Eigen::Map<Vector>(out, n - 1) = y.tail(n - 1);
  }

 private:
  void reflect(Vector& x) const { x -= 2 * axis_.dot(x) * axis_; }

  Eigen::Map<const Vector> degrees_;
  double bound_;
  const std::function<Result<void>(std::span<const double>, std::span<double>)>& multiply_;
  Vector axis_;
  bool upside_down_ = false;
  int limit_ = kMostProducts;
  mutable int products_ = 0;
};

// All eigenvalues, from the least on: of few tokens, where a basis for Lanczos would be the whole space.
Vector all_eigenvalues(const Complement& graph) {
  const Eigen::Index n = graph.rows();
  Eigen::MatrixXd whole(n, n);
  for (Eigen::Index j = 0; j < n; ++j) {
    const Vector unit = Vector::Unit(n, j);
    graph.perform_op(unit.data(), whole.col(j).data());
  }
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(whole, Eigen::EigenvaluesOnly).eigenvalues();
}

// The largest of the operator, the largest first.
SpectrumEnd largest_eigenvalues(Complement& graph, int values, Eigen::Index basis) {
  const std::string not_converged = fmt::format("not converged within {} products", kMostProducts);
  constexpr Eigen::Index kRestarts = kMostProducts;  // never reached: each takes a product at least
  try {
    Spectra::SymEigsSolver<Complement> solver(graph, values, basis);
    solver.init();
    solver.compute(Spectra::SortRule::LargestAlge, kRestarts, kSpectrumTolerance);
    if (solver.info() != Spectra::CompInfo::Successful) return {{}, not_converged};
    const Vector found = solver.eigenvalues();
    return {{found.begin(), found.end()}, {}};
  } catch (const TooMany&) {
    return {{}, not_converged};
  } catch (const std::runtime_error&) {  // the solver's own: a small eigenproblem of its went nowhere
    return {{}, "the iteration broke down"};
  }
}

LaplacianSpectrum without(const std::string& reason) { return {{{}, reason}, {{}, reason}, 0}; }

LaplacianSpectrum found_spectrum(Complement& graph, double bound, int values) {
  LaplacianSpectrum found;
  const Eigen::Index basis = std::max(3 * values, 32);
  const auto scaled = [&](double value) { return std::max(0.0, value * bound); };  // below 0 is rounding
  if (graph.rows() <= basis) {
    const Vector all = all_eigenvalues(graph);
    const Eigen::Index count = std::min<Eigen::Index>(values, all.size());
    for (Eigen::Index i = 0; i < count; ++i) {
      found.smallest.values.push_back(scaled(all[i]));
      found.largest.values.push_back(scaled(all[all.size() - 1 - i]));
    }
  } else {
    graph.begin(/*upside_down=*/false);
    found.largest = largest_eigenvalues(graph, values, basis);
    for (double& value : found.largest.values) value = scaled(value);
    graph.begin(/*upside_down=*/true);
    found.smallest = largest_eigenvalues(graph, values, basis);
    for (double& value : found.smallest.values) value = scaled(1 - value);
  }
  found.products = graph.products();
  return found;
}

}  // namespace

Result<LaplacianSpectrum> laplacian_spectrum(
    std::span<const double> degrees,
    const std::function<Result<void>(std::span<const double>, std::span<double>)>& multiply, int values) {
  if (values < 1 || values > kMostEigenvalues)
    return fail({.kind = ErrorKind::argument,
                 .what = "eigenvalues of an end",
                 .expected = fmt::format("1 to {}", kMostEigenvalues),
                 .found = fmt::format("{}", values)});
  double largest = 0;
  for (double degree : degrees) {
    if (!std::isfinite(degree)) return without("attention is not finite");
    largest = std::max(largest, degree);
  }
  if (degrees.size() < 2) return without("one token has no other eigenvalue than 0");
  if (largest == 0) {  // nobody looks at another
    const std::vector<double> zeros(std::min(static_cast<size_t>(values), degrees.size() - 1), 0.0);
    return LaplacianSpectrum{{zeros, {}}, {zeros, {}}, 0};
  }
  const double bound = 2 * largest;  // Gershgorin
  Complement graph(degrees, bound, multiply);
  try {
    return found_spectrum(graph, bound, values);
  } catch (Stopped& stopped) {
    return fail(std::move(stopped.error));
  }
}

CausalSummary summary_of(std::vector<double> eigenvalues) {
  std::sort(eigenvalues.begin(), eigenvalues.end());
  const size_t n = eigenvalues.size();
  return {eigenvalues.front(), (eigenvalues[(n - 1) / 2] + eigenvalues[n / 2]) / 2, eigenvalues.back()};
}

Result<AttentionSpectrum> attention_spectrum(const MeanAttention& attention, int values) {
  AttentionSpectrum spectrum;
  const bool is_finite =
      std::all_of(attention.given.begin(), attention.given.end(), [](double given) { return std::isfinite(given); });
  if (!attention.causal)
    spectrum.causal_reason = "tokens see those behind them too: D - A is no triangle";
  else if (!is_finite)
    spectrum.causal_reason = "attention is not finite";
  else
    spectrum.causal = attention.given;
  std::vector<double> degrees;
  for (size_t i = 0; i < attention.given.size(); ++i)
    degrees.push_back((attention.given[i] + attention.received[i]) / 2);
  LSTAR_ASSIGN(spectrum.symmetrised, laplacian_spectrum(degrees, attention.multiply, values));
  return spectrum;
}

}  // namespace lstar
