// Nemotron and Minitron (transformers: models/nemotron): Llama's plan with LayerNorms whose gains are stored less 1,
// rotary positions on half of each head, and a plain MLP with squared ReLU.
#include "lstar/architecture/family.h"

namespace lstar {

Architecture read_nemotron(Config& config, const Checkpoint&) {
  Architecture a = read_llama_like(config, {.epsilon_key = "norm_eps",
                                            .epsilon = 1e-5,
                                            .activation = "relu2",
                                            .kv_heads_or_null = false,
                                            .head_dim_or_null = true,
                                            .reads_attention_bias = true,
                                            .reads_mlp_bias = true,
                                            .rotary = {.share = 0.5}});
  a.norm = NormRef::Kind::layer;
  a.norm_gain_offset = 1;
  a.initial_norm_gain = 2;  // what is stored begins at 1
  a.rounding.norm_before_gain = false;
  a[Role::mlp_gate].reset();
  for (Role role : {Role::attention_norm, Role::mlp_norm, Role::final_norm}) a[role]->bias = true;
  return a;
}

}  // namespace lstar
