// What a study will take before it is run: an estimate from the shapes of its models, the tokens of its prompts, and
// how fast this machine multiplies. An order of magnitude, no more; nothing is measured of a model.
#pragma once

#include <cstdint>

#include "lstar/study/measure_controls.h"
#include "lstar/study/open_model.h"
#include "lstar/study/study.h"

namespace lstar {

struct ModelCost {
  int64_t tokens = 0;          // of the study's prompts
  int64_t control_tokens = 0;  // of its controls' prompts, over all of them
  int passes = 0;              // the study's, and one for each control
  double products = 0;         // multiplications and additions, of all passes and the norms of weights
  double drawn = 0;            // random numbers, of untrained twins
  double memory = 0;           // bytes of activations of the largest pass
  double store = 0;            // bytes that a store keeps of it
};

// Prompts that cannot be run cost nothing.
Result<ModelCost> cost_of(OpenModel&, const Study&);

// About how long this takes, given what the machine multiplies in a second: half of a pass of small models is something
// else, and a random number takes some 25 ns.
double seconds_of(const ModelCost&, double products_per_second);

// Multiplications and additions a second in this dtype, by all threads, of a matrix of a layer's size: a few runs of
// some tens of milliseconds.
Result<double> products_per_second(Dtype, int threads);

}  // namespace lstar
