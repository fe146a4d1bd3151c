// Mistral and Mixtral (transformers: models/mistral, models/mixtral): Llama with a window of keys in every layer, and
// with a mixture of experts in place of the MLP. A GGUF of either says "llama", and llama.cpp leaves the window out.
#include "lstar/architecture/family.h"
#include "lstar/architecture/layer_types.h"

namespace lstar {

Architecture read_mistral(Config& config, const Checkpoint&) {
  Architecture a = read_llama_like(config, {.kv_heads_or_null = false, .head_dim_or_null = true});
  see_windows(a, read_window(config, 4096));
  return a;
}

Architecture read_mixtral(Config& config, const Checkpoint&) {
  Architecture a = read_llama_like(
      config, {.epsilon = 1e-5, .kv_heads_or_null = false, .head_dim_or_null = true, .rotary = {.base = 1e6}});
  see_windows(a, read_window(config));
  a.experts = {.count = config.size_or({"num_experts", "num_local_experts"}, 8),
               .used = config.size_or({"num_experts_per_tok"}, 2),
               .mlp = a.mlp,
               .renormalise = true};
  for (LayerPlan& layer : plan_of(a)) layer.experts = true;
  a[Role::router] = {"layers.{}.block_sparse_moe.gate"};
  name_experts(a, "layers.{}.block_sparse_moe.experts.{}.", "w1", "w3", "w2");
  return a;
}

}  // namespace lstar
