// Operations on a row or on elements: norms, activations, rotary positions, products and sums. `T` is float or double;
// where a Dtype is given, results are rounded to it. Pure functions of their arguments; any thread may call them on
// rows of its own. An element's bits depend on its own row alone.
#pragma once

#include <cstdint>

#include "lstar/base/dtype.h"
#include "lstar/compute/backend.h"

namespace lstar {

// The functions for the best instruction set that the processor has.
template <class T>
struct ElementwiseKernels {
  // Rounds in place; nothing happens in float32 and float64.
  void (*round)(Dtype, T* x, int64_t n);
  void (*activate)(Activation, Dtype, T* x, int64_t n);
  // x *= y and x += y.
  void (*multiply)(Dtype, T* x, const T* y, int64_t n);
  void (*add)(Dtype, T* x, const T* y, int64_t n);
  // y = norm(x) for one row of n; y may be x.
  void (*norm)(NormRef::Kind, Dtype, double epsilon, const T* x, const T* gain, const T* bias, T* y, int64_t n);
  // Sum of squares of one row.
  double (*square_sum)(const T* x, int64_t n);
  // Turns the pairs (i, i + half) of one head by the angles of its position.
  void (*rotate)(Dtype, T* x, const T* cosines, const T* sines, int64_t half);
};
template <class T>
ElementwiseKernels<T> elementwise_kernels();

}  // namespace lstar
