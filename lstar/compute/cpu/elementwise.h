// Operations on a row or on elements: norms, activations, rotary positions, products and sums. `T` is float or double;
// where a Rounding is given, results are rounded so. Pure functions of their arguments; any thread may call them on
// rows of its own. An element's bits depend on its own row alone.
#pragma once

#include <cstdint>

#include "lstar/base/dtype.h"
#include "lstar/compute/backend.h"

namespace lstar {

// The functions for the best instruction set that the processor has.
template <class T>
struct ElementwiseKernels {
  // Rounds in place, also double to float32; nothing happens to what is in the dtype already.
  void (*round)(Rounding, T* x, int64_t n);
  void (*activate)(Activation, Rounding, T* x, int64_t n);
  // x *= y and x += y.
  void (*multiply)(Rounding, T* x, const T* y, int64_t n);
  void (*add)(Rounding, T* x, const T* y, int64_t n);
  // x += factor * y, the product rounded for itself.
  void (*add_scaled)(Rounding, T* x, const T* y, T factor, int64_t n);
  void (*scale)(Rounding, T* x, T factor, int64_t n);
  void (*shift)(Rounding, T* x, T by, int64_t n);
  void (*clamp)(T* x, T low, T high, int64_t n);
  // y = norm(x) for one row of n; y may be x. Gain and bias of the NormRef are given as they are used.
  void (*norm)(const NormRef&, Rounding, const T* x, const T* gain, const T* bias, T* y, int64_t n);
  // Sum of squares of one row.
  double (*square_sum)(const T* x, int64_t n);
  // Turns the pairs (i, i + half) of one head, or (2i, 2i + 1), by the angles of its position.
  void (*rotate)(Rounding, T* x, const T* cosines, const T* sines, int64_t half);
  void (*rotate_interleaved)(Rounding, T* x, const T* cosines, const T* sines, int64_t half);
};
template <class T>
ElementwiseKernels<T> elementwise_kernels();

}  // namespace lstar
