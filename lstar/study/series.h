// What is measured beside the traces in the same pass, layer by layer and model by model: entropy of attention, norms
// of W_V and W_O, residual gains against the bound that was stated of them. Definitions: docs/mathematics.md, Other
// quantities per layer. Pure functions of what was measured.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lstar/analysis/gain_bound.h"
#include "lstar/analysis/intervals.h"
#include "lstar/study/measurement.h"

namespace lstar {

struct StudyResult;

// One quantity of one model. A value may be not finite.
struct LayerSeries {
  std::vector<double> by_layer;  // empty: it was not measured
  std::optional<double> mean;    // over layers
};

// Means over prompts where a quantity depends on them.
struct ModelSeries {
  LayerSeries attention_entropy;           // mean over heads and rows, nats
  LayerSeries w_v_frobenius;               // ||W_V||_F
  LayerSeries w_o_frobenius;               // ||W_O||_F
  LayerSeries w_v_over_w_o;                // their ratio
  LayerSeries w_v_spectral, w_o_spectral;  // largest singular values
  LayerSeries residual_gain;               // what the layer does to the last token's norm
  std::optional<int> greatest_gain_layer;  // where that is greatest
};

ModelSeries series_of(const Measurement&);

// The means over layers, of a lab the mean over its models that have one; by the names that JSON and tables have.
struct SeriesMean {
  const char* name;
  LayerSeries ModelSeries::*series;
};
inline constexpr SeriesMean kSeriesMeans[] = {
    {"attention_entropy", &ModelSeries::attention_entropy}, {"w_v_frobenius", &ModelSeries::w_v_frobenius},
    {"w_o_frobenius", &ModelSeries::w_o_frobenius},         {"w_v_over_w_o", &ModelSeries::w_v_over_w_o},
    {"w_v_spectral", &ModelSeries::w_v_spectral},           {"w_o_spectral", &ModelSeries::w_o_spectral},
};

struct LabSeries {
  std::string lab;
  int models = 0;
  std::vector<std::optional<double>> means;  // in the order of kSeriesMeans; none where a model of the lab has none
};

struct StudySeries {
  std::vector<ModelSeries> models;  // in the order of the result's models
  std::vector<LabSeries> labs;      // sorted by name
  // log10 G over 1/L: of each model's gain G (layer L - 2), and of the greatest of its layers' mean gains.
  GainBound of_gain, of_greatest_layer;
};

// Of a result's models, each counted once.
StudySeries series_of(const StudyResult&);

}  // namespace lstar
