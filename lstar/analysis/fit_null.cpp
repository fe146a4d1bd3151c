#include "lstar/analysis/fit_null.h"

#include <algorithm>
#include <vector>

#include <Eigen/Dense>

#include "lstar/analysis/linear_fit.h"
#include "lstar/analysis/random.h"

namespace lstar {
namespace {

constexpr size_t kMostPoints = 8;  // whose orders are all looked at: 40,320
constexpr double kSame = 1e-9;     // per cent: sums of the same numbers in another order

// The mape of a refit is that of what the columns leave: one product with a matrix, for every target.
class Refit {
 public:
  explicit Refit(std::span<const std::vector<double>> design) {
    const auto n = static_cast<Eigen::Index>(design.size());
    Eigen::MatrixXd x(n, static_cast<Eigen::Index>(design[0].size()));
    for (Eigen::Index i = 0; i < n; ++i)
      for (Eigen::Index j = 0; j < x.cols(); ++j) x(i, j) = design[static_cast<size_t>(i)][static_cast<size_t>(j)];
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(x.array().rowwise() / x.colwise().norm().array().eval(),
                                                Eigen::ComputeThinU);
    leaves_ = Eigen::MatrixXd::Identity(n, n) - svd.matrixU() * svd.matrixU().transpose();
  }
  double mape(std::span<const double> target) const {
    return 100 * (leaves_ * Eigen::Map<const Eigen::VectorXd>(target.data(), leaves_.rows())).cwiseAbs().mean();
  }

 private:
  Eigen::MatrixXd leaves_;
};

}  // namespace

std::optional<FitNull> fit_null(std::span<const ModelPoint> points, uint64_t seed, size_t draws) {
  std::vector<std::vector<double>> design;
  for (const ModelPoint& point : points) design.push_back({1, static_cast<double>(point.layers), 1.0 / point.heads});
  return fit_null(points, design, seed, draws);
}

std::optional<FitNull> fit_null(std::span<const ModelPoint> points, std::span<const std::vector<double>> design,
                                uint64_t seed, size_t draws) {
  std::vector<double> target;
  for (const ModelPoint& point : points) target.push_back(point.l_star / point.layers);
  const LinearFit fit = fit_linear(design, target);
  if (!fit.identified() || !fit.f) return std::nullopt;
  const Refit refit(design);
  FitNull null{.mape = refit.mape(target), .f = *fit.f, .f_p = *fit.f_p};

  Random random(seed);
  size_t as_good = 0, looked_at = 0;
  null.is_exact = points.size() <= kMostPoints;
  std::vector<double> dealt = target;
  if (null.is_exact) std::sort(dealt.begin(), dealt.end());
  for (bool more = true; more; ++looked_at) {
    as_good += refit.mape(dealt) <= null.mape + kSame;
    if (null.is_exact) {
      more = std::next_permutation(dealt.begin(), dealt.end());
    } else {  // the true one was the first
      random.shuffle(std::span(dealt));
      more = looked_at + 1 < draws;
    }
  }
  null.permuted = share_of(as_good, looked_at);
  if (null.is_exact) null.permuted.error = 0;

  as_good = 0;
  for (size_t k = 0; k < draws; ++k) {
    for (size_t i = 0; i < points.size(); ++i) {
      const auto layers = static_cast<uint64_t>(points[i].layers);
      dealt[i] = static_cast<double>(1 + random.below(layers - 1)) / points[i].layers;
    }
    as_good += refit.mape(dealt) <= null.mape + kSame;
  }
  null.random = p_of_draws(as_good, draws);
  return null;
}

}  // namespace lstar
