// Checkpoints in Hugging Face's layout: a folder with config.json and weights, one file or shards behind an index.
#pragma once

#include <memory>
#include <string>

#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint.h"

namespace lstar {

// Which files hold the weights says weight_files.h; what they hold, their first bytes. A folder without these
// that holds one language model as GGUF is read as that (gguf_folder.h).
Result<std::unique_ptr<Checkpoint>> open_checkpoint_folder(const std::string& path);

}  // namespace lstar
