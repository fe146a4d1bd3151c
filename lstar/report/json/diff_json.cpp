#include "lstar/report/json/diff_json.h"

#include <span>

namespace lstar {
namespace {

template <class T>
JsonValue or_null(const std::optional<T>& value) {
  return value ? JsonValue(*value) : JsonValue(nullptr);
}

JsonValue both(JsonValue a, JsonValue b) { return {{"a", std::move(a)}, {"b", std::move(b)}}; }

JsonValue values_json(std::span<const ValueDifference> differences) {
  JsonValue list = JsonValue::array();
  for (const ValueDifference& d : differences)
    list.push_back({{"what", d.what}, {"a", or_null(d.a)}, {"b", or_null(d.b)}});
  return list;
}

JsonValue prompt_json(const PromptDifference& d, bool is_of_a) {
  const ReportedPrompt& prompt = is_of_a ? d.before : d.after;
  const std::optional<size_t>& number = is_of_a ? d.a : d.b;
  if (!number) return nullptr;
  return {{"prompt", *number + 1},
          {"id", json_or_null(prompt.id)},
          {"text", or_null(prompt.text)},
          {"token_ids", prompt.ids}};
}

JsonValue prompts_json(const PromptsDiff& prompts) {
  if (!prompts.is_comparable) return nullptr;
  JsonValue changed = JsonValue::array();
  for (const PromptDifference& d : prompts.changed)
    changed.push_back(both(prompt_json(d, true), prompt_json(d, false)));
  return {{"a", prompts.a}, {"b", prompts.b}, {"reordered", prompts.is_reordered}, {"changed", std::move(changed)}};
}

JsonValue score_json(const ReportedScore& score) {
  return {{"l_star", or_null(score.l_star.value)},         {"l_star_std", or_null(score.deviation.value)},
          {"resolved", or_null(score.resolved.value)},     {"error_pct", or_null(score.error_pct.value)},
          {"decided_by", or_null(score.decided_by.value)}, {"reason", or_null(score.reason.value)}};
}

JsonValue score_json(const ScoreDiff& d) {
  JsonValue changed = JsonValue::array(), prompts = JsonValue::array();
  for (const auto& [is_changed, what] : {std::pair{d.l_star, "l_star"},
                                         {d.deviation, "l_star_std"},
                                         {d.resolved, "resolved"},
                                         {d.error, "error_pct"},
                                         {d.decided, "decided_by"},
                                         {d.reason, "reason"}})
    if (is_changed) changed.push_back(what);
  for (const LayerDifference& one : d.prompts)
    prompts.push_back(
        both({{"prompt", one.prompt_a + 1}, {"l_star", or_null(one.a)}, {"resolved", one.is_resolved_a}},
             {{"prompt", one.prompt_b + 1}, {"l_star", or_null(one.b)}, {"resolved", one.is_resolved_b}}));
  return {
      {"estimator", d.estimator},     {"changed", std::move(changed)},          {"a", score_json(d.a)},
      {"b", score_json(d.b)},         {"prompts_compared", d.prompts_compared}, {"prompts_changed", d.prompts.size()},
      {"prompts", std::move(prompts)}};
}

JsonValue models_json(const ResultDiff& diff) {
  JsonValue changed = JsonValue::array();
  for (const ModelDiff& model : diff.models) {
    JsonValue scores = JsonValue::array();
    for (const ScoreDiff& score : model.scores) scores.push_back(score_json(score));
    changed.push_back({{"a", model.a},
                       {"b", model.b},
                       {"asked", values_json(model.asked)},
                       {"outcome", values_json(model.outcome)},
                       {"prompts_with_other_token_ids", model.other_tokens},
                       {"by_estimator", std::move(scores)}});
  }
  return {{"compared", diff.models_compared},
          {"removed", diff.models_removed},
          {"added", diff.models_added},
          {"changed", std::move(changed)}};
}

JsonValue summary_json(const ReportedSummary& s) {
  JsonValue caveats = JsonValue::array();
  for (const std::string& caveat : s.caveats.value.value_or(std::vector<std::string>())) caveats.push_back(caveat);
  return {{"verdict", or_null(s.verdict.value)},
          {"overall_mape", or_null(s.overall_mape.value)},
          {"mape_of_actual", or_null(s.mape_of_actual.value)},
          {"n_asked", or_null(s.asked.value)},
          {"n_models", or_null(s.models.value)},
          {"n_resolved", or_null(s.resolved.value)},
          {"verdict_caveats", std::move(caveats)}};
}

JsonValue numbers_json(const ResultDiff& diff) {
  JsonValue kinds = JsonValue::array();
  for (const NumberDiff& kind : diff.numbers)
    kinds.push_back({{"what", kind.what},
                     {"compared", kind.compared},
                     {"unequal", kind.unequal},
                     {"largest_difference", json_value(std::optional(kind.largest))},
                     {"tolerance", kind.tolerance},
                     {"is_rounding", kind.is_rounding()},
                     {"where", json_or_null(kind.where)}});
  return kinds;
}

}  // namespace

JsonValue diff_json(const ResultDiff& diff) {
  JsonValue summaries = JsonValue::array(), lacking = JsonValue::array();
  for (const SummaryDiff& s : diff.summaries)
    summaries.push_back({{"estimator", s.estimator}, {"a", summary_json(s.a)}, {"b", summary_json(s.b)}});
  for (const auto& [what, lacks] : diff.lacking)
    lacking.push_back({{"what", what}, {"a_lacks_it", lacks.first}, {"b_lacks_it", lacks.second}});
  return {{"a", diff.a},
          {"b", diff.b},
          {"changed", diff.changed()},
          {"asked_changed", diff.asked_changed()},
          {"results_changed", diff.results_changed()},
          {"asked", values_json(diff.asked)},
          {"backend", diff.backend ? both(or_null(diff.backend->a), or_null(diff.backend->b)) : JsonValue(nullptr)},
          {"prompts", prompts_json(diff.prompts)},
          {"models", models_json(diff)},
          {"verdicts", std::move(summaries)},
          {"numbers", numbers_json(diff)},
          {"not_comparable", std::move(lacking)}};
}

}  // namespace lstar
