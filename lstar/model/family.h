// The families we can run. A family is one function from a configuration to an Architecture, in a file under families/,
// and one line in the registry (family.cpp).
#pragma once

#include <span>
#include <string_view>

#include "lstar/checkpoint/checkpoint.h"
#include "lstar/model/architecture.h"
#include "lstar/model/config.h"

namespace lstar {

struct Family {
  std::string_view model_type;     // config.json's model_type
  std::string_view notebook_name;  // what the notebook's get_architecture_info calls it, or would
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

Architecture read_gpt2(Config&, const Checkpoint&);
Architecture read_gpt_neox(Config&, const Checkpoint&);
Architecture read_opt(Config&, const Checkpoint&);
Architecture read_bloom(Config&, const Checkpoint&);
Architecture read_llama(Config&, const Checkpoint&);

}  // namespace lstar
