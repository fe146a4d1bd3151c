// What `lstar predict` shows: every formula's value for one shape. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/analysis/formulas.h"

namespace lstar {

struct FormulaValue {
  const Formula* formula = nullptr;
  Prediction prediction;
};

// All formulas and baselines, or the one of this name.
std::vector<FormulaValue> formula_values(int layers, int heads, std::optional<double> gain, std::string_view only);

std::string prediction_text(int layers, int heads, std::optional<double> gain, const std::vector<FormulaValue>&,
                            bool colour);
std::string prediction_json(int layers, int heads, std::optional<double> gain, const std::vector<FormulaValue>&);

}  // namespace lstar
