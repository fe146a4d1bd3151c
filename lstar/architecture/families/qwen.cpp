// Qwen 2, 2.5 and 3 and their mixtures (transformers: models/qwen2, qwen2_moe, qwen3, qwen3_moe): Llama with biases on
// q, k and v (2) or norms on the heads of q and k (3), and windows in the layers from max_window_layers on where
// use_sliding_window asks for them.
#include "lstar/architecture/family.h"
#include "lstar/architecture/layer_types.h"

namespace lstar {
namespace {

Architecture read_qwen(Config& config, const LlamaClass& assumed, bool is_mixture) {
  Architecture a = read_llama_like(config, assumed);
  const bool asks = config.flag_or({"use_sliding_window"}, false);
  const int64_t window = asks ? read_window(config, 4096) : 0;
  const int full_layers = config.count_or({"max_window_layers"}, 28);
  if (is_mixture)
    plan_windows(a, config, window, [=](int layer) { return asks && layer % 2 == 0 && layer < full_layers; });
  else
    plan_windows(a, config, window, [=](int layer) { return window > 0 && layer >= full_layers; });
  return a;
}

void bias_queries_keys_values(Architecture& a, bool bias) {
  for (Role role : {Role::query, Role::key, Role::value}) a[role]->bias = bias;
}

void norm_heads(Architecture& a) {
  a[Role::query_norm] = {"layers.{}.self_attn.q_norm"};
  a[Role::key_norm] = {"layers.{}.self_attn.k_norm"};
}

void read_experts(Architecture& a, Config& config, bool has_shared) {
  config.need_in_gguf({"num_experts_per_tok"});
  a.experts = {.count = has_shared ? config.size({"num_experts"}) : config.size({"num_local_experts", "num_experts"}),
               .used = config.size_or({"num_experts_per_tok"}, has_shared ? 4 : 8),
               .mlp = config.size_or({"moe_intermediate_size"}, a.mlp),
               .renormalise = config.flag_or({"norm_topk_prob"}, config.is_gguf() && !has_shared)};
  a[Role::router] = {"layers.{}.mlp.gate"};
  name_experts(a, "layers.{}.mlp.experts.{}.", "gate_proj", "up_proj", "down_proj");
  if (has_shared) {
    a.experts.shared_mlp = config.size({"shared_expert_intermediate_size"});
    a[Role::shared_gate] = {"layers.{}.mlp.shared_expert.gate_proj"};
    a[Role::shared_up] = {"layers.{}.mlp.shared_expert.up_proj"};
    a[Role::shared_down] = {"layers.{}.mlp.shared_expert.down_proj"};
    a[Role::shared_switch] = {"layers.{}.mlp.shared_expert_gate"};
  }
  const int step = config.size_or({"decoder_sparse_step"}, 1);
  std::vector<LayerPlan>& plan = plan_of(a);
  for (size_t l = 0; l < plan.size(); ++l) plan[l].experts = (l + 1) % static_cast<size_t>(step) == 0;
  for (int64_t layer : config.integers("mlp_only_layers"))
    if (layer >= 0 && layer < a.layers) plan[static_cast<size_t>(layer)].experts = false;
}

}  // namespace

Architecture read_qwen2(Config& config, const Checkpoint&) {
  Architecture a = read_qwen(config, {}, false);
  bias_queries_keys_values(a, true);
  return a;
}

Architecture read_qwen2_moe(Config& config, const Checkpoint&) {
  Architecture a = read_qwen(config, {.kv_heads_or_null = false}, true);
  bias_queries_keys_values(a, config.flag_or({"qkv_bias"}, true));
  read_experts(a, config, true);
  return a;
}

Architecture read_qwen3(Config& config, const Checkpoint&) {
  Architecture a = read_qwen(config, {.head_dim = 128, .reads_attention_bias = true}, false);
  norm_heads(a);
  return a;
}

Architecture read_qwen3_moe(Config& config, const Checkpoint&) {
  Architecture a = read_llama_like(config, {.kv_heads_or_null = false, .reads_attention_bias = true});
  const bool slides = config.flag_or({"use_sliding_window"}, false);
  if (slides) see_windows(a, read_window(config, 4096));
  norm_heads(a);
  read_experts(a, config, false);
  return a;
}

}  // namespace lstar
