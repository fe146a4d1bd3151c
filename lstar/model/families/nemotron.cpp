// Nemotron and Minitron (transformers: models/nemotron): Llama's plan with LayerNorms whose gains are stored less 1,
// rotary positions on half of each head, and a plain MLP with squared ReLU.
#include "lstar/model/family.h"

namespace lstar {

Architecture read_nemotron(Config& config, const Checkpoint& checkpoint) {
  Architecture a = read_llama(config, checkpoint);
  a.norm = NormRef::Kind::layer;
  a.norm_epsilon = config.positive_or({"norm_eps"}, 1e-5, 1);
  a.norm_gain_offset = 1;
  a.rounding.norm_before_gain = false;
  a.activation = config.activation({"hidden_act"}, "relu2");
  a.rotary = {read_rotary(config, a.head_dim, {.share = 0.5})};
  a[Role::mlp_gate].reset();
  for (Role role : {Role::attention_norm, Role::mlp_norm, Role::final_norm}) a[role]->bias = true;
  return a;
}

}  // namespace lstar
