#include "lstar/architecture/layer_types.h"

#include <algorithm>

namespace lstar {
namespace {

constexpr std::string_view kPattern = "attention.sliding_window_pattern";  // in a GGUF

}  // namespace

std::vector<LayerPlan>& plan_of(Architecture& a) {
  if (a.plan.empty()) a.plan.assign(static_cast<size_t>(a.layers), {.rotary = a.rotary.empty() ? -1 : 0});
  return a.plan;
}

void plan_windows(Architecture& a, Config& config, int64_t window, const std::function<bool(int layer)>& slides) {
  const std::vector<std::string> types = config.texts("layer_types", a.layers);
  const std::vector<bool> pattern = config.is_gguf() ? config.flags(kPattern, a.layers) : std::vector<bool>{};
  std::vector<LayerPlan>& plan = plan_of(a);
  for (size_t l = 0; l < plan.size(); ++l) {
    const bool is_named = !types.empty();
    if (is_named)
      config.require(types[l] == "sliding_attention" || types[l] == "full_attention", "key layer_types",
                     "sliding_attention or full_attention", types[l]);
    const bool is_local = is_named           ? types[l] == "sliding_attention"
                          : !pattern.empty() ? pattern[l]
                                             : slides(static_cast<int>(l));
    if (!is_local) continue;
    config.require(window > 0 || config.is_gguf(), "key sliding_window",
                   "a window (and use_sliding_window, where it is read) for the sliding_attention of layer_types",
                   "none");
    plan[l].window = window;
  }
}

void see_windows(Architecture& a, int64_t window) {
  for (LayerPlan& layer : plan_of(a)) layer.window = window;
}

int64_t read_window(Config& config, int64_t fallback) {
  if (config.is_null("sliding_window")) return 0;
  const int assumed = static_cast<int>(fallback);
  if (config.is_gguf() || !config.has("sliding_window")) return config.count_or({"sliding_window"}, assumed);
  return config.size_or({"sliding_window"}, assumed);
}

void read_direction(Architecture& a, Config& config) {
  if (!a.predicts_next || a.ignores_is_causal) return;
  if (config.flag_or({"is_causal"}, true, false)) return;
  a.causal = false;
  for (LayerPlan& layer : plan_of(a))
    if (layer.window > 0) {
      config.require(!config.is_gguf(), "key attention.causal", "true where layers have windows", "false");
      ++layer.window;  // a window of w reaches w tokens to either side
    }
}

std::function<bool(int)> all_but_every(Config& config, int period) {
  // A GGUF says the period, or for each layer whether it slides (see plan_windows).
  const bool is_list = config.is_gguf() && config.is_list(kPattern);
  // Beside layer_types nobody reads it, and EXAONE 4 has it as a text there ("LLLG"). 0: no layer slides.
  const bool is_read = !is_list && !config.has("layer_types");
  const int found = is_read ? config.count_or({"sliding_window_pattern"}, period) : period;
  return [found](int layer) { return found > 0 && (layer + 1) % found != 0; };
}

void name_experts(Architecture& a, const std::string& stem, const char* gate, const char* up, const char* down) {
  a[Role::expert_gate] = {stem + gate};
  a[Role::expert_up] = {stem + up};
  a[Role::expert_down] = {stem + down};
}

void name_stacked_experts(Architecture& a, const Checkpoint& checkpoint) {
  constexpr std::string_view kLayers = "layers.", kBoth = "experts.gate_up_proj";
  if (a.experts.count == 0 || a.has(Role::expert_gate_up)) return;  // which GPT-OSS has as its own
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    const std::string_view name = tensor.name;
    const size_t layers = name.find(kLayers);
    if (!name.ends_with(kBoth) || layers == name.npos) continue;
    const size_t number = layers + kLayers.size(), behind = std::min(name.find('.', number), name.size());
    const std::string begin(name.substr(0, number));
    const std::string block(name.substr(behind, name.size() - kBoth.size() - behind));  // ".mlp."
    const std::string stem = "layers.{}" + block, layer(name.substr(number, behind - number));
    a[Role::expert_gate] = {.pattern = stem + "experts.gate_up_proj", .parts = 2, .stacked = true, .weight_suffix = ""};
    a[Role::expert_up] = a[Role::expert_gate];
    a[Role::expert_up]->part = 1;
    a[Role::expert_down] = {.pattern = stem + "experts.down_proj", .stacked = true, .weight_suffix = ""};
    for (const char* router : {"gate", "router"})
      if (checkpoint.find(begin + layer + block + router + ".weight")) a[Role::router] = {stem + router};
    return;
  }
}

}  // namespace lstar
