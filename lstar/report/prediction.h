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

// Whose shape it is, where that was read from a model, and its gain by prompt, where it was measured.
struct PredictedModel {
  std::string model, family;
  std::vector<double> gains;
};

// `model` is null where the shape was given as numbers.
std::string prediction_text(int layers, int heads, std::optional<double> gain, const std::vector<FormulaValue>&,
                            const PredictedModel* model, bool colour);
std::string prediction_json(int layers, int heads, std::optional<double> gain, const std::vector<FormulaValue>&,
                            const PredictedModel* model);

}  // namespace lstar
