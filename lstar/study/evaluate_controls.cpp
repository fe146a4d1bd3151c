#include "lstar/study/evaluate_controls.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "lstar/analysis/statistics.h"

namespace lstar {
namespace {

const ControlMeasurement* shadow_of(std::span<const ControlMeasurement> controls) {
  for (const ControlMeasurement& one : controls)
    if (one.control.kind == ControlKind::shadow) return &one;
  return nullptr;
}

// The L* of a control's prompts, one a row; none where a row has none.
std::vector<Detection> detections(const Measurement& m, const std::string& estimator, const std::string& detector) {
  std::vector<Detection> found;
  for (size_t p = 0; p < m.seen.tokens.size(); ++p) {
    const Trace trace = trace_of(*find_estimator(estimator), m.seen, m.weights, p, m.numerics.dtype);
    found.push_back(trace.is_measured ? detect(*find_detector(detector), trace.trace, trace.floor) : Detection{});
  }
  return found;
}

std::vector<double> layers_of(const std::vector<Detection>& found) {
  std::vector<double> layers;
  for (const Detection& one : found)
    if (one.layer) layers.push_back(*one.layer);
  return layers;
}

// What stands against an L* once the same prompt was computed in another dtype; nothing where it stands.
std::string against(const Detector& detector, const PromptTrace& own, const Detection& found, const Trace& shadow,
                    Dtype dtype) {
  const Detection other = detect(detector, shadow.trace, shadow.floor);
  if (other.layer != found.layer)
    return other.layer ? fmt::format("in {} it is {}", name(dtype), *other.layer)
                       : fmt::format("in {} there is none: {}", name(dtype), other.reason);
  std::vector<double> moved;  // what the pass in front of the sum rounded
  for (size_t l = 0; l < own.trace.size(); ++l)
    moved.push_back(std::fabs(own.trace[l] - shadow.trace[l]) + own.floor[l]);
  if (detect(detector, own.trace, moved).resolved) return {};
  return fmt::format("what {} computes otherwise could move it", name(dtype));
}

UntrainedScore untrained_score(const Study& study, const ModelResult& model, const std::string& estimator,
                               std::span<const ControlMeasurement> controls) {
  UntrainedScore score;
  std::vector<double> means, errors;
  for (const ControlMeasurement& one : controls) {
    if (one.control.kind != ControlKind::untrained) continue;
    ++score.asked;
    if (!one.measurement) {
      score.reason = one.measurement.error().message();
      continue;
    }
    const std::vector<double> layers = layers_of(detections(*one.measurement, estimator, study.detector));
    if (layers.empty()) continue;
    means.push_back(mean(layers));
    if (model.predicted) errors.push_back(error_pct(*model.predicted, means.back(), model.measurement.shape.layers));
  }
  score.seeds = static_cast<int>(means.size());
  if (means.empty()) {
    if (score.reason.empty()) score.reason = "no twin has an L*";
    return score;
  }
  score.l_star = mean(means);
  score.l_star_std = population_deviation(means);
  if (!errors.empty()) score.error_pct = mean(errors);
  return score;
}

LengthScore length_score(const Study& study, const std::string& estimator, const ControlMeasurement& control) {
  LengthScore score{.tokens = control.control.number, .has_begin = control.control.has_begin};
  if (!control.measurement) {
    score.reason = control.measurement.error().message();
    return score;
  }
  const std::vector<Detection> found = detections(*control.measurement, estimator, study.detector);
  const std::vector<double> layers = layers_of(found);
  std::vector<double> margins;
  for (const Detection& one : found) {
    if (one.margin) margins.push_back(*one.margin);
    if (!one.layer && score.reason.empty()) score.reason = one.reason;
  }
  score.prompts = static_cast<int>(layers.size());
  if (layers.empty()) {
    for (const MeasuredPrompt& prompt : control.measurement->prompts)
      if (prompt.error && score.reason.empty()) score.reason = prompt.error->message();
    return score;
  }
  score.reason.clear();
  score.l_star = mean(layers);
  score.l_star_std = population_deviation(layers);
  score.agreement = agreement(layers);
  if (!margins.empty()) score.margin = mean(margins);
  return score;
}

}  // namespace

void apply_shadow(const Study& study, ModelResult& model, std::span<const ControlMeasurement> controls) {
  const Dtype dtype = model.measurement.numerics.dtype;
  const bool is_short = dtype == Dtype::float16 || dtype == Dtype::bfloat16;
  const ControlMeasurement* shadow = shadow_of(controls);
  if (!shadow && !is_short) return;
  const auto refuse = [](Detection& found, std::string why) {
    if (!found.layer || !found.resolved) return;
    found.resolved = false;
    found.reason = std::move(why);
  };
  for (ModelTraces& traces : model.traces)
    for (size_t p = 0; p < traces.prompts.size(); ++p) {
      PromptTrace& own = traces.prompts[p];
      if (!shadow || !shadow->measurement) {
        for (Detection& found : own.detections)
          refuse(found, shadow ? fmt::format("its shadow failed: {}", shadow->measurement.error().message())
                               : fmt::format("what {} rounds before the sum was not asked: --shadow", name(dtype)));
        continue;
      }
      const Measurement& m = *shadow->measurement;
      if (p >= m.seen.tokens.size()) continue;
      const Trace other = trace_of(*find_estimator(traces.estimator), m.seen, m.weights, p, m.numerics.dtype);
      if (!other.is_measured) continue;
      for (size_t d = 0; d < own.detections.size(); ++d) {
        Detection& found = own.detections[d];
        if (!found.layer || !found.resolved) continue;
        if (std::string why = against(detectors()[d], own, found, other, *study.controls.shadow); !why.empty())
          refuse(found, std::move(why));
      }
    }
}

void score_controls(const Study& study, const ModelResult& model, std::span<const ControlMeasurement> controls,
                    ModelScore& score) {
  if (const ControlMeasurement* shadow = shadow_of(controls)) {
    ShadowScore of{.dtype = study.controls.shadow.value_or(Dtype::float32)};
    if (!shadow->measurement) {
      of.reason = shadow->measurement.error().message();
    } else {
      const std::vector<Detection> found = detections(*shadow->measurement, score.estimator, study.detector);
      for (const MeasuredPrompt& prompt : model.measurement.prompts)
        of.l_star_per_prompt.push_back(prompt.row && *prompt.row < found.size() ? found[*prompt.row].layer
                                                                                : std::nullopt);
      for (size_t i = 0; i < of.l_star_per_prompt.size(); ++i) {
        of.prompts += score.l_star_per_prompt[i].has_value();
        of.same += score.l_star_per_prompt[i] && of.l_star_per_prompt[i] == score.l_star_per_prompt[i];
      }
    }
    score.shadow = std::move(of);
  }
  if (study.controls.untrained > 0) score.untrained = untrained_score(study, model, score.estimator, controls);
  for (const ControlMeasurement& one : controls)
    if (one.control.kind == ControlKind::length) score.lengths.push_back(length_score(study, score.estimator, one));
}

}  // namespace lstar
