#include "lstar/compute/cpu/rotary.h"

#include <algorithm>
#include <cmath>

#include "lstar/compute/cpu/elementwise.h"

namespace lstar {

template <class T>
void RotaryTable<T>::prepare(const RotarySpec& spec, std::span<const int32_t> positions) {
  if (spec.frequencies != frequencies_) {
    frequencies_ = spec.frequencies;
    values_.clear();
  }
  const size_t half = frequencies_.size();
  if (half == 0 || positions.empty()) return;
  const size_t wanted = static_cast<size_t>(*std::max_element(positions.begin(), positions.end())) + 1;
  const size_t known = values_.size() / (2 * half);
  if (wanted <= known) return;
  values_.resize(wanted * 2 * half);
  for (size_t position = known; position < wanted; ++position) {
    T* row = values_.data() + position * 2 * half;
    for (size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(position) * frequencies_[i];
      row[i] = static_cast<T>(std::cos(angle));
      row[half + i] = static_cast<T>(std::sin(angle));
    }
    elementwise_kernels<T>().round(dtype_, row, static_cast<int64_t>(2 * half));
  }
}

template <class T>
std::pair<const T*, const T*> RotaryTable<T>::angles(int32_t position) const {
  const size_t half = frequencies_.size();
  const T* row = values_.data() + static_cast<size_t>(position) * 2 * half;
  return {row, row + half};
}

template class RotaryTable<float>;
template class RotaryTable<double>;

}  // namespace lstar
