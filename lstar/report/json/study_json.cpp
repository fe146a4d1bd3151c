#include "lstar/report/json/study_json.h"

#include <algorithm>

#include <fmt/core.h>

#include "lstar/report/detail.h"
#include "lstar/report/json/chance_json.h"
#include "lstar/report/json/controls_json.h"
#include "lstar/report/json/series_json.h"
#include "lstar/report/prompt_results.h"
#include "lstar/report/text/notes.h"
#include "lstar/report/text/prompts_line.h"
#include "lstar/version.h"

namespace lstar {
namespace {

// One value a prompt, in their order; null where there is none.
template <class Value>
JsonValue per_prompt(const std::vector<PromptResult>& prompts, Value value) {
  JsonValue list = JsonValue::array();
  for (const PromptResult& prompt : prompts) list.push_back(value(prompt));
  return list;
}

// Of the L* that stands beside it: the mean over prompts of each prompt's own.
JsonValue decides_json(const StudyDecides& d, const std::string& estimator, int layers,
                       const std::vector<PromptResult>& prompts) {
  JsonValue out{{"verdict", json_or_null(d.verdict)}, {"attention_factor", attention_factor(estimator)}};
  const auto add = [&](const std::string& key, const std::optional<OverPrompts>& value) {
    out[key] = json_value(value ? std::optional(value->mean) : std::nullopt);
    out[key + "_std"] = json_value(value ? std::optional(value->deviation) : std::nullopt);
  };
  add("l_star", d.l_star);
  add("weights_only", d.weights_only);
  add("rest_only", d.rest_only);
  add("attention_only", d.attention_only);
  add("log", d.log);
  out["weights_log_std"] = json_value(d.weights_log_std);
  out["attention_log_std"] = json_value(d.attention_log_std);
  out["permutation_share"] = json_value(d.permutation_share);
  out["weights_permutation_share"] = json_value(d.weights_permutation_share);
  out["chance_share"] = layers > 1 ? JsonValue(1.0 / (layers - 1)) : JsonValue(nullptr);
  out["margin"] = json_value(d.margin);
  out["reason"] = json_or_null(d.reason);
  const auto add_each = [&](const char* key, auto value) {
    out[key] = per_prompt(prompts, [&](const PromptResult& prompt) -> JsonValue {
      if (!prompt.decides) return nullptr;
      return value(*prompt.decides);
    });
  };
  add_each("attention_only_per_prompt", [](const Decides& of) { return json_value(of.attention_only); });
  add_each("permutation_share_per_prompt", [](const Decides& of) { return json_value(of.permutation_share); });
  add_each("weights_permutation_share_per_prompt",
           [](const Decides& of) { return json_value(of.weights_permutation_share); });
  add_each("verdict_per_prompt", [](const Decides& of) { return json_or_null(of.verdict); });
  return out;
}

JsonValue gauge_json(const std::optional<GaugeSpread>& spread) {
  if (!spread) return nullptr;
  return {{"low", spread->low}, {"high", spread->high}, {"gauges", spread->gauges}};
}

JsonValue transition_json(const std::optional<Transition>& found) {
  if (!found) return nullptr;
  return {{"layer", found->layer},
          {"r_squared", found->r_squared},
          {"p", found->as_good.p},
          {"p_error", found->as_good.error}};
}

JsonValue failed_prompts_json(const Measurement& m) {
  JsonValue failed = JsonValue::array();
  for (size_t i = 0; i < m.prompts.size(); ++i)
    if (const auto& error = m.prompts[i].error)
      failed.push_back({{"prompt", i + 1}, {"error", error->message()}, {"kind", name(error->kind)}});
  return failed;
}

JsonValue entry_json(const Study& study, const ModelResult& model, const ModelScore& score) {
  const Measurement& m = model.measurement;
  const std::vector<PromptResult> prompts = prompt_results(study, model, score);
  return {{"model", model.entry.name},
          {"lab", model.entry.lab},
          {"L", m.shape.layers},
          {"H", m.shape.heads},
          {"arch", m.shape.notebook_name},
          {"L_star_predicted", json_value(model.predicted)},
          {"L_star_empirical", json_value(score.l_star)},
          {"L_star_std", json_value(score.l_star_std)},
          {"L_star_interval", json_interval(score.l_star_interval)},
          {"error_pct", json_value(score.error_pct)},
          {"error_of_actual_pct", json_value(score.error_of_actual_pct)},
          {"resolved", score.resolved},
          {"resolved_by", resolved_by_json(score)},
          {"agreement", agreement_json(score.agreement)},
          {"reason", json_or_null(score.reason)},
          {"prediction_in_range", model.prediction_in_range},
          {"prediction_reason", json_or_null(model.no_prediction)},
          {"l_star_per_prompt", per_prompt(prompts, [](const PromptResult& p) { return json_value(p.l_star); })},
          {"resolved_per_prompt", per_prompt(prompts, [](const PromptResult& p) { return p.resolved; })},
          {"margin_per_prompt", per_prompt(prompts, [](const PromptResult& p) { return json_value(p.margin); })},
          {"reason_per_prompt", per_prompt(prompts, [](const PromptResult& p) { return json_or_null(p.reason); })},
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
          {"decides",
           score.decides ? decides_json(*score.decides, score.estimator, m.shape.layers, prompts) : JsonValue(nullptr)},
          {"controls", controls_json(score)},
          {"transition", transition_json(score.transition)},
          {"gauge_spread", gauge_json(score.gauge_spread)},
          {"gain", json_value(model.gain)},
          {"gain_interval", json_interval(model.gain_interval)},
          {"gain_class", json_or_null(model.gain_class)},
          {"expected", json_or_null(model.entry.expected)},
          {"note", json_or_null(model.entry.note)},
          {"checkpoint", json_value(m.identity)},
          {"failed_prompts", failed_prompts_json(m)},
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
  const StudyChance& chance = s.chance;
  block["better_than_chance"] = chance.better_than_chance ? JsonValue(*chance.better_than_chance) : JsonValue(nullptr);
  block["chance"] = chance_json(chance);
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
    labs.push_back({{"lab", lab.lab},
                    {"n", lab.models},
                    {"mape", json_value(std::optional(lab.mape))},
                    {"interval", json_interval(lab.interval)}});
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

// One list of layers for each prompt that ran.
JsonValue rows_json(const Array2<double>& values) {
  JsonValue rows = JsonValue::array();
  for (size_t p = 0; p < values.dim0(); ++p) rows.push_back(json_array(values[p]));
  return rows;
}

std::vector<double> mean_over_prompts(const Array2<double>& values) {
  std::vector<double> mean(values.dim0() > 0 ? values.dim1() : 0);
  for (size_t l = 0; l < mean.size(); ++l) {
    for (size_t p = 0; p < values.dim0(); ++p) mean[l] += values(p, l);
    mean[l] /= static_cast<double>(values.dim0());
  }
  return mean;
}

// (layers, heads), as lists in a list; null where it was not measured.
JsonValue heads_json(const Array3<double>& of_prompts) {
  if (of_prompts.empty()) return nullptr;
  Array2<double> mean(of_prompts.dim1(), of_prompts.dim2());
  for (size_t l = 0; l < mean.dim0(); ++l)
    for (size_t h = 0; h < mean.dim1(); ++h) {
      for (size_t p = 0; p < of_prompts.dim0(); ++p) mean(l, h) += of_prompts(p, l, h);
      mean(l, h) /= static_cast<double>(of_prompts.dim0());
    }
  return rows_json(mean);
}

JsonValue per_head_json(const Measurement& m) {
  return {{"diagonal_sum_mean", heads_json(m.seen.diagonal)},
          {"off_diagonal_sum_mean", heads_json(m.seen.off_diagonal)},
          {"ov_frobenius_sq", rows_json(m.weights.ov_sq)},
          {"w_v_frobenius_sq_per_kv_head", rows_json(m.weights.w_v_head_sq)}};
}

// The traces of a model: their mean always, and each prompt's where there are few.
JsonValue traces_json(const ModelResult& model, const ModelSeries& series, bool spectral, bool per_head) {
  const Measurement& m = model.measurement;
  const bool each = shows_each(m.prompts.size(), Detail::by_count);
  JsonValue by_estimator = nullptr, mean = JsonValue::object(), reason = nullptr;
  if (each) by_estimator = JsonValue::object();
  for (const ModelTraces& traces : model.traces) {
    const MeanTrace over = mean_trace(traces);
    mean[traces.estimator] = {
        {"trace", json_array(over.trace)}, {"rounding_floor", json_array(over.floor)}, {"prompts", over.prompts}};
    if (!each) continue;
    JsonValue prompts = JsonValue::array();
    for (const PromptTrace& prompt : traces.prompts)
      prompts.push_back({{"trace", json_array(prompt.trace)},
                         {"rounding_floor", json_array(prompt.floor)},
                         {"l_star", json_detections(prompt.detections)}});
    by_estimator[traces.estimator] = std::move(prompts);
  }
  if (!each)
    reason =
        fmt::format("left out of more than {} prompts; --out writes each one's as l_star_traces_*.csv", kFewPrompts);
  return {{"model", model.entry.name},
          {"w_v_frobenius_sq", json_array(m.weights.w_v_sq)},
          {"w_v_as_written_frobenius_sq", as_written_w_v(m.weights)},
          {"w_o_frobenius_sq", json_array(m.weights.w_o_sq)},
          {"residual_norm_mean", json_array(mean_over_prompts(m.seen.residual_norm))},
          {"residual_gain_mean", json_array(series.residual_gain.by_layer)},
          {"series", series_json(series, m.shape.layers, spectral)},
          {"residual_norm", each ? rows_json(m.seen.residual_norm) : JsonValue(nullptr)},
          {"per_head", per_head ? per_head_json(m) : JsonValue(nullptr)},
          {"mean", std::move(mean)},
          {"by_estimator", std::move(by_estimator)},
          {"reason", std::move(reason)}};
}

// The token ids of texts: once for all models whose tokenizers gave the same. Those of prompts that were asked for by
// their ids stand with these.
JsonValue tokenizations_json(const StudyResult& result) {
  struct Group {
    const std::vector<MeasuredPrompt>& prompts;
    std::vector<std::string> models;
  };
  std::vector<Group> groups;
  for (const ModelResult& model : result.models) {
    const auto& prompts = model.measurement.prompts;
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
      return std::equal(prompts.begin(), prompts.end(), group.prompts.begin(), group.prompts.end(),
                        [](const MeasuredPrompt& a, const MeasuredPrompt& b) { return a.ids == b.ids; });
    });
    if (same == groups.end())
      groups.push_back({prompts, {model.entry.name}});
    else
      same->models.push_back(model.entry.name);
  }
  JsonValue list = JsonValue::array();
  for (const Group& group : groups) {
    JsonValue ids = JsonValue::array();
    for (const MeasuredPrompt& prompt : group.prompts)
      ids.push_back(prompt.text ? JsonValue(prompt.ids) : JsonValue(nullptr));
    list.push_back({{"models", group.models}, {"token_ids", std::move(ids)}});
  }
  return list;
}

JsonValue wishes_json(const ControlWishes& wishes) {
  return {{"shadow", wishes.shadow ? JsonValue(name(*wishes.shadow)) : JsonValue(nullptr)},
          {"mca", wishes.mca},
          {"untrained", wishes.untrained},
          {"lengths", wishes.lengths}};
}

}  // namespace

JsonValue study_json(const StudyResult& result, bool per_head) {
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
  const StudySeries series = series_of(result);
  for (size_t i = 0; i < result.models.size(); ++i)
    traces.push_back(traces_json(result.models[i], series.models[i], study.spectral, per_head));

  out["by_estimator"] = JsonValue::object();
  for (size_t e = 0; e < result.summaries.size(); ++e) {
    JsonValue block;
    add_block(block, result, e);
    out["by_estimator"][result.summaries[e].estimator] = std::move(block);
  }
  out["comparisons"] = comparisons_json(result);
  out["series_by_lab"] = lab_series_json(series);
  out["gain_bound"] = gain_bound_json(series);
  out["failed"] = std::move(failed);
  out["duplicates"] = std::move(duplicates);
  out["notes"] = study_notes(result);
  out["estimators"] = study.estimators;
  out["in_sample"] = study.in_sample;
  out["controls"] = wishes_json(study.controls);
  out["spectral"] = study.spectral;
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
  out["tokenizations"] = tokenizations_json(result);
  out["traces"] = std::move(traces);
  return out;
}

std::string study_json_text(const StudyResult& result, bool per_head) {
  return write_json(study_json(result, per_head));
}

}  // namespace lstar
