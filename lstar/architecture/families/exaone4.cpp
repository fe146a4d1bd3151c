// EXAONE 4 (transformers: models/exaone4): Llama with its norms on what attention and MLP give and none on what they
// take, norms on the heads of q and k, and rotary positions in the layers that see a window.
#include "lstar/architecture/family.h"
#include "lstar/architecture/layer_types.h"

namespace lstar {

Architecture read_exaone4(Config& config, const Checkpoint&) {
  Architecture a = read_llama_like(config, {.epsilon = 1e-5, .kv_heads_or_null = false});
  a[Role::attention_norm].reset();
  a[Role::mlp_norm].reset();
  a[Role::attention_output_norm] = {"layers.{}.post_attention_layernorm"};
  a[Role::mlp_output_norm] = {"layers.{}.post_feedforward_layernorm"};
  a[Role::query_norm] = {"layers.{}.self_attn.q_norm"};
  a[Role::key_norm] = {"layers.{}.self_attn.k_norm"};
  const int64_t window = read_window(config, config.is_gguf() ? 0 : 4096);
  plan_windows(a, config, window, all_but_every(config, 4));
  if (window > 0)
    for (LayerPlan& layer : a.plan) layer.rotary = layer.window > 0 ? 0 : -1;
  return a;
}

}  // namespace lstar
