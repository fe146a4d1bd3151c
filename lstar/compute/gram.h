// Sums of products of a matrix's rows, or of its columns, with each other: M M^T and M^T M in double. What the norms of
// weights and OV circuits are made of (MATH.md, Gauge). Every element is one chain of multiply-adds in the order of M.
#pragma once

#include <algorithm>

#include "lstar/base/array.h"

namespace lstar {

class Gram {
 public:
  explicit Gram(int64_t n);

  // += M M^T for M of (n, depth), and += M^T M for M of (depth, n).
  void add_rows(View<const double> m);
  void add_columns(View<const double> m);

  int64_t size() const { return n_; }
  double operator()(int64_t i, int64_t j) const { return sums_.view()(std::max(i, j), std::min(i, j)); }

 private:
  int64_t n_;
  Matrix<double> sums_;  // lower triangle, in whole register blocks
};

}  // namespace lstar
