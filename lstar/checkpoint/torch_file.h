// One file that torch.save wrote: a pickle that names tensors, and their storages, either as entries of a ZIP archive
// or, as PyTorch wrote before 1.6, one after the other behind the pickle. Nothing in it is executed.
#pragma once

#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/mapped_checkpoint.h"

namespace lstar {

// Whether a file begins as one of these does.
bool is_torch_file(const MappedFile& mapped);

// The tensors of a state dict, which may lie one level down ({"state_dict": {...}}, {"model": {...}}); values that are
// no tensors are passed over. Each is given the number `file`. Tensors may share bytes, and may be views whose rows do
// not lie one after the other; one that repeats elements is refused.
Result<std::vector<PlacedTensor>> read_torch_file(const MappedFile& mapped, size_t file = 0);

}  // namespace lstar
