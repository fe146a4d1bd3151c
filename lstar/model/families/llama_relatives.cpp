// Families that are Llama but for a default or two (transformers: models/seed_oss, ernie4_5, helium).
#include "lstar/model/family.h"

namespace lstar {
namespace {

void bias_queries_keys_values(Architecture& a, bool bias, bool output_bias) {
  for (Role role : {Role::query, Role::key, Role::value}) a[role]->bias = bias;
  a[Role::attention_out]->bias = output_bias;
}

}  // namespace

// Seed-OSS: biases on q, k and v, and their own switch for the output's.
Architecture read_seed_oss(Config& config, const Checkpoint& checkpoint) {
  Architecture a = read_llama(config, checkpoint);
  a.head_dim = config.is_gguf() ? a.head_dim : config.size_or({"head_dim"}, 128);
  a.split_heads();
  a.rotary = {read_rotary(config, a.head_dim)};
  bias_queries_keys_values(a, config.flag_or({"attention_bias"}, true), config.flag_or({"attention_out_bias"}, false));
  return a;
}

// ERNIE 4.5: rotary positions in interleaved pairs; one switch for all biases.
Architecture read_ernie4_5(Config& config, const Checkpoint& checkpoint) {
  Architecture a = read_llama(config, checkpoint);
  a.head_dim = config.is_gguf() ? a.head_dim : config.size_or({"head_dim"}, 128);
  a.split_heads();
  a.norm_epsilon = config.positive_or({"rms_norm_eps"}, 1e-5, 1);
  a.rotary = {read_rotary(config, a.head_dim, {.base = 500000})};
  a.rotary[0].interleaved = true;
  const bool bias = config.flag_or({"use_bias"}, false);
  bias_queries_keys_values(a, bias, bias);
  for (Role role : {Role::mlp_gate, Role::mlp_up, Role::mlp_down}) a[role]->bias = bias;
  if (config.flag_or({"tie_word_embeddings"}, true)) a[Role::output].reset();
  return a;
}

// Helium: rotary positions in interleaved pairs.
Architecture read_helium(Config& config, const Checkpoint& checkpoint) {
  Architecture a = read_llama(config, checkpoint);
  a.head_dim = config.is_gguf() ? a.head_dim : config.size_or({"head_dim"}, 128);
  a.split_heads();
  a.norm_epsilon = config.positive_or({"rms_norm_eps"}, 1e-8, 1);
  a.rounding.norm_before_gain = false;
  a.rotary = {read_rotary(config, a.head_dim, {.base = 100000})};
  a.rotary[0].interleaved = true;
  a[Role::attention_out]->bias = false;
  return a;
}

}  // namespace lstar
