#include "lstar/compute/cpu/rotary.h"

#include <algorithm>
#include <cmath>

#include "lstar/compute/cpu/elementwise.h"

namespace lstar {

template <class T>
void RotaryTable<T>::prepare(const RotarySpec& spec, std::span<const int32_t> positions) {
  constexpr size_t kKept = 4;
  const auto known = std::find_if(tables_.begin(), tables_.end(), [&](const Table& table) {
    return table.factor == spec.factor && table.frequencies == spec.frequencies;
  });
  if (known == tables_.end()) {
    if (tables_.size() == kKept) tables_.erase(tables_.begin());
    tables_.push_back({.frequencies = spec.frequencies, .factor = spec.factor, .values = {}});
  } else {
    std::rotate(known, known + 1, tables_.end());
  }
  Table& table = tables_.back();
  const size_t half = table.frequencies.size();
  if (half == 0 || positions.empty()) return;
  const size_t wanted = static_cast<size_t>(*std::max_element(positions.begin(), positions.end())) + 1;
  const size_t computed = table.values.size() / (2 * half);
  if (wanted <= computed) return;
  table.values.resize(wanted * 2 * half);
  for (size_t position = computed; position < wanted; ++position) {
    T* row = table.values.data() + position * 2 * half;
    for (size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(position) * table.frequencies[i];
      row[i] = static_cast<T>(std::cos(angle) * table.factor);
      row[half + i] = static_cast<T>(std::sin(angle) * table.factor);
    }
    elementwise_kernels<T>().round(rounding_, row, static_cast<int64_t>(2 * half));
  }
}

template <class T>
std::pair<const T*, const T*> RotaryTable<T>::angles(int32_t position) const {
  const Table& table = tables_.back();
  const size_t half = table.frequencies.size();
  const T* row = table.values.data() + static_cast<size_t>(position) * 2 * half;
  return {row, row + half};
}

template class RotaryTable<float>;
template class RotaryTable<double>;

}  // namespace lstar
