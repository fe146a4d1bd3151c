#include "lstar/report/json/controls_json.h"

namespace lstar {
namespace {

JsonValue true_or_null(const std::optional<bool>& value) { return value ? JsonValue(*value) : JsonValue(nullptr); }

JsonValue shadow_json(const std::optional<ShadowScore>& shadow) {
  if (!shadow) return nullptr;
  JsonValue layers = JsonValue::array();
  for (const std::optional<int>& layer : shadow->l_star_per_prompt) layers.push_back(json_value(layer));
  return {{"dtype", name(shadow->dtype)},
          {"prompts", shadow->prompts},
          {"same", shadow->same},
          {"l_star_per_prompt", std::move(layers)},
          {"reason", json_or_null(shadow->reason)}};
}

JsonValue mca_json(const std::optional<McaScore>& mca) {
  if (!mca) return nullptr;
  JsonValue prompts = JsonValue::array();
  for (const McaScore::OfPrompt& prompt : mca->per_prompt)
    prompts.push_back({{"l_star", prompt.layers}, {"seeds", prompt.seeds}, {"same", prompt.same}});
  return {{"asked", mca->asked},
          {"seeds", mca->seeds},
          {"same", json_value(mca->same)},
          {"L_star_std", json_value(mca->l_star_std)},
          {"per_prompt", std::move(prompts)},
          {"reason", json_or_null(mca->reason)}};
}

JsonValue untrained_json(const std::optional<UntrainedScore>& untrained) {
  if (!untrained) return nullptr;
  return {{"asked", untrained->asked},
          {"seeds", untrained->seeds},
          {"L_star", json_value(untrained->l_star)},
          {"L_star_std", json_value(untrained->l_star_std)},
          {"error_pct", json_value(untrained->error_pct)},
          {"reason", json_or_null(untrained->reason)}};
}

JsonValue length_json(const LengthScore& length) {
  const auto& agreed = length.agreement;
  return {{"tokens", length.tokens},
          {"begin", length.has_begin},
          {"prompts", length.prompts},
          {"L_star", json_value(length.l_star)},
          {"L_star_std", json_value(length.l_star_std)},
          {"mode", agreed ? JsonValue(agreed->mode) : JsonValue(nullptr)},
          {"modal_share", agreed ? JsonValue(agreed->modal_share) : JsonValue(nullptr)},
          {"margin", json_value(length.margin)},
          {"reason", json_or_null(length.reason)}};
}

}  // namespace

JsonValue controls_json(const ModelScore& score) {
  JsonValue lengths = JsonValue::array();
  for (const LengthScore& length : score.lengths) lengths.push_back(length_json(length));
  return {{"shadow", shadow_json(score.shadow)},
          {"mca", mca_json(score.mca)},
          {"untrained", untrained_json(score.untrained)},
          {"lengths", std::move(lengths)}};
}

JsonValue resolved_by_json(const ModelScore& score) {
  return {{"summation", score.resolved_by_summation},
          {"pass", true_or_null(score.resolved_by_pass)},
          {"prompts", true_or_null(score.resolved_by_prompts)}};
}

JsonValue agreement_json(const std::optional<Agreement>& agreed) {
  if (!agreed) return nullptr;
  return {{"mode", agreed->mode},
          {"modal_share", agreed->modal_share},
          {"entropy", agreed->entropy},
          {"jackknife", agreed->jackknife}};
}

}  // namespace lstar
