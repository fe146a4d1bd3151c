// Checkpoints in Hugging Face's layout: a folder with config.json and weights, one file or shards behind an index.
#pragma once

#include <memory>
#include <string>

#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint.h"

namespace lstar {

// The first that is there of model.safetensors, model.safetensors.index.json, pytorch_model.bin,
// pytorch_model.bin.index.json; without these, the one *.safetensors file, then the one *.bin, *.pt or *.pth file. A
// folder without config.json that holds one model as GGUF is read as that.
Result<std::unique_ptr<Checkpoint>> open_checkpoint_folder(const std::string& path);

}  // namespace lstar
