// One safetensors file: eight bytes with the length of a JSON header, the header
// ({"name": {"dtype", "shape", "data_offsets"}, ...}), and the numbers, little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/mapped_file.h"
#include "lstar/checkpoint/placed_checkpoint.h"

namespace lstar {

// Whether a file begins as one of these does, whatever its name: a length that fits, and a brace.
bool begins_as_safetensors(const MappedFile& mapped);

// The tensors of one file; each is given the number `file`. Nothing of what the header says is believed: types are
// known, offsets lie inside the file, sizes agree with shapes.
Result<std::vector<PlacedTensor>> read_safetensors_header(const MappedFile& mapped, size_t file = 0);

// The same in two steps, for a file of which only the start is at hand: how long the header is that follows the first
// eight bytes, and what it says.
Result<uint64_t> safetensors_header_length(std::span<const std::byte> start, uint64_t file_size,
                                           const std::string& path);
Result<std::vector<PlacedTensor>> parse_safetensors_header(std::string_view header, uint64_t file_size,
                                                           const std::string& path, size_t file = 0);

}  // namespace lstar
