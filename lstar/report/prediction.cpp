#include "lstar/report/prediction.h"

#include <fmt/core.h>

#include "lstar/analysis/statistics.h"
#include "lstar/report/json/json_writer.h"
#include "lstar/report/text/text_layout.h"

namespace lstar {

std::vector<FormulaValue> formula_values(int layers, int heads, std::optional<double> gain, std::string_view only) {
  std::vector<FormulaValue> values;
  for (const Formula& formula : formulas())
    if (only.empty() || formula.name == only) values.push_back({&formula, predict(formula, layers, heads, gain)});
  return values;
}

std::string prediction_text(int layers, int heads, std::optional<double> gain, const std::vector<FormulaValue>& values,
                            const PredictedModel* model, bool colour) {
  const Paint paint{colour};
  std::string out;
  if (model) out = fmt::format("{} ({}): ", shorten_name(one_line(model->model), kNameColumns), model->family);
  out += fmt::format("L = {}, H = {}", layers, heads);
  if (gain && model && !model->gains.empty())
    out += fmt::format(", G = {:.4f} ± {:.4f} over {}", *gain, population_deviation(model->gains),
                       counted(static_cast<int64_t>(model->gains.size()), "prompt"));
  else if (gain)
    out += fmt::format(", G = {}", *gain);
  out += "\n";
  TextTable table;
  table.column("formula", TextTable::Align::left);
  table.column("L*");
  table.column("L*/L");
  table.column("", TextTable::Align::left);
  for (const FormulaValue& value : values) {
    const auto& l_star = value.prediction.l_star;
    std::string remark(value.formula->text);
    if (!l_star)
      remark += "  (" + value.prediction.reason + ")";
    else if (!in_range(*l_star, layers))
      remark += "  (outside [0, L): no such layer)";
    table.row({std::string(value.formula->name), fixed(l_star, 3),
               fixed(l_star ? std::optional(*l_star / layers) : std::nullopt, 3), remark});
  }
  return out + table.str(160, "  ", paint);  // a formula is not cut
}

std::string prediction_json(int layers, int heads, std::optional<double> gain, const std::vector<FormulaValue>& values,
                            const PredictedModel* model) {
  JsonValue predictions = JsonValue::object();
  for (const FormulaValue& value : values) {
    JsonValue entry{{"formula", value.formula->text}};
    if (value.prediction.l_star) {
      entry["l_star"] = *value.prediction.l_star;
      entry["in_range"] = in_range(*value.prediction.l_star, layers);
    } else {
      entry["l_star"] = nullptr;
      entry["reason"] = value.prediction.reason;
    }
    predictions[std::string(value.formula->name)] = std::move(entry);
  }
  const bool is_measured = model && !model->gains.empty();
  const JsonValue json{
      {"model", model ? JsonValue(model->model) : JsonValue(nullptr)},
      {"family", model ? JsonValue(model->family) : JsonValue(nullptr)},
      {"L", layers},
      {"H", heads},
      {"G", json_value(gain)},
      {"G_std", is_measured ? json_value(std::optional(population_deviation(model->gains))) : JsonValue(nullptr)},
      {"G_per_prompt", is_measured ? json_array(model->gains) : JsonValue(nullptr)},
      {"predictions", std::move(predictions)}};
  return write_json(json);
}

}  // namespace lstar
