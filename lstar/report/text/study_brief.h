// One model of a study on many prompts, in about twenty lines, and the cells that this and a study's tables share.
// Pure.
#pragma once

#include <optional>
#include <string>

#include "lstar/report/text/text_layout.h"
#include "lstar/study/study.h"

namespace lstar {

// "7", or "7?" where rounding could move it.
std::string marked(const std::string& value, bool resolved);
// The mean L*: "18.0", "18.0?", "none".
std::string mean_text(const ModelScore&, int digits);
// "gpt_neox (the notebook's "pythia"), 4 KV heads, safetensors stored as float16"
std::string shape_text(const ModelResult&);
// "0.952 [0.931, 0.977] (DAMPEN, expected EXPAND)"; the model has a gain.
std::string gain_text(const ModelResult&);
// What is to be said of it besides numbers, a line each: a prediction beyond its layers, a manifest's note.
std::string model_notes(const Study&, const ModelResult&, int width, const Paint&);

// How the headline's L* is spread over layers, then each estimator's mean against the formula.
std::string brief_model_text(const Study&, const ModelResult&, int width, const Paint&);

}  // namespace lstar
