// Families that are Llama but for a default or two (transformers: models/seed_oss, ernie4_5, helium).
#include "lstar/architecture/family.h"

namespace lstar {
namespace {

void bias_queries_keys_values(Architecture& a, bool bias, bool output_bias) {
  for (Role role : {Role::query, Role::key, Role::value}) a[role]->bias = bias;
  a[Role::attention_out]->bias = output_bias;
}

}  // namespace

// Seed-OSS: biases on q, k and v, and their own switch for the output's.
Architecture read_seed_oss(Config& config, const Checkpoint&) {
  Architecture a = read_llama_like(config, {.head_dim = 128, .head_dim_or_null = true, .reads_mlp_bias = true});
  bias_queries_keys_values(a, config.flag_or({"attention_bias"}, true), config.flag_or({"attention_out_bias"}, false));
  return a;
}

// ERNIE 4.5: rotary positions in interleaved pairs; one switch for all biases.
Architecture read_ernie4_5(Config& config, const Checkpoint&) {
  Architecture a = read_llama_like(
      config,
      {.epsilon = 1e-5, .head_dim = 128, .head_dim_or_null = true, .ties_output = true, .rotary = {.base = 500000}});
  a.rotary[0].interleaved = true;
  const bool bias = config.flag_or({"use_bias"}, false, false);
  bias_queries_keys_values(a, bias, bias);
  for (Role role : {Role::mlp_gate, Role::mlp_up, Role::mlp_down}) a[role]->bias = bias;
  return a;
}

// Helium: rotary positions in interleaved pairs.
Architecture read_helium(Config& config, const Checkpoint&) {
  Architecture a = read_llama_like(config, {.epsilon = 1e-8,
                                            .kv_heads_or_null = false,
                                            .head_dim = 128,
                                            .reads_attention_bias = true,
                                            .reads_mlp_bias = true,
                                            .rotary = {.base = 100000}});
  a.rounding.norm_before_gain = false;
  a.rotary[0].interleaved = true;
  a[Role::attention_out]->bias = false;
  return a;
}

}  // namespace lstar
