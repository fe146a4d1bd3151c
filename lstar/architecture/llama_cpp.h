// How llama.cpp's converter spells what transformers spells otherwise: the keys of a GGUF's metadata and the names of
// its tensors are the same for all architectures, so that a family says only how transformers has them.
// Source: llama.cpp, gguf-py/gguf/constants.py and convert_hf_to_gguf.py.
#pragma once

#include <string_view>

#include "lstar/architecture/architecture.h"
#include "lstar/architecture/config.h"
#include "lstar/checkpoint/checkpoint.h"

namespace lstar {

// The metadata key, without the architecture's prefix, for a key of config.json: the usual one, then what other
// converters (Ollama's) write. Empty where there is none, or no `nth`.
std::string_view llama_cpp_key(std::string_view key, size_t nth = 0);

// Gives every role of an architecture the name and layout that a GGUF has it in. Fused projections are Q, K, V one
// after the other; Conv1D weights are turned round; gains are stored as they are used; experts are stacked; a bias is
// there if the file has it. `interleaves_q_and_k`: the converter has put the rows of Q and K in its own rotary order.
void name_as_llama_cpp(Architecture&, Config&, const Checkpoint&, bool interleaves_q_and_k);

}  // namespace lstar
