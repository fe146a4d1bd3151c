// A study made up by hand: six models of four labs on five prompts, with plausible traces, for tests of reports. The
// numbers are smooth functions of the layer, so that every value is the same on every machine to the last digits.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "lstar/study/study.h"

namespace lstar::testing {

struct MadeUpModel {
  std::string name, lab, family, notebook_name;
  int layers, heads, kv_heads;
  double step;      // layer at which the trace steps up
  double contrast;  // how far weights grow over the layers, as a factor
};

inline std::vector<MadeUpModel> made_up_models() {
  return {{"EleutherAI/pythia-160m", "EleutherAI", "gpt_neox", "pythia", 12, 12, 12, 7.4, 3},
          {"EleutherAI/pythia-410m", "EleutherAI", "gpt_neox", "pythia", 24, 16, 16, 17.2, 120},
          {"facebook/opt-125m", "Meta", "opt", "opt", 12, 12, 12, 7.4, 5},
          {"facebook/opt-350m", "Meta", "opt", "opt", 24, 16, 16, 12.6, 8},
          {"bigscience/bloom-560m", "BigScience", "bloom", "bloom", 24, 16, 16, 19.3, 400},
          {"openai-community/gpt2", "OpenAI", "gpt2", "gpt2", 12, 12, 12, 9.6, 2}};
}

inline std::vector<Prompt> made_up_prompts() {
  std::vector<Prompt> prompts;
  for (const char* text : {"The capital of France is Paris.", "Two times x.", "Weather patterns change.",
                           "The quick brown fox jumps.", "Once upon a time."})
    prompts.push_back({.text = text});
  return prompts;
}

inline Measurement made_up_measurement(const MadeUpModel& model, Dtype dtype, size_t prompts = 5) {
  Measurement m;
  m.identity = {.model = model.name,
                .path = "models/" + model.name,
                .revision = std::nullopt,
                .format = "safetensors",
                .files = {{"model.safetensors", 1234, std::string(64, model.name.back())}},
                .stored_dtype = "float16"};
  m.shape = {.family = model.family,
             .notebook_name = model.notebook_name,
             .layers = model.layers,
             .heads = model.heads,
             .kv_heads = model.kv_heads,
             .head_dim = 8,
             .hidden = model.heads * 8};
  m.numerics = {.dtype = dtype};
  m.backend = "cpu";
  const auto layers = static_cast<size_t>(model.layers), heads = static_cast<size_t>(model.heads);
  m.seen.diagonal = m.seen.off_diagonal = m.seen.entropy = Array3<double>(prompts, layers, heads);
  m.seen.rounded_sum = Array2<double>(prompts, layers);
  m.seen.residual_norm = Array2<double>(prompts, layers + 1);
  m.weights.w_v_sq.resize(layers);
  m.weights.w_o_sq.assign(layers, 50);
  m.weights.w_v_head_sq = Array2<double>(layers, static_cast<size_t>(model.kv_heads));
  m.weights.ov_sq = Array2<double>(layers, heads);
  for (size_t l = 0; l < layers; ++l) {
    const double at = static_cast<double>(l);
    const double rise = 1 / (1 + std::exp(-2 * (at + 0.5 - model.step)));
    m.weights.w_v_sq[l] = 80 * std::pow(model.contrast, rise) * (1 + 0.05 * std::sin(1.7 * at));
    for (int k = 0; k < model.kv_heads; ++k)
      m.weights.w_v_head_sq(l, static_cast<size_t>(k)) = m.weights.w_v_sq[l] / model.kv_heads;
    for (size_t h = 0; h < heads; ++h)
      m.weights.ov_sq(l, h) = 3 * std::pow(model.contrast, 0.7 * rise) * (1 + 0.1 * std::cos(at + 0.2 * double(h)));
  }
  for (size_t p = 0; p < prompts; ++p) {
    const auto n = static_cast<double>(12 + p);
    m.seen.tokens.push_back(static_cast<int64_t>(n));
    std::vector<int32_t> ids;
    for (int i = 0; i < int(n); ++i) ids.push_back(100 * int(p) + i);
    m.prompts.push_back({.text = made_up_prompts()[p % 5].text, .ids = ids, .row = p, .error = std::nullopt});
    for (size_t l = 0; l < layers; ++l) {
      const double at = static_cast<double>(l);
      for (size_t h = 0; h < heads; ++h) {
        const double share = 0.75 + 0.2 * std::sin(0.4 * at + 0.3 * double(h) + 0.5 * double(p));
        m.seen.off_diagonal(p, l, h) = share * (n - 1);
        m.seen.diagonal(p, l, h) = n - share * (n - 1);
        m.seen.entropy(p, l, h) = share * n * 1.2;
      }
      m.seen.rounded_sum(p, l) = n * (1 + 3e-6 * std::sin(5.3 * at + 2.1 * double(p)));
    }
    for (size_t l = 0; l <= layers; ++l) m.seen.residual_norm(p, l) = 10 + 2 * double(l);
  }
  return m;
}

inline Study made_up_study(Dtype dtype = Dtype::float16) {
  Study study;
  for (const MadeUpModel& model : made_up_models())
    study.models.push_back({.name = model.name,
                            .path = "models/" + model.name,
                            .lab = model.lab,
                            .layers = model.layers,
                            .heads = model.heads,
                            .expected = model.lab == "EleutherAI" ? "DAMPEN" : "EXPAND"});
  study.prompts = made_up_prompts();
  study.dtype = dtype;
  study.controls.shadow = usual_shadow(dtype);
  return study;
}

// The same numbers again, as if in float32.
inline std::vector<ControlMeasurement> made_up_controls(const Study& study, const Measurement& m) {
  std::vector<ControlMeasurement> controls;
  if (!study.controls.shadow) return controls;
  controls.push_back({{ControlKind::shadow, 0, false}, m});
  controls[0].measurement->numerics.dtype = *study.controls.shadow;
  return controls;
}

inline Result<ModelResult> made_up_model(const Study& study, size_t model, Measurement m) {
  const std::vector<ControlMeasurement> controls = made_up_controls(study, m);
  return evaluate_model(study, study.models[model], std::move(m), controls);
}

// All six measured, and a seventh that could not be opened.
inline StudyResult made_up_result(Dtype dtype = Dtype::float16, bool with_failure = true) {
  Study study = made_up_study(dtype);
  std::vector<Result<ModelResult>> models;
  for (size_t i = 0; i < study.models.size(); ++i)
    models.push_back(made_up_model(study, i, made_up_measurement(made_up_models()[i], dtype)));
  if (with_failure) {
    study.models.push_back({.name = "nobody/missing", .path = "models/nobody/missing", .lab = "Nobody"});
    models.push_back(
        fail(Error{.kind = ErrorKind::missing, .what = "no such folder", .file = "models/nobody/missing"}));
  }
  return *evaluate(study, std::move(models), "20260106_120000");
}

}  // namespace lstar::testing
