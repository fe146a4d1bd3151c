// ALiBi's slopes (Press, Smith, Lewis: "Train Short, Test Long", 2022), for any number of heads.
#pragma once

#include <cmath>
#include <vector>

namespace lstar {

// With 2^k heads the slopes are the geometric sequence that starts at 2^(-8/2^k) with itself as ratio. Other counts
// take the sequence of the power of two below and fill up with every second slope of the power of two above.
inline std::vector<double> alibi_slopes(int heads) {
  int power = 1;
  while (power * 2 <= heads) power *= 2;
  std::vector<double> slopes;
  for (int h = 1; h <= power; ++h) slopes.push_back(std::exp2(-8.0 * h / power));
  for (int h = 1; static_cast<int>(slopes.size()) < heads; h += 2) slopes.push_back(std::exp2(-4.0 * h / power));
  return slopes;
}

}  // namespace lstar
