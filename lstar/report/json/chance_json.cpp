#include "lstar/report/json/chance_json.h"

#include <cmath>

namespace lstar {
namespace {

JsonValue number(double value) { return json_value(std::optional(value)); }

JsonValue noise_json(const FormulaChance& of) {
  return {{"mape", number(of.mape)},           {"expected", number(of.noise.expected)}, {"p", of.noise.as_good.p},
          {"p_error", of.noise.as_good.error}, {"low", number(of.noise.low)},           {"high", number(of.noise.high)},
          {"below_10", of.noise.below_10.p},   {"below_15", of.noise.below_15.p}};
}

JsonValue noise_null_json(const StudyChance& chance) {
  if (chance.formulas.empty()) return nullptr;
  JsonValue out = noise_json(chance.formulas.front()), by_formula = JsonValue::object();
  for (const FormulaChance& of : chance.formulas) by_formula[of.formula] = noise_json(of);
  out["by_formula"] = std::move(by_formula);
  return out;
}

JsonValue assignment_json(const std::optional<AssignmentTest>& test) {
  if (!test) return nullptr;
  return {
      {"p", test->as_good.p}, {"p_error", test->as_good.error}, {"least_p", test->least_p}, {"least", test->least},
      {"mean", test->mean},   {"greatest", test->greatest},     {"n", test->assignments},   {"exact", test->is_exact}};
}

// The formula's error, and what it is more than each simpler prediction's.
JsonValue bootstrap_json(const StudyChance& chance, bool by_labs) {
  const auto& mape = by_labs ? chance.mape_by_labs : chance.mape_by_models;
  const int n = by_labs ? chance.labs : chance.models;
  JsonValue out{
      {"n", n},
      {"coverage", number(by_labs ? group_coverage(static_cast<size_t>(n)) : bca_coverage(static_cast<size_t>(n)))},
      {"mape", json_interval(mape)}};
  for (const PairedDifference& pair : chance.paired)
    out["minus_" + pair.name] = json_interval(by_labs ? pair.labs : pair.models);
  if (by_labs) {
    out["exact"] = chance.labs_exact;
  } else {
    const bool any = mape.has_value();
    out["generalizes"] = any ? JsonValue(chance.generalizes.p) : JsonValue(nullptr);
    out["partial"] = any ? JsonValue(chance.partly.p) : JsonValue(nullptr);
  }
  return out;
}

JsonValue paired_json(const StudyChance& chance) {
  JsonValue out = JsonValue::object();
  for (const PairedDifference& pair : chance.paired)
    out[pair.name] = {{"mape", number(pair.mape)}, {"difference", number(pair.difference)}};
  return out;
}

JsonValue seen_json(const std::optional<ModelsSeen>& seen) {
  if (!seen) return nullptr;
  return {{"models", seen->models}, {"mape", json_value(seen->mape)}, {"names", seen->names}};
}

JsonValue left_out_json(const std::vector<LeftOutFits>& all) {
  JsonValue out = JsonValue::object();
  for (const LeftOutFits& fits : all) {
    const char* name = fits.leave_out == LeaveOut::one ? "model" : fits.leave_out == LeaveOut::lab ? "lab" : "shape";
    out[name] = {{"constant", json_value(fits.constant)},
                 {"refit", json_value(fits.refit)},
                 {"rank", fits.rank},
                 {"condition", fits.rank == 3 ? number(fits.condition) : JsonValue(nullptr)},
                 {"reason", json_or_null(fits.reason)}};
  }
  return out;
}

JsonValue fit_null_json(const std::optional<FitNull>& null) {
  if (!null) return nullptr;
  return {{"mape", number(null->mape)},
          {"f", number(null->f)},
          {"f_p", number(null->f_p)},
          {"permuted", null->permuted.p},
          {"permuted_error", null->permuted.error},
          {"random", null->random.p},
          {"random_error", null->random.error}};
}

JsonValue power_json(const std::optional<StudyPower>& power) {
  if (!power) return nullptr;
  JsonValue shapes = JsonValue::array();
  for (const NewModels& shape : power->new_models)
    shapes.push_back({{"like", shape.shape.like},
                      {"L", shape.shape.layers},
                      {"H", shape.shape.heads},
                      {"differ", number(shape.differ)},
                      {"models", shape.models ? JsonValue(*shape.models) : JsonValue(nullptr)}});
  return {{"critical", number(power->noise.critical)},
          {"detectable", number(power->noise.detectable)},
          {"least_difference", number(power->expected - power->noise.detectable)},
          {"constant", number(power->constant)},
          {"scatter", number(power->scatter)},
          {"differ", number(power->differ)},
          {"new_models", std::move(shapes)}};
}

}  // namespace

JsonValue json_interval(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  return JsonValue::array({number(interval->low), number(interval->high)});
}

JsonValue chance_json(const StudyChance& chance) {
  return {
      {"better_than_chance", chance.better_than_chance ? JsonValue(*chance.better_than_chance) : JsonValue(nullptr)},
      {"reason", json_or_null(chance.reason)},
      {"noise_null", noise_null_json(chance)},
      {"assignment", assignment_json(chance.assignment)},
      {"lab_bootstrap", bootstrap_json(chance, true)},
      {"model_bootstrap", bootstrap_json(chance, false)},
      {"simpler", paired_json(chance)},
      {"fit_null", fit_null_json(chance.fit_null)},
      {"shape_bound", json_value(chance.shape_bound)},
      {"seen", seen_json(chance.seen)},
      {"unseen", seen_json(chance.unseen)},
      {"seen_reason", json_or_null(chance.seen_reason)},
      {"leave_out", left_out_json(chance.left_out)},
      {"power", power_json(chance.power)}};
}

JsonValue comparisons_json(const StudyResult& result) {
  JsonValue out = JsonValue::array();
  for (const FormulaComparison& one : result.comparisons)
    out.push_back({{"estimator", one.estimator},
                   {"detector", one.detector},
                   {"formula", one.formula},
                   {"n_models", one.models},
                   {"mape", number(one.mape)},
                   {"p", one.p.p},
                   {"p_error", one.p.error},
                   {"false_discovery_rate", one.false_finds}});
  return out;
}

}  // namespace lstar
