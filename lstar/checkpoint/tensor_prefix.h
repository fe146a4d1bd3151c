// Names that a wrapper has put before the names of a model's tensors, or into them: torch.compile, DataParallel, FSDP,
// DeepSpeed, PEFT and Lightning save a model as a part of their own module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lstar/checkpoint/placed_checkpoint.h"

namespace lstar {

// What all these names begin with and no model of ours has: "module.", "_orig_mod.model." of
// "_orig_mod.model.lm_head.x".
std::string wrapper_prefix(const std::vector<std::string_view>& names);

// A name without what wrappers of single modules put into it ("layers.0._fsdp_wrapped_module.mlp").
std::string without_wrappers(std::string_view name);

// Takes both off the names of a checkpoint's tensors, those that cannot be read included. Returns what a reader of
// results should know of it, one line each.
std::vector<std::string> unwrap_names(std::vector<PlacedTensor>& tensors, UnreadTensors& unread);

}  // namespace lstar
