#include "lstar/analysis/logistic_fit.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>
#include <Eigen/Dense>

#include "lstar/analysis/distributions.h"

namespace lstar {
namespace {

constexpr int kMostSteps = 200;
constexpr double kVanished = 1e-7;    // of the target's length: what is left of the residuals along the curve
constexpr double kFarthest = 30;      // beyond this the curve is its asymptote to the last bits
constexpr double kInside = 0.02;      // logits of 0 and 1 are infinite: they start as those of this
constexpr double kFlatSlope = 1e-10;  // as linear_fit.cpp takes columns for degenerate

using Eigen::MatrixXd;
using Eigen::VectorXd;

struct State {
  VectorXd at;  // coefficients of the scaled columns
  VectorXd fitted, left;
  double left_sq = 0;
};

State state_at(const MatrixXd& x, const VectorXd& y, VectorXd at) {
  State state{.at = std::move(at)};
  state.fitted = (x * state.at).unaryExpr([](double value) { return logistic(value); });
  state.left = y - state.fitted;
  state.left_sq = state.left.squaredNorm();
  return state;
}

// The slopes of the fitted values in the coefficients.
MatrixXd slopes(const MatrixXd& x, const State& state) {
  const VectorXd slope = state.fitted.array() * (1 - state.fitted.array());
  return slope.asDiagonal() * x;
}

// The part of the residuals that the tangent plane could still take.
double still_explained(const MatrixXd& tangent, const VectorXd& left) {
  const Eigen::ColPivHouseholderQR<MatrixXd> qr(tangent);
  return (tangent * qr.solve(left)).norm();
}

VectorXd start(const MatrixXd& x, const VectorXd& y) {
  const VectorXd logits = y.unaryExpr([](double value) {
    const double inside = std::clamp(value, kInside, 1 - kInside);
    return std::log(inside / (1 - inside));
  });
  return x.colPivHouseholderQr().solve(logits);
}

// What intervals and leverage are where the curve is taken for its tangent plane.
void describe(const MatrixXd& x, const VectorXd& y, const VectorXd& lengths, const State& state, LogisticFit& found) {
  LinearFit& fit = found.fit;
  const MatrixXd tangent = slopes(x, state);
  VectorXd norms = tangent.colwise().norm();
  norms = (norms.array() > 0).select(norms, 1);
  const MatrixXd scaled = tangent.array().rowwise() / norms.transpose().array();
  const Eigen::JacobiSVD<MatrixXd> svd(scaled, Eigen::ComputeThinU | Eigen::ComputeThinV);
  const VectorXd& singular = svd.singularValues();
  fit.condition = singular(0) / singular(singular.size() - 1);
  if (!(singular(singular.size() - 1) > kFlatSlope * singular(0))) {
    found.converged = false;
    return;
  }
  const VectorXd inverse = (svd.matrixV() * singular.cwiseInverse().asDiagonal()).rowwise().squaredNorm();
  fit.residual_sq = state.left_sq;
  fit.fitted.assign(state.fitted.data(), state.fitted.data() + state.fitted.size());
  fit.leverage.clear();
  for (Eigen::Index i = 0; i < x.rows(); ++i) fit.leverage.push_back(svd.matrixU().row(i).squaredNorm());
  const int degrees = fit.degrees();
  const double reach = degrees > 0 ? student_t_quantile(0.975, degrees) : 0;
  for (Eigen::Index j = 0; j < x.cols(); ++j) {
    Coefficient& c = fit.coefficients[static_cast<size_t>(j)];
    c.value = state.at(j) / lengths(j);
    c.deviation.reset();
    c.interval.reset();
    if (degrees <= 0) continue;
    c.deviation = std::sqrt(fit.residual_sq / degrees * inverse(j)) / norms(j) / lengths(j);
    c.interval = Interval{c.value - reach * *c.deviation, c.value + reach * *c.deviation};
  }
  const double whole = (y.array() - y.mean()).matrix().squaredNorm();
  fit.r_squared = whole > 0 ? std::optional(1 - fit.residual_sq / whole) : std::nullopt;
  const double n = fit.rows, parameters = fit.columns + 1;
  fit.aicc.reset();
  if (n - parameters - 1 > 0 && fit.residual_sq > 0)
    fit.aicc = n * std::log(fit.residual_sq / n) + 2 * parameters * n / (n - parameters - 1);
}

}  // namespace

double logistic(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }

LogisticFit fit_logistic(std::span<const std::vector<double>> design, std::span<const double> target) {
  LogisticFit found{.fit = fit_linear(design, target)};  // rank, and how alike the columns are
  found.fit.f.reset();
  found.fit.f_p.reset();
  if (!found.fit.identified()) {
    found.reason = "not identified";
    return found;
  }
  const auto rows = static_cast<Eigen::Index>(design.size()), columns = static_cast<Eigen::Index>(design[0].size());
  MatrixXd x(rows, columns);
  for (Eigen::Index i = 0; i < rows; ++i)
    for (Eigen::Index j = 0; j < columns; ++j) x(i, j) = design[static_cast<size_t>(i)][static_cast<size_t>(j)];
  const VectorXd y = Eigen::Map<const VectorXd>(target.data(), rows), lengths = x.colwise().norm();
  x = x.array().rowwise() / lengths.transpose().array();

  State state = state_at(x, y, start(x, y));
  const double vanished = kVanished * std::max(y.norm(), 1e-300);
  double damping = 1e-3;
  for (; found.steps < kMostSteps && !found.converged; ++found.steps) {
    const MatrixXd tangent = slopes(x, state);
    if (still_explained(tangent, state.left) <= vanished) {
      found.converged = true;
      break;
    }
    const MatrixXd square = tangent.transpose() * tangent;
    const VectorXd gradient = tangent.transpose() * state.left;
    bool is_better = false;
    for (; damping < 1e12 && !is_better; damping *= is_better ? 0.1 : 10) {
      MatrixXd damped = square;
      damped.diagonal() += damping * square.diagonal();
      State next = state_at(x, y, state.at + damped.ldlt().solve(gradient));
      is_better = std::isfinite(next.left_sq) && next.left_sq < state.left_sq;
      if (is_better) state = std::move(next);
    }
    if (!is_better) break;
    damping = std::max(damping, 1e-12);
  }
  // A step may have ended within the last bits: what is left of the gradient then decides.
  if (!found.converged) found.converged = still_explained(slopes(x, state), state.left) <= 100 * vanished;
  if ((x * state.at).cwiseAbs().maxCoeff() > kFarthest) found.converged = false;
  if (found.converged) describe(x, y, lengths, state, found);
  if (found.converged) return found;
  found.fit.coefficients.clear();
  found.fit.fitted.clear();
  found.fit.leverage.clear();
  found.fit.r_squared.reset();
  found.fit.aicc.reset();
  found.reason = fmt::format("no least squares found in {} steps: the curve runs off to its ends", found.steps);
  return found;
}

}  // namespace lstar
