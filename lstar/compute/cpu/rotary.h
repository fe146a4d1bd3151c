// Cosines and sines of rotary positions, computed once for all layers: angles in double, times the factor, then rounded
// to the run's dtype. Owned by one backend; prepare() by one thread, angles() by any afterwards. A model may alternate
// between tables (Gemma 3 has two bases); the last few are kept.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "lstar/compute/backend.h"

namespace lstar {

template <class T>
class RotaryTable {
 public:
  explicit RotaryTable(Rounding rounding) : rounding_(rounding) {}
  // Makes sure that the table of these frequencies covers these positions, and makes it the one angles() reads.
  void prepare(const RotarySpec&, std::span<const int32_t> positions);
  // (dims / 2) cosines and (dims / 2) sines of a position.
  std::pair<const T*, const T*> angles(int32_t position) const;

 private:
  struct Table {
    std::vector<double> frequencies;
    double factor = 1;
    std::vector<T> values;  // (positions, 2, dims / 2)
  };
  Rounding rounding_;
  std::vector<Table> tables_;  // the one in use last
};

}  // namespace lstar
