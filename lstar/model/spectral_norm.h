// The largest singular value of a matrix.
#pragma once

#include <Eigen/Dense>

namespace lstar {

// Lanczos on W^T W with full reorthogonalisation from a fixed start vector: the largest eigenvalue converges first, so
// `steps` of a few dozen give it to about 1e-12 relative. 0 for an empty or zero matrix.
double largest_singular_value(
    const Eigen::Ref<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>& w, int steps = 80);

}  // namespace lstar
