#include "lstar/analysis/residual_gain.h"

namespace lstar {

std::vector<double> residual_gains(const Array2<double>& norms, int layers) {
  std::vector<double> gains;
  if (layers < 2 || norms.empty()) return gains;
  const auto last = static_cast<size_t>(layers) - 1;
  for (size_t p = 0; p < norms.dim0(); ++p) gains.push_back(norms(p, last) / norms(p, last - 1));
  return gains;
}

}  // namespace lstar
