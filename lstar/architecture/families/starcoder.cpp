// StarCoder, SantaCoder (transformers: models/gpt_bigcode) and StarCoder2 (models/starcoder2). The first two are GPT-2
// with one key head for all query heads, the last is Llama's plan with LayerNorm, a plain MLP and biases.
#include "lstar/architecture/family.h"
#include "lstar/architecture/layer_types.h"

namespace lstar {

Architecture read_gpt_bigcode(Config& config, const Checkpoint& checkpoint) {
  Architecture a = read_gpt2(config, checkpoint);
  a.activation = config.activation({"activation_function"}, "gelu_pytorch_tanh");
  if (config.flag_or({"multi_query"}, true)) {
    a.kv_heads = 1;
    a.fuse_heads_in_turn();
  } else {
    a.fuse_by_head();
  }
  for (Role role : {Role::query_key_value, Role::attention_out, Role::mlp_up, Role::mlp_down})
    a[role]->transposed = false;
  return a;
}

Architecture read_starcoder2(Config& config, const Checkpoint&) {
  Architecture a = read_llama_like(config, {.epsilon_key = "norm_epsilon",
                                            .epsilon = 1e-5,
                                            .activation = "gelu_pytorch_tanh",
                                            .kv_heads_or_null = false,
                                            .head_dim_or_null = true,
                                            .ties_output = true});
  a.norm = NormRef::Kind::layer;
  a.rounding.norm_before_gain = false;
  see_windows(a, read_window(config));
  const bool bias = config.flag_or({"use_bias"}, true);
  a[Role::mlp_gate].reset();
  a[Role::mlp_up] = {"layers.{}.mlp.c_fc"};
  a[Role::mlp_down] = {"layers.{}.mlp.c_proj"};
  for (Role role : {Role::query, Role::key, Role::value, Role::attention_out, Role::mlp_up, Role::mlp_down})
    a[role]->bias = bias;
  for (Role role : {Role::attention_norm, Role::mlp_norm, Role::final_norm}) a[role]->bias = true;
  return a;
}

}  // namespace lstar
