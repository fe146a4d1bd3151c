// Checkpoints in GGUF, version 2 or 3, little-endian, in one file or in parts ("NAME-00001-of-00003.gguf"): a head
// (key-value pairs, then name, axes, type and place of every tensor) and the numbers, aligned. Tensor names and the
// order of rows are left as stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/mapped_file.h"

namespace lstar {

// Whether a file begins as a GGUF file does.
bool is_gguf(std::span<const std::byte> bytes);
inline bool is_gguf(const MappedFile& mapped) { return is_gguf(mapped.bytes()); }

// What a GGUF holds. Programs keep all of these beside each other, under any name.
enum class GgufKind { model, vocabulary, projector, importance_matrix, adapter, control_vector };

// "a vision projector": what a kind is called.
std::string_view name_of(GgufKind kind);

// Of a file that cannot be read to its end of metadata: model, so that opening it says why. `bytes` is a whole file, or
// an archive's entry.
GgufKind gguf_kind(std::span<const std::byte> bytes, const std::string& path);

// Where a GGUF lies in a file: all of it, or an entry of an archive.
struct GgufWindow {
  uint64_t offset = 0, bytes = 0;
};

// Any part of several names the model; the others are opened beside it. Refuses what is
// no model; a vocabulary without weights can be opened for its tokenizer.
Result<std::unique_ptr<Checkpoint>> open_gguf(MappedFile mapped);
Result<std::unique_ptr<Checkpoint>> open_gguf(MappedFile mapped, GgufWindow window);

}  // namespace lstar
