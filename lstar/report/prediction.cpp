#include "lstar/report/prediction.h"

#include <fmt/core.h>

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
                            bool colour) {
  const Paint paint{colour};
  std::string out = fmt::format("L = {}, H = {}", layers, heads);
  if (gain) out += fmt::format(", G = {}", *gain);
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

std::string prediction_json(int layers, int heads, std::optional<double> gain,
                            const std::vector<FormulaValue>& values) {
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
  const JsonValue json{{"L", layers}, {"H", heads}, {"G", json_value(gain)}, {"predictions", std::move(predictions)}};
  return write_json(json);
}

}  // namespace lstar
