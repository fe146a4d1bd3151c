// One safetensors file: eight bytes with the length of a JSON header, the header
// ({"name": {"dtype", "shape", "data_offsets"}, ...}), and the numbers, little-endian.
#pragma once

#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/mapped_checkpoint.h"

namespace lstar {

// The tensors of one file; each is given the number `file`. Nothing of what the header says is believed: types are
// known, offsets lie inside the file, sizes agree with shapes.
Result<std::vector<PlacedTensor>> read_safetensors_header(const MappedFile& mapped, size_t file = 0);

}  // namespace lstar
