#include "lstar/report/json/audit_json.h"

namespace lstar {
namespace {

JsonValue chance_json(const Claim& claim) {
  if (!claim.chance) return nullptr;
  const ClaimChance& chance = *claim.chance;
  return {{"what", chance.what},
          {"p", json_value(std::optional(chance.p))},
          {"p_error", json_value(std::optional(chance.p_error))},
          {"expected", json_value(chance.expected)},
          {"least_p", json_value(chance.least_p)}};
}

JsonValue claim_json(const Claim& claim) {
  JsonValue numbers = JsonValue::array();
  for (const ClaimNumber& number : claim.numbers)
    numbers.push_back({{"what", number.what},
                       {"value", json_value(number.value)},
                       {"low", json_value(number.interval ? std::optional(number.interval->low) : std::nullopt)},
                       {"high", json_value(number.interval ? std::optional(number.interval->high) : std::nullopt)}});
  return {{"id", claim.id},
          {"claim", claim.claim},
          {"unit", json_or_null(claim.unit)},
          {"published", json_value(claim.published)},
          {"recomputed", json_value(claim.recomputed)},
          {"verdict", name(claim.verdict)},
          {"reason", claim.reason},
          {"numbers", std::move(numbers)},
          {"chance", chance_json(claim)},
          {"chance_reason", json_or_null(claim.chance ? std::string() : claim.no_chance)}};
}

}  // namespace

JsonValue audit_json(std::span<const Claim> claims, const MeasuredPoints* measured) {
  JsonValue list = JsonValue::array(), left_out = JsonValue::array(), sources = JsonValue::array();
  for (const Claim& claim : claims) list.push_back(claim_json(claim));
  if (measured) {
    for (const std::string& source : measured->sources) sources.push_back(source);
    for (const UnmeasuredModel& model : measured->left_out)
      left_out.push_back({{"model", model.model}, {"reason", model.reason}});
  }
  return {{"results", std::move(sources)},
          {"estimator", measured ? json_or_null(measured->estimator) : JsonValue(nullptr)},
          {"detector", measured ? json_or_null(measured->detector) : JsonValue(nullptr)},
          {"models", measured ? JsonValue(measured->models.size()) : JsonValue(nullptr)},
          {"left_out", std::move(left_out)},
          {"claims", std::move(list)}};
}

}  // namespace lstar
