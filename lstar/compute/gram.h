// Sums of products of n vectors with each other, G G^T for G of (n, depth), in double: what the norms of weights and OV
// circuits are made of (docs/mathematics.md, Gauge). Every sum is one chain of multiply-adds in the order of the
// elements, the same on every processor that multiplies and adds in one step.
#pragma once

#include <algorithm>
#include <vector>

#include "lstar/base/array.h"

namespace lstar {

// What has been summed so far: of the vectors from `first` on with all before them and with themselves.
struct GramSums {
  GramSums(int64_t vectors, int64_t first);
  int64_t n, first;
  bool is_empty = true;               // nothing has been added, and products hold anything
  Matrix<double> products;            // rows of the lower triangle, in whole register blocks
  std::vector<double> sums, squares;  // in whole panels
};

class Gram {
 public:
  // Of n vectors. With `first` > 0 only rows from it on are formed: products of which one vector is among them.
  explicit Gram(int64_t n, int64_t first = 0) : sums_(n, first) {}

  void clear();  // as new

  // Takes the next elements of all vectors, each of them times its gain[k] (null: 1): vectors that are rows of m,
  // (n, depth), or columns of it, (depth, n).
  template <class T>
  void add_rows(View<const T> m, const double* gain = nullptr);
  template <class T>
  void add_columns(View<const T> m, const double* gain = nullptr);

  double operator()(int64_t i, int64_t j) const {
    return sums_.is_empty ? 0 : sums_.products.view()(std::max(i, j) - sums_.first, std::min(i, j));
  }
  double sum(int64_t i) const { return sums_.sums[i]; }         // of vector i's elements, gains included
  double squares(int64_t i) const { return sums_.squares[i]; }  // of its elements as they were given, without gains

 private:
  GramSums sums_;
};

// Of all elements, in double and likewise.
double sum_of_squares(View<const float> m);
double sum_of_squares(View<const double> m);

}  // namespace lstar
