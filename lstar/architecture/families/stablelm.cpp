// StableLM (transformers: models/stablelm): Llama with LayerNorm, rotary positions on the first dims of a head, and, by
// configuration, biases on q, k and v, a norm of its own for each head of q and k, and attention and MLP in parallel.
#include "lstar/architecture/family.h"

namespace lstar {

Architecture read_stablelm(Config& config, const Checkpoint& checkpoint) {
  Architecture a = read_llama_like(
      config, {.epsilon_key = "layer_norm_eps", .epsilon = 1e-5, .kv_heads_or_null = false, .rotary = {.share = 0.25}});
  a.norm = NormRef::Kind::layer;
  a.rounding.norm_before_gain = false;
  const bool bias = config.flag_or({"use_qkv_bias"}, false);
  for (Role role : {Role::query, Role::key, Role::value}) a[role]->bias = bias;
  for (Role role : {Role::attention_norm, Role::mlp_norm, Role::final_norm}) a[role]->bias = true;
  if (config.flag_or({"qk_layernorm"}, checkpoint.find("blk.0.attn_q_norm.weight") != nullptr)) {
    a.head_norm_of_each = true;
    a[Role::query_norm] = {"layers.{}.self_attn.q_layernorm.norms.{}"};
    a[Role::key_norm] = {"layers.{}.self_attn.k_layernorm.norms.{}"};
  }
  if (config.flag_or({"use_parallel_residual"}, false)) {
    a.residual = Residual::parallel;
    a[Role::mlp_norm].reset();
  }
  return a;
}

}  // namespace lstar
