// Checkpoints in GGUF, version 2 or 3, little-endian, in one file or in parts ("NAME-00001-of-00003.gguf"): a head
// (key-value pairs, then name, axes, type and place of every tensor) and the numbers, aligned. Tensor names and the
// order of rows are left as stored.
#pragma once

#include <memory>
#include <string>

#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/mapped_file.h"

namespace lstar {

// Whether a file begins as a GGUF file does.
bool is_gguf(const MappedFile& mapped);

// Any part of several names the model; the others are opened beside it.
Result<std::unique_ptr<Checkpoint>> open_gguf(MappedFile mapped);

}  // namespace lstar
