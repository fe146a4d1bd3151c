// GLM-4 and GLM-4-0414 (transformers: models/glm, models/glm4): Llama with rotary positions in interleaved pairs on
// half of each head and gate and up in one tensor; the later one has norms on what attention and MLP give as well.
#include "lstar/model/family.h"

namespace lstar {

Architecture read_glm(Config& config, const Checkpoint& checkpoint) {
  Architecture a = read_llama(config, checkpoint);
  a.head_dim = config.is_gguf() ? a.head_dim : config.size_or({"head_dim"}, 128);
  a.split_heads();
  a.norm_epsilon = config.positive_or({"rms_norm_eps"}, 1.5625e-7, 1);
  a.rotary = {read_rotary(config, a.head_dim, {.share = 0.5})};
  a.rotary[0].interleaved = true;
  const bool bias = config.flag_or({"attention_bias"}, true);
  for (Role role : {Role::query, Role::key, Role::value}) a[role]->bias = bias;
  a[Role::attention_out]->bias = false;
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
