// What decides L*: the weights or the attention? A trace that is a product of a weights factor w_l and an attention
// factor a_l is held against each factor alone, and against itself with a_l shuffled over the layers. Pure; safe from
// any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

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

// Orders of the layers, made once for all traces of a model. They depend on `seed` and the number of layers alone, and
// are the same on every platform.
struct Shuffles {
  size_t layers = 0;
  std::vector<size_t> orders;  // one after the other
};
Shuffles make_shuffles(size_t layers, uint64_t seed, int count);

// Verdict: "weights" if at least 0.9 of the shuffles leave L* where it is; else "attention" if L* is that of the
// attention alone and not that of the weights alone; else "both". An L* that `floor`, the trace's, leaves unresolved
// has none: what rounding could move is nothing to be explained.
Decides what_decides(std::span<const double> weights, std::span<const double> attention, const Detector&,
                     const Shuffles&, std::span<const double> floor = {});

// A number of each prompt: mean and population deviation, as the study's L* has them.
struct OverPrompts {
  double mean = 0, deviation = 0;
};

// What decides a study's L*, which is the mean over prompts of each prompt's own L*: that of each prompt, averaged in
// the same way.
struct StudyDecides {
  std::vector<Decides> per_prompt;  // of the prompts that have an L*, in their order
  std::optional<OverPrompts> l_star, weights_only, attention_only, log;
  std::optional<double> weights_log_std, attention_log_std, permutation_share, margin;  // means
  std::string verdict, reason;                                                          // as in Decides
};

// Verdict: "weights" if the mean share is at least 0.9; else "attention" if that is the answer of every prompt; else
// "both". None where an L* is not resolved.
StudyDecides decides_over_prompts(std::vector<Decides> per_prompt);

}  // namespace lstar
