#include "lstar/study/evaluate_controls.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/core.h>

#include "lstar/analysis/statistics.h"

namespace lstar {
namespace {

const ControlMeasurement* shadow_of(std::span<const ControlMeasurement> controls) {
  for (const ControlMeasurement& one : controls)
    if (one.control.kind == ControlKind::shadow) return &one;
  return nullptr;
}

std::vector<Trace> traces_by(const std::string& estimator, const Measurement& m) {
  std::vector<Trace> traces;
  for (size_t p = 0; p < m.seen.tokens.size(); ++p)
    traces.push_back(trace_of(*find_estimator(estimator), m.seen, m.weights, p, m.numerics.dtype));
  return traces;
}

// The L* of a control's prompts, one a row; none where a row has none.
std::vector<Detection> detections(const Measurement& m, const std::string& estimator, const std::string& detector) {
  std::vector<Detection> found;
  for (const Trace& trace : traces_by(estimator, m))
    found.push_back(trace.is_measured ? detect(*find_detector(detector), trace.trace, trace.floor) : Detection{});
  return found;
}

std::vector<double> layers_of(const std::vector<Detection>& found) {
  std::vector<double> layers;
  for (const Detection& one : found)
    if (one.layer) layers.push_back(*one.layer);
  return layers;
}

// An estimator's traces in Monte Carlo arithmetic, seed by seed.
class RandomTraces {
 public:
  RandomTraces(const std::string& estimator, std::span<const ControlMeasurement> controls) {
    for (const ControlMeasurement& one : controls)
      if (one.control.kind == ControlKind::mca && one.measurement)
        seeds_.push_back(traces_by(estimator, *one.measurement));
  }

  // What stands against an L* of a prompt; nothing where it stands.
  std::string against(size_t detector, size_t prompt, const Detection& found) const {
    if (!found.layer || !found.resolved) return {};
    int same = 0, all = 0;
    for (const std::vector<Trace>& traces : seeds_) {
      if (prompt >= traces.size() || !traces[prompt].is_measured) continue;
      ++all;
      same += detect(detectors()[detector], traces[prompt].trace, traces[prompt].floor).layer == found.layer;
    }
    if (seeds_.empty()) return "Monte Carlo arithmetic failed";
    if (same >= kLeastSeedShare * all) return {};
    return fmt::format("rounded at random it is elsewhere in {} of {}", all - same, all);
  }

 private:
  std::vector<std::vector<Trace>> seeds_;
};

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

McaScore mca_score(const Study& study, const ModelResult& model, const ModelScore& score,
                   std::span<const ControlMeasurement> controls) {
  McaScore of{.asked = study.controls.mca};
  const auto& prompts = model.measurement.prompts;
  std::vector<std::map<int, int>> found(prompts.size());  // of each prompt, seeds by layer
  std::vector<double> means;
  for (const ControlMeasurement& one : controls) {
    if (one.control.kind != ControlKind::mca) continue;
    if (!one.measurement) {
      of.reason = one.measurement.error().message();
      continue;
    }
    ++of.seeds;
    const std::vector<Detection> rows = detections(*one.measurement, score.estimator, study.detector);
    if (const std::vector<double> layers = layers_of(rows); !layers.empty()) means.push_back(mean(layers));
    for (size_t i = 0; i < prompts.size(); ++i)
      if (prompts[i].row && *prompts[i].row < rows.size())
        if (const auto layer = rows[*prompts[i].row].layer) ++found[i][*layer];
  }
  double same = 0, asked = 0;
  for (size_t i = 0; i < prompts.size(); ++i) {
    McaScore::OfPrompt& prompt = of.per_prompt.emplace_back();
    for (const auto& [layer, seeds] : found[i]) {
      prompt.layers.push_back(layer);
      prompt.seeds.push_back(seeds);
      if (layer == score.l_star_per_prompt[i]) prompt.same = seeds;
    }
    if (!score.l_star_per_prompt[i]) continue;
    same += prompt.same;
    asked += of.seeds;
  }
  if (asked > 0) of.same = same / asked;
  if (!means.empty()) of.l_star_std = population_deviation(means);
  return of;
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

void apply_rounding(const Study& study, ModelResult& model, std::span<const ControlMeasurement> controls) {
  const Dtype dtype = model.measurement.numerics.dtype;
  const bool is_short = dtype == Dtype::float16 || dtype == Dtype::bfloat16;
  const ControlMeasurement* shadow = shadow_of(controls);
  if (!shadow && study.controls.mca == 0 && !is_short) return;
  const auto refuse = [](Detection& found, std::string why) {
    if (!found.layer || !found.resolved || why.empty()) return;
    found.resolved = false;
    found.reason = std::move(why);
  };
  for (ModelTraces& traces : model.traces) {
    const std::vector<Trace> shadows =
        shadow && shadow->measurement ? traces_by(traces.estimator, *shadow->measurement) : std::vector<Trace>();
    const RandomTraces random(traces.estimator, controls);
    for (size_t p = 0; p < traces.prompts.size(); ++p)
      for (size_t d = 0; d < detectors().size(); ++d) {
        Detection& found = traces.prompts[p].detections[d];
        if (shadow && !shadow->measurement)
          refuse(found, fmt::format("its shadow failed: {}", shadow->measurement.error().message()));
        else if (p < shadows.size() && shadows[p].is_measured && found.layer && found.resolved)
          refuse(found, against(detectors()[d], traces.prompts[p], found, shadows[p], *study.controls.shadow));
        if (study.controls.mca > 0)
          refuse(found, random.against(d, p, found));
        else if (!shadow)
          refuse(found, fmt::format("what {} rounds before the sum was not asked: --shadow", name(dtype)));
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
  if (study.controls.mca > 0) score.mca = mca_score(study, model, score, controls);
  if (study.controls.untrained > 0) score.untrained = untrained_score(study, model, score.estimator, controls);
  for (const ControlMeasurement& one : controls)
    if (one.control.kind == ControlKind::length) score.lengths.push_back(length_score(study, score.estimator, one));
}

}  // namespace lstar
