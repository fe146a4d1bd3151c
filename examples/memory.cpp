// Measures a model whose weights are this program's own arrays: GPT-2's shape with made-up numbers. Projections lie as
// (out, in) here, where the files of GPT-2 have (in, out): strides say so, and nothing is copied.
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include <lstar/analysis/detectors.h>
#include <lstar/analysis/estimators.h>
#include <lstar/checkpoint/memory_checkpoint.h>
#include <lstar/study/open_model.h>

int main() {
  constexpr int64_t kLayers = 4, kHidden = 16, kVocabulary = 32, kPositions = 8;
  std::vector<std::vector<float>> arrays;  // they must live as long as the model
  std::vector<lstar::MemoryTensor> tensors;
  float drawn = 0;
  const auto add = [&](const std::string& name, std::vector<int64_t> shape, std::vector<int64_t> strides = {}) {
    size_t size = 1;
    for (const int64_t axis : shape) size *= static_cast<size_t>(axis);
    std::vector<float>& array = arrays.emplace_back(size);
    for (float& value : array) value = std::sin(drawn += 1.5f) / 4;
    tensors.push_back({.name = name, .shape = {shape}, .bytes = std::as_bytes(std::span(array)), .strides = strides});
  };
  const auto add_linear = [&](const std::string& name, int64_t in, int64_t out) {
    add(name + ".weight", {in, out}, {1, in});
    add(name + ".bias", {out});
  };
  const auto add_norm = [&](const std::string& name) {
    add(name + ".weight", {kHidden});
    add(name + ".bias", {kHidden});
  };
  add("wte.weight", {kVocabulary, kHidden});
  add("wpe.weight", {kPositions, kHidden});
  for (int64_t l = 0; l < kLayers; ++l) {
    const std::string layer = "h." + std::to_string(l) + ".";
    add_norm(layer + "ln_1");
    add_linear(layer + "attn.c_attn", kHidden, 3 * kHidden);
    add_linear(layer + "attn.c_proj", kHidden, kHidden);
    add_norm(layer + "ln_2");
    add_linear(layer + "mlp.c_fc", kHidden, 4 * kHidden);
    add_linear(layer + "mlp.c_proj", 4 * kHidden, kHidden);
  }
  add_norm("ln_f");

  auto checkpoint =
      lstar::MemoryCheckpoint::from(tensors, lstar::ConfigurationValue::Section{{"model_type", "gpt2"},
                                                                                {"n_layer", kLayers},
                                                                                {"n_head", 2},
                                                                                {"n_embd", kHidden},
                                                                                {"n_positions", kPositions},
                                                                                {"vocab_size", kVocabulary}});
  if (!checkpoint) {
    std::cerr << "memory: " << checkpoint.error().message() << '\n';
    return 1;
  }
  auto model = lstar::OpenModel::from(*std::move(checkpoint));
  if (!model) {
    std::cerr << "memory: " << model.error().message() << '\n';
    return 1;
  }
  const auto m = model->measure({{.text = {}, .ids = {5, 7, 11, 13}}});
  if (!m || !m->prompts[0].row) return 1;
  const lstar::Trace trace =
      lstar::trace_of(*lstar::find_estimator("off_diagonal"), m->seen, m->weights, 0, m->numerics.dtype);
  const lstar::Detection found = lstar::detect(*lstar::find_detector("argmax_step"), trace.trace, trace.floor);
  std::cout << "gpt2 in memory: L* = " << found.layer.value_or(-1) << " of " << m->shape.layers << " layers\n";
  return 0;
}
