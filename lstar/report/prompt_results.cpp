#include "lstar/report/prompt_results.h"

#include <algorithm>
#include <cmath>

namespace lstar {

const ModelTraces* traces_named(std::span<const ModelTraces> all, const std::string& estimator) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const ModelTraces& t) { return t.estimator == estimator; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<PromptResult> prompt_results(const Study& study, const ModelResult& model, const ModelScore& score) {
  const ModelTraces* traces = traces_named(model.traces, score.estimator);
  const auto all = detectors();
  size_t detector = 0;
  while (detector < all.size() && all[detector].name != study.detector) ++detector;
  std::vector<PromptResult> results;
  size_t decided = 0;  // of those that have an L*
  for (size_t i = 0; i < model.measurement.prompts.size(); ++i) {
    const MeasuredPrompt& prompt = model.measurement.prompts[i];
    PromptResult result;
    if (i < score.l_star_per_prompt.size()) result.l_star = score.l_star_per_prompt[i];
    result.resolved = i < score.resolved_per_prompt.size() && score.resolved_per_prompt[i];
    if (traces && prompt.row && *prompt.row < traces->prompts.size()) {
      result.trace = &traces->prompts[*prompt.row];
      if (detector < result.trace->detections.size()) {
        result.margin = result.trace->detections[detector].margin;
        result.reason = result.trace->detections[detector].reason;
      }
    } else if (prompt.error) {
      result.reason = prompt.error->message();
    }
    if (result.l_star && score.decides && decided < score.decides->per_prompt.size())
      result.decides = &score.decides->per_prompt[decided++];
    results.push_back(std::move(result));
  }
  return results;
}

bool is_finite(const PromptTrace& prompt) {
  return !prompt.trace.empty() &&
         std::all_of(prompt.trace.begin(), prompt.trace.end(), [](double value) { return std::isfinite(value); });
}

MeanTrace mean_trace(const ModelTraces& traces) {
  MeanTrace mean;
  for (const PromptTrace& prompt : traces.prompts) {
    if (!is_finite(prompt)) continue;
    mean.trace.resize(prompt.trace.size());
    mean.floor.resize(prompt.trace.size());
    for (size_t l = 0; l < prompt.trace.size(); ++l) {
      mean.trace[l] += prompt.trace[l];
      mean.floor[l] += l < prompt.floor.size() ? prompt.floor[l] : 0;
    }
    ++mean.prompts;
  }
  for (double& value : mean.trace) value /= static_cast<double>(mean.prompts);
  for (double& value : mean.floor) value /= static_cast<double>(mean.prompts);
  return mean;
}

}  // namespace lstar
