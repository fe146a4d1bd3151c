#include "lstar/report/json/spectrum_json.h"

#include <string>

#include <fmt/core.h>

#include "lstar/report/detail.h"

namespace lstar {
namespace {

// The list, or null with the first layer's reason.
JsonValue end_json(const SpectrumEnd& end, const std::string& key, size_t layer, JsonValue& reasons) {
  if (end.reason.empty()) return json_array(end.values);
  if (!reasons.contains(key)) reasons[key] = fmt::format("layer {}: {}", layer, end.reason);
  return nullptr;
}

JsonValue causal_json(const AttentionSpectrum& spectrum, size_t layer, bool every_eigenvalue, JsonValue& reasons) {
  const std::string key = "spectrum.causal";
  if (!spectrum.causal_reason.empty()) {
    if (!reasons.contains(key)) reasons[key] = fmt::format("layer {}: {}", layer, spectrum.causal_reason);
    return nullptr;
  }
  if (!every_eigenvalue) reasons[key + ".eigenvalues"] = fmt::format("left out of more than {} prompts", kFewPrompts);
  const CausalSummary summary = summary_of(spectrum.causal);
  return {{"least", json_value(std::optional(summary.least))},
          {"median", json_value(std::optional(summary.median))},
          {"largest", json_value(std::optional(summary.largest))},
          {"eigenvalues", every_eigenvalue ? json_array(spectrum.causal) : JsonValue(nullptr)}};
}

}  // namespace

void add_spectra(const AttentionSpectra& spectra, size_t row, bool every_eigenvalue, JsonValue& layers,
                 JsonValue& reasons) {
  for (size_t l = 0; l < layers.size(); ++l) {
    const AttentionSpectrum* found = spectra.of(row, l);
    if (!found) continue;
    const LaplacianSpectrum& both = found->symmetrised;
    layers[l]["spectrum"] = {{"causal", causal_json(*found, l, every_eigenvalue, reasons)},
                             {"symmetrised",
                              {{"smallest", end_json(both.smallest, "spectrum.symmetrised.smallest", l, reasons)},
                               {"largest", end_json(both.largest, "spectrum.symmetrised.largest", l, reasons)},
                               {"products", both.products}}}};
  }
}

}  // namespace lstar
