#include "lstar/analysis/linear_fit.h"

#include <algorithm>
#include <cmath>

#include <Eigen/Dense>

#include "lstar/analysis/distributions.h"

namespace lstar {
namespace {

// Columns of length 1: what is degenerate is so to about 1e-16 then, and what is not stays far above this.
constexpr double kDegenerate = 1e-10;

Eigen::MatrixXd matrix_of(std::span<const std::vector<double>> design) {
  Eigen::MatrixXd x(static_cast<Eigen::Index>(design.size()), static_cast<Eigen::Index>(design[0].size()));
  for (Eigen::Index i = 0; i < x.rows(); ++i)
    for (Eigen::Index j = 0; j < x.cols(); ++j) x(i, j) = design[static_cast<size_t>(i)][static_cast<size_t>(j)];
  return x;
}

// The sum of squares that is left of a vector when these columns, a constant among them, have explained what they can.
double unexplained(const Eigen::MatrixXd& columns, const Eigen::VectorXd& vector) {
  return (vector - columns * columns.colPivHouseholderQr().solve(vector)).squaredNorm();
}

// How much larger the coefficient's variance is than it would be, were its column unlike all others.
std::optional<double> inflation_of(const Eigen::MatrixXd& x, Eigen::Index column) {
  if (column == 0 || x.cols() < 3) return std::nullopt;
  Eigen::MatrixXd others(x.rows(), x.cols() - 1);
  for (Eigen::Index j = 0, to = 0; j < x.cols(); ++j)
    if (j != column) others.col(to++) = x.col(j);
  const Eigen::VectorXd own = x.col(column);
  const double whole = (own.array() - own.mean()).matrix().squaredNorm(), left = unexplained(others, own);
  return left > 0 ? std::optional(whole / left) : std::nullopt;
}

}  // namespace

LinearFit fit_linear(std::span<const std::vector<double>> design, std::span<const double> target) {
  LinearFit fit;
  if (design.empty()) return fit;
  const Eigen::MatrixXd x = matrix_of(design);
  const Eigen::VectorXd y = Eigen::Map<const Eigen::VectorXd>(target.data(), x.rows());
  fit.rows = static_cast<int>(x.rows());
  fit.columns = static_cast<int>(x.cols());

  Eigen::RowVectorXd lengths = x.colwise().norm();
  lengths = (lengths.array() > 0).select(lengths, 1);  // a column of zeros stays one, and is found by the rank
  const Eigen::MatrixXd scaled = x.array().rowwise() / lengths.array();
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(scaled, Eigen::ComputeThinU | Eigen::ComputeThinV);
  const Eigen::VectorXd& singular = svd.singularValues();
  fit.rank = static_cast<int>((singular.array() > kDegenerate * singular(0)).count());
  fit.condition = singular(0) / singular(singular.size() - 1);
  if (!fit.identified()) return fit;

  const Eigen::VectorXd solution = svd.solve(y).array() / lengths.transpose().array();
  const Eigen::VectorXd fitted = x * solution;
  fit.fitted.assign(fitted.data(), fitted.data() + fitted.size());
  for (Eigen::Index i = 0; i < x.rows(); ++i) fit.leverage.push_back(svd.matrixU().row(i).squaredNorm());
  fit.residual_sq = (y - fitted).squaredNorm();

  const double n = fit.rows, p = fit.columns, degrees = fit.degrees();
  // (XᵀX)⁻¹ of the scaled columns is V S⁻² Vᵀ.
  const Eigen::VectorXd inverse = (svd.matrixV() * singular.cwiseInverse().asDiagonal()).rowwise().squaredNorm();
  const double reach = degrees > 0 ? student_t_quantile(0.975, degrees) : 0;
  for (Eigen::Index j = 0; j < x.cols(); ++j) {
    Coefficient c{.value = solution(j), .inflation = inflation_of(x, j)};
    if (degrees > 0) {
      c.deviation = std::sqrt(fit.residual_sq / degrees * inverse(j)) / lengths(j);
      c.interval = Interval{c.value - reach * *c.deviation, c.value + reach * *c.deviation};
    }
    fit.coefficients.push_back(c);
  }

  const double whole = (y.array() - y.mean()).matrix().squaredNorm();
  if (whole > 0) fit.r_squared = 1 - fit.residual_sq / whole;
  if (degrees > 0 && p > 1 && fit.residual_sq > 0) {
    fit.f = (whole - fit.residual_sq) / (p - 1) / (fit.residual_sq / degrees);
    fit.f_p = f_tail(*fit.f, p - 1, degrees);
  }
  const double parameters = p + 1;  // the residuals' variance is one
  if (n - parameters - 1 > 0 && fit.residual_sq > 0)
    fit.aicc = n * std::log(fit.residual_sq / n) + 2 * parameters * n / (n - parameters - 1);
  return fit;
}

}  // namespace lstar
