// Granite (transformers: models/granite, models/granitemoe): Llama with four multipliers, on the embedding, on scores
// in place of 1 / sqrt(d_h), on what attention and MLP add, and one that divides the logits; and with a mixture of
// experts whose gates and ups are stored together.
#include "lstar/model/family.h"
#include "lstar/model/layer_types.h"

namespace lstar {

Architecture read_granite(Config& config, const Checkpoint& checkpoint) {
  constexpr double kMost = 1e6;
  Architecture a = read_llama(config, checkpoint);
  a.embedding_scale = config.positive_or({"embedding_multiplier"}, 1, kMost);
  a.attention_scale = config.positive_or({"attention_multiplier"}, 1, kMost);
  a.residual_scale = config.positive_or({"residual_multiplier"}, 1, kMost);
  a.logit_scale = 1 / config.positive_or({"logits_scaling"}, 1, kMost);
  return a;
}

Architecture read_granitemoe(Config& config, const Checkpoint& checkpoint) {
  Architecture a = read_granite(config, checkpoint);
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
