// Cosines and sines of rotary positions, computed once for all layers: angles in double, then rounded to the run's
// dtype. Owned by one backend; prepare() by one thread, angles() by any afterwards.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "lstar/compute/backend.h"

namespace lstar {

template <class T>
class RotaryTable {
 public:
  explicit RotaryTable(Dtype dtype) : dtype_(dtype) {}
  // Makes sure that the table covers these positions at these frequencies.
  void prepare(const RotarySpec&, std::span<const int32_t> positions);
  // (dims / 2) cosines and (dims / 2) sines of a position.
  std::pair<const T*, const T*> angles(int32_t position) const;

 private:
  Dtype dtype_;
  std::vector<double> frequencies_;
  std::vector<T> values_;  // (positions, 2, dims / 2)
};

}  // namespace lstar
