// The families we can run. A family is one function from a configuration to an Architecture, in a file under families/,
// its declaration below, and one line in the registry (family.cpp).
#pragma once

#include <span>
#include <string_view>

#include "lstar/architecture/architecture.h"
#include "lstar/architecture/config.h"
#include "lstar/checkpoint/checkpoint.h"

namespace lstar {

struct Family {
  std::string_view model_type;     // config.json's model_type
  std::string_view notebook_name;  // what get_architecture_info of the notebook says of it
  std::string_view gguf;           // a GGUF's general.architecture; empty: llama.cpp does not know it
  bool interleaves_q_and_k;        // llama.cpp's converter puts the rows of Q and K in its own rotary order
  // Faults are left in the Config. The Checkpoint answers only which tensors exist. Speaks transformers' names; a
  // GGUF's are put in afterwards (llama_cpp.h).
  Architecture (*read)(Config&, const Checkpoint&);
  std::string_view models;  // well-known checkpoints, for the documentation
};

std::span<const Family> families();

// Recognises the family and reads its architecture. An unknown family is an error that names the known ones.
Result<Architecture> read_architecture(const Checkpoint&);

// What the classes of transformers that share Llama's plan assume where a key is left out, and which keys they read.
// Sizes are in class_sizes.h.
struct LlamaClass {
  std::string_view epsilon_key = "rms_norm_eps";
  double epsilon = 1e-6;
  bool needs_epsilon_in_gguf = true;
  std::string_view activation_key = "hidden_act", activation = "silu";
  bool kv_heads_or_null = true;   // null: as many as query heads
  int head_dim = 0;               // 0: hidden / heads
  bool head_dim_or_null = false;  // null: hidden / heads
  bool reads_attention_bias = false, reads_mlp_bias = false;
  bool ties_output = false;
  RotaryDefaults rotary = {};
};
Architecture read_llama_like(Config&, const LlamaClass&);

Architecture read_gpt2(Config&, const Checkpoint&);
Architecture read_gpt_neox(Config&, const Checkpoint&);
Architecture read_opt(Config&, const Checkpoint&);
Architecture read_bloom(Config&, const Checkpoint&);
Architecture read_llama(Config&, const Checkpoint&);
Architecture read_mistral(Config&, const Checkpoint&);
Architecture read_mixtral(Config&, const Checkpoint&);
Architecture read_qwen2(Config&, const Checkpoint&);
Architecture read_qwen2_moe(Config&, const Checkpoint&);
Architecture read_qwen3(Config&, const Checkpoint&);
Architecture read_qwen3_moe(Config&, const Checkpoint&);
Architecture read_gemma(Config&, const Checkpoint&);
Architecture read_gemma2(Config&, const Checkpoint&);
Architecture read_gemma3(Config&, const Checkpoint&);
Architecture read_bert(Config&, const Checkpoint&);
Architecture read_roberta(Config&, const Checkpoint&);
Architecture read_phi(Config&, const Checkpoint&);
Architecture read_phi3(Config&, const Checkpoint&);
Architecture read_gpt_neo(Config&, const Checkpoint&);
Architecture read_gptj(Config&, const Checkpoint&);
Architecture read_codegen(Config&, const Checkpoint&);
Architecture read_falcon(Config&, const Checkpoint&);
Architecture read_mpt(Config&, const Checkpoint&);
Architecture read_stablelm(Config&, const Checkpoint&);
Architecture read_gpt_bigcode(Config&, const Checkpoint&);
Architecture read_starcoder2(Config&, const Checkpoint&);
Architecture read_olmo(Config&, const Checkpoint&);
Architecture read_olmo2(Config&, const Checkpoint&);
Architecture read_olmo3(Config&, const Checkpoint&);
Architecture read_olmoe(Config&, const Checkpoint&);
Architecture read_cohere(Config&, const Checkpoint&);
Architecture read_cohere2(Config&, const Checkpoint&);
Architecture read_granite(Config&, const Checkpoint&);
Architecture read_granitemoe(Config&, const Checkpoint&);
Architecture read_gpt_oss(Config&, const Checkpoint&);
Architecture read_smollm3(Config&, const Checkpoint&);
Architecture read_nemotron(Config&, const Checkpoint&);
Architecture read_glm(Config&, const Checkpoint&);
Architecture read_glm4(Config&, const Checkpoint&);
Architecture read_exaone4(Config&, const Checkpoint&);
Architecture read_seed_oss(Config&, const Checkpoint&);
Architecture read_ernie4_5(Config&, const Checkpoint&);
Architecture read_helium(Config&, const Checkpoint&);

}  // namespace lstar
