// GLM-4 and GLM-4-0414 (transformers: models/glm, models/glm4): Llama with rotary positions in interleaved pairs on
// half of each head and gate and up in one tensor; the later one has norms on what attention and MLP give as well.
#include "lstar/architecture/family.h"

namespace lstar {

Architecture read_glm(Config& config, const Checkpoint&) {
  Architecture a = read_llama_like(
      config, {.epsilon = 1.5625e-7, .kv_heads_or_null = false, .head_dim = 128, .rotary = {.share = 0.5}});
  a.rotary[0].interleaved = true;
  const bool bias = config.flag_or({"attention_bias"}, true);
  for (Role role : {Role::query, Role::key, Role::value}) a[role]->bias = bias;
  a[Role::mlp_gate] = {.pattern = "layers.{}.mlp.gate_up_proj", .part = 0, .parts = 2};
  a[Role::mlp_up] = {.pattern = "layers.{}.mlp.gate_up_proj", .part = 1, .parts = 2};
  return a;
}

Architecture read_glm4(Config& config, const Checkpoint& checkpoint) {
  Architecture a = read_glm(config, checkpoint);
  a[Role::attention_output_norm] = {"layers.{}.post_self_attn_layernorm"};
  a[Role::mlp_output_norm] = {"layers.{}.post_mlp_layernorm"};
  return a;
}

}  // namespace lstar
