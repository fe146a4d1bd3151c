#include "lstar/analysis/agreement.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "lstar/analysis/statistics.h"

namespace lstar {

std::optional<Agreement> agreement(std::span<const double> l_star) {
  if (l_star.size() < 2) return std::nullopt;
  std::map<double, double> prompts;  // by layer
  for (const double layer : l_star) ++prompts[layer];
  const double n = static_cast<double>(l_star.size());
  const auto mode = std::max_element(prompts.begin(), prompts.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  Agreement found{.mode = static_cast<int>(mode->first), .modal_share = mode->second / n};
  for (const auto& [layer, count] : prompts) found.entropy -= count / n * std::log(count / n);
  // Of a mean the pseudo-values are the values themselves.
  found.jackknife = population_deviation(l_star) / std::sqrt(n - 1);
  return found;
}

}  // namespace lstar
