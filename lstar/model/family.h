// The families we can run. A family is one function from a configuration to an Architecture, in a file of its own under
// families/, and one line in the registry (family.cpp).
#pragma once

#include <span>
#include <string_view>

#include "lstar/checkpoint/checkpoint.h"
#include "lstar/model/architecture.h"
#include "lstar/model/config.h"

namespace lstar {

struct Family {
  std::string_view model_type;     // config.json's model_type, or a GGUF's general.architecture
  std::string_view notebook_name;  // what the notebook's get_architecture_info calls it
  // Faults are left in the Config. The Checkpoint answers only which tensors exist.
  Architecture (*read)(Config&, const Checkpoint&);
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
