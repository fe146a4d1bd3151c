#include "lstar/analysis/formulas.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace lstar {
namespace {

// Parameters: L layers, H heads, G residual gain.
double v1(double L, double, double G) { return L / 2 * (1 + std::tanh(5 * (G - 1))); }
double v2(double L, double, double G) { return G < 1 ? L * (0.55 + 0.008 * L) : L * (0.60 + 0.010 * L); }
double v3(double L, double H, double) { return L * (0.11 + 0.012 * L + 4.9 / H); }
double v4(double L, double H, double) { return L * (-0.13 + 0.021 * L + 8.5 / H - 0.16 * L / H); }
double v5(double L, double H, double G) { return L * (-0.20 + 0.029 * L + 12.3 / H - 0.41 * L / H + 0.38 * (1 - G)); }
double half(double L, double, double) { return L / 2; }
double two_thirds(double L, double, double) { return 2 * L / 3; }

// data/published.json, calibration.
constexpr std::array<CalibrationModel, 8> kCalibration{{{"pythia-160m", 12, 12},
                                                        {"pythia-410m", 24, 16},
                                                        {"pythia-1b", 16, 8},
                                                        {"pythia-2.8b", 32, 32},
                                                        {"pythia-6.9b", 32, 32},
                                                        {"opt-125m", 12, 12},
                                                        {"gpt2", 12, 12},
                                                        {"gemma-2b", 18, 8}}};

constexpr std::array<Formula, 7> kFormulas{{
    {"v1", "L* = L/2 × (1 + tanh(5×(G − 1)))", true, v1},
    {"v2", "L* = L × (0.55 + 0.008×L) if G < 1, else L × (0.60 + 0.010×L)", true, v2},
    {"v3", "L* = L × (0.11 + 0.012×L + 4.9/H)", false, v3, true, kCalibration},
    {"v4", "L* = L × (−0.13 + 0.021×L + 8.5/H − 0.16×L/H)", false, v4},
    {"v5", "L* = L × (−0.20 + 0.029×L + 12.3/H − 0.41×L/H + 0.38×(1 − G))", true, v5},
    {"half", "L* = L/2", false, half, false},
    {"two_thirds", "L* = 2L/3", false, two_thirds, false},
}};

}  // namespace

std::span<const Formula> formulas() { return kFormulas; }

const Formula* find_formula(std::string_view name) {
  const auto* found = std::find_if(kFormulas.begin(), kFormulas.end(), [&](const auto& f) { return f.name == name; });
  return found == kFormulas.end() ? nullptr : found;
}

std::optional<bool> saw_model(const Formula& formula, std::string_view name, int layers, int heads) {
  if (!formula.is_fitted) return false;
  if (formula.calibrated_on.empty()) return std::nullopt;
  name = name.substr(0, name.rfind('@'));
  while (name.ends_with('/')) name.remove_suffix(1);
  name.remove_prefix(name.rfind('/') + 1);  // npos + 1 is 0
  return std::any_of(formula.calibrated_on.begin(), formula.calibrated_on.end(), [&](const CalibrationModel& known) {
    return known.layers == layers && known.heads == heads &&
           std::equal(known.name.begin(), known.name.end(), name.begin(), name.end(),
                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
  });
}

Prediction predict(const Formula& formula, int layers, int heads, std::optional<double> gain) {
  if (layers <= 0 || heads <= 0) return {.reason = "layers and heads must be positive"};
  if (formula.needs_gain && !(gain && std::isfinite(*gain)))
    return {.reason = std::string(formula.name) + " needs the residual gain G"};
  return {.l_star = formula.value(layers, heads, gain.value_or(1))};
}

bool in_range(double l_star, int layers) { return l_star >= 0 && l_star < layers; }

}  // namespace lstar
