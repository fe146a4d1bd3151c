// Numbers by layer and by head as CSV: what `lstar trace --csv` prints and what a study's folder holds. Pure.
#pragma once

#include <span>
#include <string>

#include "lstar/study/study.h"

namespace lstar {

// One model's rows; borrows.
struct TracedModel {
  const std::string& name;
  const Measurement& measurement;
  std::span<const ModelTraces> traces;  // traces_of(measurement)
};

// One row a model, prompt and layer; `texts` adds the prompts' texts to each. A number that does not exist leaves its
// field empty, and a prompt that could not be run has no rows.
std::string layers_csv(std::span<const TracedModel>, bool texts);

// One row a model, prompt, layer and head.
std::string heads_csv(std::span<const TracedModel>);

}  // namespace lstar
