// What decides L*: the weights or the attention? A trace that is a product of a weights factor w_l and an attention
// factor a_l is held against each factor alone, and against itself with a_l shuffled over the layers. Pure; safe from
// any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "lstar/analysis/detectors.h"

namespace lstar {

struct Decides {
  std::optional<int> l_star;                                 // of w_l a_l
  std::optional<int> weights_only;                           // of w_l
  std::optional<int> attention_only;                         // of a_l
  std::optional<int> log;                                    // of log(w_l a_l)
  std::optional<double> weights_log_std, attention_log_std;  // over layers, population; none where a factor is not > 0
  std::optional<double> permutation_share;  // shuffles of a_l that leave L* where it is; near 1: no say
  std::optional<double> margin;             // of l_star
  std::string verdict;                      // "weights", "attention", "both"; empty without an L*
  std::string reason;                       // why there is no verdict
};

// Verdict: "weights" if at least 0.9 of the shuffles leave L* where it is; else "attention" if L* is that of the
// attention alone and not that of the weights alone; else "both".
// The shuffles depend on `seed` and the number of layers alone, and are the same on every platform.
Decides what_decides(std::span<const double> weights, std::span<const double> attention, const Detector&,
                     uint64_t seed = 0, int permutations = 1000);

}  // namespace lstar
