// What a configuration alone says of a model: its architecture, without a weight being read or there.
#pragma once

#include <string>

#include "lstar/architecture/architecture.h"
#include "lstar/base/result.h"

namespace lstar {

// Of a folder its config.json, whatever else lies there; of a GGUF file, and of a folder without a config.json that
// holds one, its metadata.
Result<Architecture> configured_architecture(const std::string& path);

}  // namespace lstar
