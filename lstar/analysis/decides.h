// What decides L*: the weights or the attention? A trace that is a product of a weights factor w_l and the rest a_l,
// which is attention, is held against each factor alone, and against itself with each in turn shuffled over the layers:
// neither is asked in another way than the other. Pure; safe from any thread.
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
  std::optional<int> weights_only;                           // of w_l: L* with a_l replaced by its mean
  std::optional<int> rest_only;                              // of a_l: L* with w_l replaced by its mean
  std::optional<int> attention_only;                         // of n - tr A: a_l itself, where that holds no weights
  std::optional<int> log;                                    // of log(w_l a_l)
  std::optional<double> weights_log_std, attention_log_std;  // over layers, population; none where a factor is not > 0
  std::optional<double> permutation_share;          // shuffles of a_l that leave L* where it is; near 1: no say
  std::optional<double> weights_permutation_share;  // of w_l
  std::optional<double> margin;                     // of l_star
  std::string verdict;                              // "weights", "attention", "either", "neither"; empty without an L*
  std::string reason;                               // why there is no verdict
};

// Orders of the layers, made once for all traces of a model. They depend on `seed` and the number of layers alone, and
// are the same on every platform.
struct Shuffles {
  size_t layers = 0;
  std::vector<size_t> orders;  // one after the other
};
Shuffles make_shuffles(size_t layers, uint64_t seed, int count);

// Verdict: "weights" if L* stands where the rest is replaced by its mean, and not where the weights are; "attention"
// the other way round; "either" if it stands both ways, "neither" (the product's own) if it falls both ways. An L* that
// `floor`, the trace's, leaves unresolved has none: what rounding could move is nothing to be explained.
// `attention` is a_l; `alone` is n - tr A, where that is not the same.
Decides what_decides(std::span<const double> weights, std::span<const double> attention, const Detector&,
                     const Shuffles&, std::span<const double> floor = {}, std::span<const double> alone = {});

// A number of each prompt: mean and population deviation, as the study's L* has them.
struct OverPrompts {
  double mean = 0, deviation = 0;
};

// What decides a study's L*, which is the mean over prompts of each prompt's own L*: that of each prompt, averaged in
// the same way.
struct StudyDecides {
  std::vector<Decides> per_prompt;  // of the prompts that have an L*, in their order
  std::optional<OverPrompts> l_star, weights_only, rest_only, attention_only, log;
  std::optional<double> weights_log_std, attention_log_std, permutation_share, weights_permutation_share;  // means
  std::optional<double> margin;                                                                            // mean
  std::string verdict;  // as in Decides; "varies" from prompt to prompt
  std::string reason;
};

// Verdict: the one that every prompt has, else "varies". None where an L* is not resolved.
StudyDecides decides_over_prompts(std::vector<Decides> per_prompt);

}  // namespace lstar
