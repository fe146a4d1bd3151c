// Predictions of L* from a model's shape alone: the published formulas and the two baselines that need no fit. Pure;
// safe from any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lstar {

struct CalibrationModel {
  std::string_view name;  // on the hub, without its organisation
  int layers = 0, heads = 0;
};

struct Formula {
  std::string_view name;  // "v3"
  std::string_view text;  // "L* = L × (0.11 + 0.012×L + 4.9/H)"
  bool needs_gain = false;
  double (*value)(double layers, double heads, double gain);  // called through predict()
  bool is_fitted = true;                                      // the baselines are fitted to nothing
  // The models that its coefficients were fitted on; empty where that is not published.
  std::span<const CalibrationModel> calibrated_on = {};
};

// Whether the calibration saw a model: one of this shape, and of this name or of the last component of this path
// ("pythia-160m" of "EleutherAI/pythia-160m" or "models/pythia-160m@step3000"). None where nobody knows what the
// calibration saw. A formula that was fitted to nothing saw none.
std::optional<bool> saw_model(const Formula&, std::string_view name, int layers, int heads);

// v1 ... v5, then the baselines half (L/2) and two_thirds (2L/3).
std::span<const Formula> formulas();
const Formula* find_formula(std::string_view name);  // null if there is none of this name

struct Prediction {
  std::optional<double> l_star;
  std::string reason;  // why there is none
};

// `gain` is the residual gain G of the layer before the last; v1, v2 and v5 have no value without it.
Prediction predict(const Formula&, int layers, int heads, std::optional<double> gain = std::nullopt);

// Whether a predicted L* is a layer of the model: inside [0, layers).
bool in_range(double l_star, int layers);

}  // namespace lstar
