#include "lstar/model/spectral_norm.h"

#include <cmath>
#include <limits>
#include <vector>

namespace lstar {

double largest_singular_value(
    const Eigen::Ref<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>& w, int steps) {
  const Eigen::Index size = w.cols();
  if (size == 0 || w.rows() == 0) return 0;
  if (!w.allFinite()) return std::numeric_limits<double>::quiet_NaN();
  steps = static_cast<int>(std::min<Eigen::Index>(steps, size));
  // A start vector with no symmetry that a structured matrix could be orthogonal to.
  Eigen::VectorXd v(size);
  for (Eigen::Index i = 0; i < size; ++i)
    v[i] = std::sin(1.0 + 1.7 * static_cast<double>(i) + 0.3 * static_cast<double>(i % 7));
  v.normalize();
  Eigen::MatrixXd basis(size, steps);
  std::vector<double> diagonal, beside;
  for (int k = 0; k < steps; ++k) {
    basis.col(k) = v;
    Eigen::VectorXd next = w.transpose() * (w * v);
    diagonal.push_back(next.dot(v));
    const auto known = basis.leftCols(k + 1);
    for (int twice = 0; twice < 2; ++twice) next -= known * (known.transpose() * next);
    const double length = next.norm();
    if (!(length > 1e-14 * std::abs(diagonal.front()))) break;
    beside.push_back(length);
    v = next / length;
  }
  const auto used = static_cast<Eigen::Index>(diagonal.size());
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
  const Eigen::VectorXd d = Eigen::Map<Eigen::VectorXd>(diagonal.data(), used);
  const Eigen::VectorXd e = Eigen::Map<Eigen::VectorXd>(beside.data(), used - 1);
  solver.computeFromTridiagonal(d, e, Eigen::EigenvaluesOnly);
  return std::sqrt(std::max(0.0, solver.eigenvalues().maxCoeff()));
}

}  // namespace lstar
