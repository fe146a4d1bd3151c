// Is there one transition at all? The best single change point of a trace, against orders of its layers that have none.
// Definition and known answers: docs/mathematics.md. Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lstar/analysis/chance.h"

namespace lstar {

struct Transition {
  int layer = 0;         // the first of the later part, 1 ... layers - 1: where two constants describe the trace best
  double r_squared = 0;  // the share of its variance over layers that they explain
  Share as_good;         // orders of the layers whose best change point explains as much
};

// Of the mean over prompts of each trace divided by its sum. None for fewer than three layers, or where that mean is
// not finite or the same in every layer. Traces are of equal length.
std::optional<Transition> find_transition(std::span<const std::vector<double>> traces, uint64_t seed,
                                          int shuffles = 2'000);

}  // namespace lstar
