#include "lstar/report/json/study_json.h"

#include <algorithm>

#include "lstar/report/text/notes.h"
#include "lstar/report/text/prompts_line.h"
#include "lstar/study/store/private_paths.h"
#include "lstar/version.h"

namespace lstar {
namespace {

// Of the L* that stands beside it: the mean over prompts of each prompt's own.
JsonValue decides_json(const StudyDecides& d, const std::string& estimator) {
  JsonValue out{{"verdict", json_or_null(d.verdict)}, {"attention_factor", attention_factor(estimator)}};
  const auto add = [&](const std::string& key, const std::optional<OverPrompts>& value) {
    out[key] = json_value(value ? std::optional(value->mean) : std::nullopt);
    out[key + "_std"] = json_value(value ? std::optional(value->deviation) : std::nullopt);
  };
  add("l_star", d.l_star);
  add("weights_only", d.weights_only);
  add("attention_only", d.attention_only);
  add("log", d.log);
  out["weights_log_std"] = json_value(d.weights_log_std);
  out["attention_log_std"] = json_value(d.attention_log_std);
  out["permutation_share"] = json_value(d.permutation_share);
  out["margin"] = json_value(d.margin);
  out["reason"] = json_or_null(d.reason);
  JsonValue prompts = JsonValue::array();
  for (const Decides& prompt : d.per_prompt)
    prompts.push_back({{"l_star", json_value(prompt.l_star)},
                       {"attention_only", json_value(prompt.attention_only)},
                       {"permutation_share", json_value(prompt.permutation_share)},
                       {"verdict", json_or_null(prompt.verdict)}});
  out["per_prompt"] = std::move(prompts);
  return out;
}

const ModelTraces* traces_named(const ModelResult& model, const std::string& estimator) {
  for (const ModelTraces& traces : model.traces)
    if (traces.estimator == estimator) return &traces;
  return nullptr;
}

JsonValue prompts_json(const Study& study, const ModelResult& model, const ModelScore& score) {
  const ModelTraces* traces = traces_named(model, score.estimator);
  const auto all = detectors();
  JsonValue prompts = JsonValue::array();
  for (size_t i = 0; i < model.measurement.prompts.size(); ++i) {
    const MeasuredPrompt& prompt = model.measurement.prompts[i];
    JsonValue entry{
        {"id", json_value(prompt.id)},
        {"text", json_value(prompt.text)},
        {"tokens", prompt.ids.size()},
        {"token_ids", prompt.ids},
        {"l_star", json_value(i < score.l_star_per_prompt.size() ? score.l_star_per_prompt[i] : std::nullopt)},
        {"resolved", i < score.resolved_per_prompt.size() && score.resolved_per_prompt[i]}};
    JsonValue reason = nullptr;
    if (prompt.error) reason = prompt.error->message();
    if (traces && prompt.row && *prompt.row < traces->prompts.size()) {
      const PromptTrace& trace = traces->prompts[*prompt.row];
      for (size_t k = 0; k < std::min(all.size(), trace.detections.size()); ++k)
        if (all[k].name == study.detector) reason = json_or_null(trace.detections[k].reason);
    }
    entry["reason"] = std::move(reason);
    entry["error"] = prompt.error ? JsonValue(prompt.error->message()) : JsonValue(nullptr);
    entry["kind"] = prompt.error ? JsonValue(name(prompt.error->kind)) : JsonValue(nullptr);
    prompts.push_back(std::move(entry));
  }
  return prompts;
}

JsonValue entry_json(const Study& study, const ModelResult& model, const ModelScore& score) {
  const Measurement& m = model.measurement;
  const auto expansion = [&]() -> JsonValue {
    if (!model.gain) return nullptr;
    return *model.gain < 1 ? "DAMPEN" : "EXPAND";
  };
  return {{"model", model.entry.name},
          {"lab", model.entry.lab},
          {"L", m.shape.layers},
          {"H", m.shape.heads},
          {"arch", m.shape.notebook_name},
          {"L_star_predicted", json_value(model.predicted)},
          {"L_star_empirical", json_value(score.l_star)},
          {"L_star_std", json_value(score.l_star_std)},
          {"error_pct", json_value(score.error_pct)},
          {"error_of_actual_pct", json_value(score.error_of_actual_pct)},
          {"resolved", score.resolved},
          {"reason", json_or_null(score.reason)},
          {"prediction_in_range", model.prediction_in_range},
          {"prediction_reason", json_or_null(model.no_prediction)},
          {"l_star_per_prompt",
           [&] {
             JsonValue values = JsonValue::array();
             for (const std::optional<int>& value : score.l_star_per_prompt) values.push_back(json_value(value));
             return values;
           }()},
          {"resolved_per_prompt", score.resolved_per_prompt},
          {"estimator", score.estimator},
          {"detector", study.detector},
          {"formula", study.formula},
          {"dtype", name(m.numerics.dtype)},
          {"head_layout", name(m.numerics.head_layout)},
          {"device", kDevice},
          {"backend", json_or_null(m.backend)},
          {"family", m.shape.family},
          {"kv_heads", m.shape.kv_heads},
          {"head_dim", m.shape.head_dim},
          {"hidden_size", m.shape.hidden},
          {"decides", score.decides ? decides_json(*score.decides, score.estimator) : JsonValue(nullptr)},
          {"gain", json_value(model.gain)},
          {"gain_class", expansion()},
          {"expected", json_or_null(model.entry.expected)},
          {"note", json_or_null(model.entry.note)},
          {"checkpoint", json_value(m.identity)},
          {"prompts", prompts_json(study, model, score)},
          {"warnings", m.warnings}};
}

// The notebook's keys and what stands beside them, for one estimator.
void add_block(JsonValue& block, const StudyResult& result, size_t e) {
  const EstimatorSummary& s = result.summaries[e];
  const Estimator* estimator = find_estimator(s.estimator);
  block["estimator"] = s.estimator;
  block["estimator_definition"] = estimator ? JsonValue(estimator->description) : JsonValue(nullptr);
  block["detector"] = result.study.detector;
  block["n_asked"] = s.asked;
  block["n_models"] = s.models;
  block["n_resolved"] = s.resolved;
  block["overall_mape"] = json_value(s.overall_mape);
  block["mape_of_actual"] = json_value(s.mape_of_actual);
  block["n_of_actual"] = s.models_of_actual;
  block["verdict"] = json_or_null(s.verdict);
  block["verdict_caveats"] = verdict_caveats(result, e);
  JsonValue left_out = JsonValue::array(), partly = JsonValue::array();
  for (const LeftOut& out : s.left_out)
    left_out.push_back({{"model", out.entry.name}, {"lab", out.entry.lab}, {"reason", out.reason}});
  for (const PartlyLeftOut& out : s.partly)
    partly.push_back({{"model", out.entry.name},
                      {"lab", out.entry.lab},
                      {"prompts_without", out.prompts},
                      {"prompts", out.of},
                      {"reason", out.reason}});
  block["left_out"] = std::move(left_out);
  block["partly_left_out"] = std::move(partly);
  if (!s.overall_mape) block["reason"] = "no model has both an L* and a prediction";
  block["in_sample_mape"] = json_value(s.in_sample_mape);
  block["out_of_sample_mape"] = json_value(s.out_of_sample_mape);
  JsonValue labs = JsonValue::array(), baselines = JsonValue::object(), results = JsonValue::array();
  for (const LabSummary& lab : s.labs)
    labs.push_back({{"lab", lab.lab}, {"n", lab.models}, {"mape", json_value(std::optional(lab.mape))}});
  for (const Baseline& baseline : s.baselines) baselines[baseline.name] = json_value(baseline.mape);
  for (const ModelResult& model : result.models)
    if (e < model.scores.size()) results.push_back(entry_json(result.study, model, model.scores[e]));
  block["labs"] = std::move(labs);
  block["baselines"] = std::move(baselines);
  block["results"] = std::move(results);
}

// What as_written multiplies with, where the head layout makes it another norm.
JsonValue as_written_w_v(const WeightNorms& norms) {
  return norms.w_v_cut_sq.empty() ? JsonValue(nullptr) : json_array(norms.w_v_cut_sq);
}

// Every trace of every model, so that figures can be drawn again.
JsonValue traces_json(const ModelResult& model) {
  JsonValue by_estimator = JsonValue::object();
  for (const ModelTraces& traces : model.traces) {
    JsonValue prompts = JsonValue::array();
    for (const PromptTrace& prompt : traces.prompts)
      prompts.push_back({{"trace", json_array(prompt.trace)},
                         {"rounding_floor", json_array(prompt.floor)},
                         {"l_star", json_detections(prompt.detections)}});
    by_estimator[traces.estimator] = std::move(prompts);
  }
  JsonValue norms = JsonValue::array();
  const Array2<double>& residual = model.measurement.seen.residual_norm;
  for (size_t p = 0; p < residual.dim0(); ++p) norms.push_back(json_array(residual[p]));
  return {{"model", model.entry.name},
          {"w_v_frobenius_sq", json_array(model.measurement.weights.w_v_sq)},
          {"w_v_as_written_frobenius_sq", as_written_w_v(model.measurement.weights)},
          {"w_o_frobenius_sq", json_array(model.measurement.weights.w_o_sq)},
          {"residual_norm", std::move(norms)},
          {"by_estimator", std::move(by_estimator)}};
}

}  // namespace

JsonValue study_json(const StudyResult& result) {
  const Study& study = result.study;
  JsonValue out;
  out["experiment"] = "L* Cross-Heritage Validation";
  out["timestamp"] = result.timestamp;
  out["formula"] = result.formula_text;
  out["formula_name"] = study.formula;
  if (!result.summaries.empty()) add_block(out, result, 0);

  JsonValue failed = JsonValue::array(), prompts = JsonValue::array(), traces = JsonValue::array();
  for (const FailedModel& model : result.failed)
    failed.push_back({{"model", model.entry.name},
                      {"lab", model.entry.lab},
                      {"error", model.error.message()},
                      {"kind", name(model.error.kind)},
                      {"file", json_or_null(model.error.file.empty() ? shown_path(model.entry) : model.error.file)}});
  JsonValue duplicates = JsonValue::array();
  for (const DuplicateModel& duplicate : result.duplicates)
    duplicates.push_back(
        {{"model", duplicate.entry.name}, {"lab", duplicate.entry.lab}, {"same_as", duplicate.same_as}});
  PromptsRead read = study.prompts_read;
  if (read.file.empty()) read.count = study.prompts.size();
  for (const Prompt& prompt : study.prompts)
    prompts.push_back({{"id", json_value(prompt.id)}, {"text", json_value(prompt.text)}, {"token_ids", prompt.ids}});
  for (const ModelResult& model : result.models) traces.push_back(traces_json(model));

  out["by_estimator"] = JsonValue::object();
  for (size_t e = 0; e < result.summaries.size(); ++e) {
    JsonValue block;
    add_block(block, result, e);
    out["by_estimator"][result.summaries[e].estimator] = std::move(block);
  }
  out["failed"] = std::move(failed);
  out["duplicates"] = std::move(duplicates);
  out["notes"] = study_notes(result);
  out["estimators"] = study.estimators;
  out["in_sample"] = study.in_sample;
  out["dtype"] = name(study.dtype);
  out["head_layout"] = name(study.head_layout);
  out["device"] = result.models.empty() ? JsonValue(nullptr) : JsonValue(kDevice);
  out["backend"] = result.models.empty() ? JsonValue(nullptr) : json_or_null(result.models[0].measurement.backend);
  out["seed"] = study.seed;
  out["version"] = kVersion;
  out["numerics"] = result.numerics;
  out["run"] = json_or_null(result.run);
  out["prompts_read"] = prompts_read_json(read, study.prompts.empty() ? std::nullopt : study.prompts.front().text);
  out["prompts"] = std::move(prompts);
  out["traces"] = std::move(traces);
  return out;
}

std::string study_json_text(const StudyResult& result) { return write_json(study_json(result)); }

}  // namespace lstar
