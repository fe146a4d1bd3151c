// What a study found of each prompt by one estimator, as every rendering of it shows it. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lstar/study/study.h"

namespace lstar {

// The traces of this estimator; null if there are none.
const ModelTraces* traces_named(std::span<const ModelTraces>, const std::string& estimator);

struct PromptResult {
  std::optional<int> l_star;  // by the study's detector
  bool resolved = false;
  std::optional<double> margin;
  std::string reason;                  // why there is no L*, or why it is not resolved
  const PromptTrace* trace = nullptr;  // none where the prompt could not be run
  const Decides* decides = nullptr;    // none without an L*, and of estimators that have nothing to weigh
};

// In the order of the measurement's prompts. Borrows from the model.
std::vector<PromptResult> prompt_results(const Study&, const ModelResult&, const ModelScore&);

// A trace over prompts: the mean of those that are finite in every layer, and of their floors, which bounds the mean's
// rounding.
struct MeanTrace {
  size_t prompts = 0;
  std::vector<double> trace, floor;  // (layers); empty without a prompt
};
MeanTrace mean_trace(const ModelTraces&);
bool is_finite(const PromptTrace&);  // whether it is one of those

}  // namespace lstar
