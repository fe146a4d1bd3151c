// The spectra of the attention that a measurement sees (analysis/spectrum.h), for who asks for them:
//
//     AttentionSpectra spectra{.values = 3};
//     model.measure(prompts, {.on_mean_attention = spectra_into(spectra)});
//
// They are computed while the pass runs, when a layer's queries and keys are at hand, and no part of the Measurement.
#pragma once

#include <cstddef>
#include <vector>

#include "lstar/analysis/spectrum.h"
#include "lstar/observe/mean_attention.h"

namespace lstar {

struct AttentionSpectra {
  int values = 1;  // eigenvalues of each end, 1 to kMostEigenvalues
  // A list of layers for each row of the Observation; empty, or shorter, where the pass did not come so far.
  std::vector<std::vector<AttentionSpectrum>> prompts = {};

  // Null where there is none.
  const AttentionSpectrum* of(size_t row, size_t layer) const;
};

// For MeasureOptions and PassOptions, of one call at a time; `spectra` must outlive it.
OnMeanAttention spectra_into(AttentionSpectra& spectra);

}  // namespace lstar
