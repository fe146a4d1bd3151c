#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <utility>

#include <fmt/core.h>

#include "lstar/analysis/residual_gain.h"
#include "lstar/analysis/statistics.h"
#include "lstar/base/catch_memory.h"
#include "lstar/study/evaluate_controls.h"
#include "lstar/study/study.h"
#include "lstar/study/summarize.h"

namespace lstar {
namespace {

size_t index_of_detector(const std::string& name) {
  const auto all = detectors();
  return static_cast<size_t>(find_detector(name) - all.data());
}

const ModelTraces& traces_named(const std::vector<ModelTraces>& traces, const std::string& estimator) {
  return *std::find_if(traces.begin(), traces.end(), [&](const ModelTraces& t) { return t.estimator == estimator; });
}

constexpr int kShuffles = 1000;  // of each factor of each prompt

// Each prompt's L* against the weights' factor and what is left of the trace without it.
std::optional<StudyDecides> decides(const ModelResult& model, const ModelTraces& traces, size_t detector,
                                    uint64_t seed) {
  const Measurement& m = model.measurement;
  const ModelTraces& alone = traces_named(model.traces, "attention_only");
  const Estimator& estimator = *find_estimator(traces.estimator);
  if (estimator.kind != EstimatorKind::product) return std::nullopt;  // there is nothing to weigh
  const auto layers = static_cast<size_t>(m.shape.layers);
  std::vector<size_t> rows;
  for (size_t row = 0; row < traces.prompts.size(); ++row)
    if (traces.prompts[row].detections[detector].layer) rows.push_back(row);
  if (rows.empty()) return std::nullopt;
  const Shuffles shuffles = make_shuffles(layers, seed, kShuffles);
  std::vector<Decides> per_prompt;
  for (const size_t row : rows) {
    const PromptTrace& prompt = traces.prompts[row];
    std::vector<double> weights, attention;  // the prompt's own: a norm behind W_O divides by what it sees of it
    for (size_t l = 0; l < layers; ++l) {
      weights.push_back(estimator.weights(layer_view(m.seen, m.weights, row, l)));
      attention.push_back(prompt.trace[l] / weights[l]);
    }
    const Detection& own = prompt.detections[detector];
    Decides d = what_decides(weights, attention, detectors()[detector], own.resolved ? shuffles : Shuffles{},
                             prompt.floor, alone.prompts[row].trace);
    // Factors multiplied anew may differ from the trace in the last place, and a tie be broken otherwise.
    d.l_star = own.layer;
    d.margin = own.margin;
    if (!own.resolved) {
      d.permutation_share.reset();
      d.weights_permutation_share.reset();
      d.verdict.clear();
      d.reason = own.reason;
    }
    per_prompt.push_back(std::move(d));
  }
  return decides_over_prompts(std::move(per_prompt));
}

ModelScore score(const Study& study, const ModelResult& model, const std::string& estimator) {
  const Measurement& m = model.measurement;
  const ModelTraces& traces = traces_named(model.traces, estimator);
  const size_t detector = index_of_detector(study.detector);
  ModelScore s{.estimator = estimator};
  std::vector<double> found;
  std::vector<size_t> rows;  // of these
  bool has_other_reasons = false;
  s.resolved = true;
  for (const MeasuredPrompt& prompt : m.prompts) {
    const Detection* detection = prompt.row ? &traces.prompts[*prompt.row].detections[detector] : nullptr;
    const bool has = detection && detection->layer;
    s.l_star_per_prompt.push_back(has ? detection->layer : std::nullopt);
    s.resolved_per_prompt.push_back(has && detection->resolved);
    if (has) found.push_back(*detection->layer), rows.push_back(*prompt.row);
    if (has && !detection->resolved) s.resolved = false;
    if (has) continue;
    const std::string reason = detection ? detection->reason : prompt.error->message();
    has_other_reasons |= !s.reason.empty() && reason != s.reason;
    if (s.reason.empty()) s.reason = reason;
  }
  if (found.empty()) {
    s.resolved = false;
    return s;
  }
  s.missing_reason = std::exchange(s.reason, {});
  if (has_other_reasons) s.missing_reason += ", and other reasons";
  s.l_star = mean(found);
  s.l_star_std = population_deviation(found);
  s.l_star_interval = interval_of_mean(found, study.seed);
  if (model.predicted) {
    s.error_pct = error_pct(*model.predicted, *s.l_star, m.shape.layers);
    s.error_of_actual_pct = error_of_actual_pct(*model.predicted, *s.l_star);
  }
  std::vector<std::vector<double>> found_in;
  for (const size_t row : rows) found_in.push_back(traces.prompts[row].trace);
  s.transition = find_transition(found_in, study.seed);
  s.gauge_spread = gauge_spread(*find_estimator(estimator), detectors()[detector], m.seen, m.weights, rows, study.seed);
  s.decides = decides(model, traces, detector, study.seed);
  return s;
}

// Of layer L-2 over prompts: its mean, the mean's interval, and a class where that leaves no doubt.
void find_gain(const Study& study, ModelResult& model) {
  const std::vector<double> gains =
      residual_gains(model.measurement.seen.residual_norm, model.measurement.shape.layers);
  if (gains.empty() || !std::isfinite(mean(gains))) return;
  model.gain = mean(gains);
  model.gain_interval = interval_of_mean(gains, study.seed);
  const Interval alike{*model.gain, *model.gain};  // prompts that all have the same
  if (gains.size() < 2) return;
  const Interval of = model.gain_interval.value_or(alike);
  if (of.high < 1) model.gain_class = "DAMPEN";
  if (of.low > 1) model.gain_class = "EXPAND";
}

}  // namespace

bool is_broken(const PromptTrace& prompt) {
  return std::any_of(prompt.detections.begin(), prompt.detections.end(),
                     [](const Detection& found) { return found.broken_from.has_value(); });
}

std::vector<ModelTraces> traces_of(const Measurement& m, NanPolicy policy) {
  std::vector<ModelTraces> all;
  for (const Estimator& estimator : estimators()) {
    ModelTraces traces{.estimator = std::string(estimator.name)};
    for (size_t p = 0; p < m.seen.tokens.size(); ++p) {
      Trace trace = trace_of(estimator, m.seen, m.weights, p, m.numerics.dtype);
      PromptTrace prompt{.trace = std::move(trace.trace), .floor = std::move(trace.floor)};
      prompt.detections = detect_all(prompt.trace, prompt.floor, policy);
      for (Detection& detection : prompt.detections) {
        if (!trace.is_measured) {
          detection = {.rule = detection.rule, .reason = "not measured"};
        } else if (m.shape.layers == 1) {
          detection = {.rule = detection.rule, .reason = "the model has one layer, and L* is a change between layers"};
        } else if (m.seen.tokens[p] == 1 && estimator.wants.bits != 0) {
          detection.resolved = false;
          detection.reason = "a prompt of one token attends to itself alone";
        }
      }
      traces.is_measured = traces.is_measured && trace.is_measured;
      traces.prompts.push_back(std::move(prompt));
    }
    all.push_back(std::move(traces));
  }
  return all;
}

const std::string& shown_path(const ModelEntry& entry) {
  return entry.written_path.empty() ? entry.path : entry.written_path;
}

Result<void> check(const Study& study) {
  const auto names = [](const auto& table) {
    std::string all;
    for (const auto& entry : table) all += (all.empty() ? "one of " : ", ") + std::string(entry.name);
    return all;
  };
  if (study.models.empty()) return fail(ErrorKind::argument, "no models to run");
  if (study.prompts.empty()) return fail(ErrorKind::argument, "no prompts to run");
  if (study.estimators.empty())
    return fail({.kind = ErrorKind::argument, .what = "no estimators", .expected = names(estimators())});
  for (const std::string& name : study.estimators)
    if (!find_estimator(name))
      return fail(
          {.kind = ErrorKind::argument, .what = "unknown estimator", .expected = names(estimators()), .found = name});
  if (!find_detector(study.detector))
    return fail({.kind = ErrorKind::argument,
                 .what = "unknown detector",
                 .expected = names(detectors()),
                 .found = study.detector});
  if (!find_formula(study.formula))
    return fail({.kind = ErrorKind::argument,
                 .what = "unknown formula",
                 .expected = names(formulas()),
                 .found = study.formula});
  if (study.controls.mca > 0 && study.dtype == Dtype::float64)
    return fail(ErrorKind::argument,
                "Monte Carlo arithmetic (mca) rounds results at random: of float16, bfloat16 or float32, float64 has "
                "nothing wider to be rounded from");
  return {};
}

namespace {

// Whether there is an L*, and rounding in the summation could move none of them.
bool is_resolved_by_summation(const ModelTraces& traces, size_t detector) {
  bool any = false;
  for (const PromptTrace& prompt : traces.prompts) {
    const Detection& found = prompt.detections[detector];
    if (found.layer && !found.resolved) return false;
    any = any || found.layer;
  }
  return any;
}

// The three questions of what is resolved, apart: the last of them decides with the others.
void answer_apart(const Study& study, bool by_summation, ModelScore& s) {
  s.resolved_by_summation = by_summation;
  // What the sum leaves open the pass cannot answer.
  if (s.l_star && s.resolved_by_summation &&
      (usual_shadow(study.dtype) || study.controls.shadow || study.controls.mca > 0))
    s.resolved_by_pass = s.resolved;
  std::vector<double> layers;
  for (const std::optional<int>& layer : s.l_star_per_prompt)
    if (layer) layers.push_back(*layer);
  s.agreement = agreement(layers);
  if (s.agreement) s.resolved_by_prompts = s.agreement->modal_share >= kLeastModalShare;
  if (s.resolved_by_prompts == false) s.resolved = false;
}

Result<ModelResult> evaluated(const Study& study, const ModelEntry& entry, Measurement measurement,
                              const std::vector<ControlMeasurement>& controls) {
  const auto& prompts = measurement.prompts;
  if (std::all_of(prompts.begin(), prompts.end(), [](const MeasuredPrompt& p) { return p.error.has_value(); })) {
    Error error = prompts.empty() ? Error{.kind = ErrorKind::argument, .what = "no prompts"} : *prompts.front().error;
    error.what = "every prompt failed: " + error.what;
    return fail(std::move(error).in(entry.path));
  }
  ModelResult r{.entry = entry, .measurement = std::move(measurement)};
  const ModelShape& shape = r.measurement.shape;
  const auto overruled = [&](const char* what, const std::optional<int>& said, int is) {
    if (!said || *said == is) return;
    r.measurement.warnings.push_back(fmt::format("the manifest says {} {}, the checkpoint has {}", *said, what, is));
  };
  overruled("layers", entry.layers, shape.layers);
  overruled("heads", entry.heads, shape.heads);
  find_gain(study, r);
  const Prediction prediction = predict(*find_formula(study.formula), shape.layers, shape.heads, r.gain);
  r.predicted = prediction.l_star;
  r.no_prediction = prediction.reason;
  r.prediction_in_range = !r.predicted || in_range(*r.predicted, shape.layers);
  r.traces = traces_of(r.measurement, NanPolicy::report);
  std::vector<bool> by_summation;  // before what their pass rounded counts
  for (const std::string& estimator : study.estimators)
    by_summation.push_back(
        is_resolved_by_summation(traces_named(r.traces, estimator), index_of_detector(study.detector)));
  apply_rounding(study, r, controls);
  for (size_t e = 0; e < study.estimators.size(); ++e) {
    r.scores.push_back(score(study, r, study.estimators[e]));
    ModelScore& s = r.scores.back();
    answer_apart(study, by_summation[e], s);
    score_controls(study, r, controls, s);
  }
  return r;
}

}  // namespace

std::optional<Dtype> usual_shadow(Dtype dtype) {
  return dtype == Dtype::float16 || dtype == Dtype::bfloat16 ? std::optional(Dtype::float32) : std::nullopt;
}

Result<ModelResult> evaluate_model(const Study& study, const ModelEntry& entry, Measurement measurement,
                                   const std::vector<ControlMeasurement>& controls) {
  return catch_memory("evaluating the model", entry.path,
                      [&] { return evaluated(study, entry, std::move(measurement), controls); });
}

bool same_checkpoint(const Measurement& a, const Measurement& b) {
  // NaN equals itself here: the bits are compared.
  const auto equal = [](const auto& x, const auto& y) {
    return x.size() == y.size() && (x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof x[0]) == 0);
  };
  const ModelShape &s = a.shape, &t = b.shape;
  if (s.layers != t.layers || s.heads != t.heads || s.kv_heads != t.kv_heads || s.hidden != t.hidden) return false;
  if (!std::equal(a.prompts.begin(), a.prompts.end(), b.prompts.begin(), b.prompts.end(),
                  [](const MeasuredPrompt& p, const MeasuredPrompt& q) { return p.ids == q.ids && p.row == q.row; }))
    return false;
  const Observation &x = a.seen, &y = b.seen;
  return equal(a.weights.w_v_sq, b.weights.w_v_sq) && equal(a.weights.w_o_sq, b.weights.w_o_sq) &&
         equal(a.weights.ov_sq.values(), b.weights.ov_sq.values()) &&
         equal(x.residual_norm.values(), y.residual_norm.values()) && equal(x.diagonal.values(), y.diagonal.values()) &&
         equal(x.off_diagonal.values(), y.off_diagonal.values()) &&
         equal(x.rounded_sum.values(), y.rounded_sum.values()) && equal(x.entropy.values(), y.entropy.values()) &&
         equal(x.output_scale_sq.values(), y.output_scale_sq.values()) &&
         equal(x.overlap.values(), y.overlap.values()) &&
         equal(a.weights.ov_products.values(), b.weights.ov_products.values());
}

