// OLMo, OLMo 2, OLMo 3 and OLMoE (transformers: models/olmo, olmo2, olmo3, olmoe). OLMo: Llama with a LayerNorm that
// has no weights, and q, k and v cut off beyond clip_qkv. OLMo 2: norms on what attention and MLP give and none on what
// they take, and over all heads of q and of k as one row; OLMo 3 adds windows in three of four layers.
#include "lstar/architecture/family.h"
#include "lstar/architecture/layer_types.h"

namespace lstar {
namespace {

void limit_queries_keys_values(Architecture& a, Config& config) {
  if (config.has("clip_qkv")) a.qkv_limit = config.positive_or({"clip_qkv"}, 1, 1e6);
}

void norm_projections(Architecture& a) {
  a.head_norm = HeadNorm::projection;
  a[Role::query_norm] = {"layers.{}.self_attn.q_norm"};
  a[Role::key_norm] = {"layers.{}.self_attn.k_norm"};
}

}  // namespace

Architecture read_olmo(Config& config, const Checkpoint&) {
  // It reads no epsilon: its LayerNorm has torch's.
  Architecture a = read_llama_like(
      config, {.epsilon_key = "", .epsilon = 1e-5, .needs_epsilon_in_gguf = false, .reads_attention_bias = true});
  a.norm = NormRef::Kind::layer;
  a.norm_has_gain = false;
  limit_queries_keys_values(a, config);
  return a;
}

namespace {

Architecture read_olmo2_base(Config& config, const RotaryDefaults& rotary = {}) {
  Architecture a = read_llama_like(config, {.epsilon = 1e-5, .reads_attention_bias = true, .rotary = rotary});
  a.rounding.norm_before_gain = false;
  norm_projections(a);
  a[Role::attention_norm].reset();
  a[Role::mlp_norm].reset();
  a[Role::attention_output_norm] = {"layers.{}.post_attention_layernorm"};
  a[Role::mlp_output_norm] = {"layers.{}.post_feedforward_layernorm"};
  return a;
}

}  // namespace

// A GGUF calls OLMo 3 an OLMo 2 with windows.
Architecture read_olmo2(Config& config, const Checkpoint& checkpoint) {
  if (config.is_gguf() && config.count_or({"sliding_window"}, 0) > 0) return read_olmo3(config, checkpoint);
  return read_olmo2_base(config);
}

Architecture read_olmo3(Config& config, const Checkpoint&) {
  constexpr double kBase = 500000;
  Architecture a = read_olmo2_base(config, {.base = kBase, .layer_type = "full_attention"});
  plan_windows(a, config, read_window(config, 4096), all_but_every(config, 4));
  const Rotary full = a.rotary[0];
  const auto parameters = config.section("rope_parameters");
  Rotary local{.dims = full.dims, .base = config.is_gguf() ? full.base : kBase, .scaling = {}};
  if (parameters) local = read_rotary(config, a.head_dim, {.base = kBase, .layer_type = "sliding_attention"});
  a.rotary = {full, local};
  for (LayerPlan& layer : a.plan) layer.rotary = layer.window > 0 ? 1 : 0;
  return a;
}

Architecture read_olmoe(Config& config, const Checkpoint&) {
  Architecture a = read_llama_like(config, {.epsilon = 1e-5, .reads_attention_bias = true});
  norm_projections(a);
  limit_queries_keys_values(a, config);
  config.need_in_gguf({"num_experts_per_tok"});
  a.experts = {.count = config.size_or({"num_local_experts", "num_experts"}, 64),
               .used = config.size_or({"num_experts_per_tok"}, 8),
               .mlp = a.mlp,
               .renormalise = config.flag_or({"norm_topk_prob"}, false)};
  for (LayerPlan& layer : plan_of(a)) layer.experts = true;
  a[Role::router] = {"layers.{}.mlp.gate"};
  name_experts(a, "layers.{}.mlp.experts.{}.", "gate_proj", "up_proj", "down_proj");
  return a;
}

}  // namespace lstar
