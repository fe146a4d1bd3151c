#include "lstar/study/attention_spectra.h"

#include <utility>

namespace lstar {

const AttentionSpectrum* AttentionSpectra::of(size_t row, size_t layer) const {
  return row < prompts.size() && layer < prompts[row].size() ? &prompts[row][layer] : nullptr;
}

OnMeanAttention spectra_into(AttentionSpectra& spectra) {
  return [&spectra](int, size_t prompt, const MeanAttention& attention) -> Result<void> {
    LSTAR_ASSIGN(AttentionSpectrum found, attention_spectrum(attention, spectra.values));
    if (spectra.prompts.size() <= prompt) spectra.prompts.resize(prompt + 1);
    spectra.prompts[prompt].push_back(std::move(found));  // layers come in order
    return {};
  };
}

}  // namespace lstar