std::optional<size_t> earlier_same(const std::vector<Result<ModelResult>>& models, size_t model) {
  for (size_t i = 0; models[model] && i < model; ++i)
    if (models[i] && same_checkpoint(models[i]->measurement, models[model]->measurement)) return i;
  return std::nullopt;
}

Wants wants_of(const std::vector<std::string>& estimators) {
  Wants wants = Want::residual_norm;
  for (const std::string& name : estimators)
    if (const Estimator* estimator = find_estimator(name)) wants = wants | estimator->wants;
  return wants;
}

Wants wants_of(const Study& study) {
  const Wants wants = wants_of(study.estimators) | Want::entropy;
  return study.spectral ? wants | Want::spectral : wants;
}

namespace {

// The earlier model that is the same checkpoint, if there is one.
const ModelResult* earlier(const std::vector<ModelResult>& models, const ModelResult& model) {
  for (const ModelResult& other : models)
    if (same_checkpoint(other.measurement, model.measurement)) return &other;
  return nullptr;
}

}  // namespace

bool is_complete(const ModelResult& model) { return !model.scores.empty() && model.scores.front().l_star.has_value(); }

bool is_complete(const StudyResult& result) {
  const auto is_asked = [&](const ModelTraces& traces) {
    const auto& names = result.study.estimators;
    return std::find(names.begin(), names.end(), traces.estimator) != names.end();
  };
  for (const ModelResult& model : result.models) {
    if (!is_complete(model)) return false;
    for (const MeasuredPrompt& prompt : model.measurement.prompts)
      if (prompt.error) return false;
    for (const ModelTraces& traces : model.traces)
      for (const PromptTrace& prompt : traces.prompts)
        if (is_asked(traces) && is_broken(prompt)) return false;
  }
  return result.failed.empty() && !result.models.empty();
}

namespace {

StudyResult evaluated(const Study& study, std::vector<Result<ModelResult>> models, std::string timestamp) {
  StudyResult result{.study = study,
                     .formula_text = std::string(find_formula(study.formula)->text),
                     .timestamp = std::move(timestamp)};
  for (size_t i = 0; i < models.size(); ++i) {
    if (!models[i])
      result.failed.push_back({study.models[i], std::move(models[i]).error()});
    else if (const ModelResult* same = earlier(result.models, *models[i]))
      result.duplicates.push_back({study.models[i], same->entry.name});
    else
      result.models.push_back(*std::move(models[i]));
  }
  NoiseDesigns designs(study.seed);
  for (size_t e = 0; e < study.estimators.size(); ++e) result.summaries.push_back(summarize(result, e, designs));
  result.comparisons = compare_all(result, designs);
  return result;
}

}  // namespace

Result<StudyResult> evaluate(const Study& study, std::vector<Result<ModelResult>> models, std::string timestamp) {
  return catch_memory("evaluating the study", [&]() -> Result<StudyResult> {
    return evaluated(study, std::move(models), std::move(timestamp));
  });
}

}  // namespace lstar
