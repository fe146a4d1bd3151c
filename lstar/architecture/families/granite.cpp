// Granite (transformers: models/granite, models/granitemoe): Llama with four multipliers, on the embedding, on scores
// in place of 1 / sqrt(d_h), on what attention and MLP add, and one that divides the logits; and with a mixture of
// experts whose gates and ups are stored together.
#include "lstar/architecture/family.h"
#include "lstar/architecture/layer_types.h"

namespace lstar {

namespace {

Architecture read_granite_base(Config& config, bool reads_mlp_bias) {
  constexpr double kMost = 1e6;
  Architecture a = read_llama_like(config, {.reads_attention_bias = true, .reads_mlp_bias = reads_mlp_bias});
  a.embedding_scale = config.positive_or({"embedding_multiplier"}, 1, kMost);
  a.attention_scale = config.positive_or({"attention_multiplier"}, 1, kMost);
  a.residual_scale = config.positive_or({"residual_multiplier"}, 1, kMost);
  config.need_in_gguf({"attention_multiplier", "logits_scaling"});
  a.logit_scale = 1 / config.positive_or({"logits_scaling"}, 1, kMost);
  return a;
}

}  // namespace

Architecture read_granite(Config& config, const Checkpoint&) { return read_granite_base(config, true); }

Architecture read_granitemoe(Config& config, const Checkpoint&) {
  Architecture a = read_granite_base(config, false);
  config.need_in_gguf({"num_experts_per_tok"});
  a.experts = {.count = config.size_or({"num_local_experts"}, 8),
               .used = config.size_or({"num_experts_per_tok"}, 2),
               .mlp = a.mlp,
               .renormalise = true};
  for (LayerPlan& layer : plan_of(a)) layer.experts = true;
  a[Role::router] = {"layers.{}.block_sparse_moe.router.layer"};
  a[Role::expert_gate] = {.pattern = "layers.{}.block_sparse_moe.input_linear", .part = 0, .parts = 2, .stacked = true};
  a[Role::expert_up] = {.pattern = "layers.{}.block_sparse_moe.input_linear", .part = 1, .parts = 2, .stacked = true};
  a[Role::expert_down] = {.pattern = "layers.{}.block_sparse_moe.output_linear", .stacked = true};
  return a;
}

}  // namespace lstar
