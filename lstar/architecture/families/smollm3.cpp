// SmolLM3 (transformers: models/smollm3): Llama without rotary positions in every fourth layer.
#include "lstar/architecture/family.h"
#include "lstar/architecture/layer_types.h"

namespace lstar {

Architecture read_smollm3(Config& config, const Checkpoint&) {
  Architecture a = read_llama_like(
      config, {.reads_attention_bias = true, .reads_mlp_bias = true, .ties_output = true, .rotary = {.base = 2e6}});
  const std::vector<int64_t> turns = config.integers("no_rope_layers");  // 1: this layer turns
  const int interval = config.size_or({"no_rope_layer_interval"}, 4);
  std::vector<LayerPlan>& plan = plan_of(a);
  config.require(turns.empty() || turns.size() >= plan.size(), "key no_rope_layers", "a number for each layer",
                 std::to_string(turns.size()));
  const auto has_rotary = [&](int layer) {
    const auto l = static_cast<size_t>(layer);
    return turns.size() >= plan.size() && l < turns.size() ? turns[l] != 0 : (layer + 1) % interval != 0;
  };
  for (int l = 0; l < static_cast<int>(plan.size()); ++l)
    if (!has_rotary(l)) plan[static_cast<size_t>(l)].rotary = -1;
  const int64_t window = read_window(config);
  const bool asks = config.flag_or({"use_sliding_window"}, false) && window > 0;
  plan_windows(a, config, window, [&](int layer) { return asks && !has_rotary(layer); });
  return a;
}

}  // namespace lstar
