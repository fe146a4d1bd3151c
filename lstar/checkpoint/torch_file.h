// One file that torch.save wrote: a pickle that names tensors, and their storages, either as entries of a ZIP archive
// or, as PyTorch wrote before 1.6, one after the other behind the pickle. Nothing in it is executed.
#pragma once

#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/mapped_file.h"
#include "lstar/checkpoint/placed_checkpoint.h"

namespace lstar {

// Whether a file begins as one of these does.
bool is_torch_file(const MappedFile& mapped);

// The tensors of a state dict, which may lie a level down ({"state_dict": {...}}, {"model": {...}}); values that are no
// tensors are passed over. Each is given the number `file`. Tensors may share bytes, and may be views whose rows do not
// lie one after the other, or that repeat elements. One that cannot be read (sparse, quantised, made by code, outside
// its storage) goes into `unread` with the reason, and fails the call only where no other is left.
Result<std::vector<PlacedTensor>> read_torch_file(const MappedFile& mapped, size_t file = 0,
                                                  UnreadTensors* unread = nullptr);

}  // namespace lstar
