// MXFP4 as GPT-OSS was published in safetensors: what transformers calls X lies in two tensors of bytes. X_blocks,
// (..., groups, 16), has 32 numbers of four bits a group, two a byte, the low half first; X_scales, (..., groups), has
// the exponent of each group. They may be in different files. Readers show one tensor X, (..., 32 * groups), of
// StoredType::mxfp4_pair, and widen it as they widen the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/placed_checkpoint.h"

namespace lstar {

// Puts X in the place of every two such tensors. `tensors` are sorted by name, each name once, and stay so. `path_of`
// gives the path of a file by its number. Refuses a half without the other, halves that do not fit, and an X that is
// there beside its halves.
Result<void> join_mxfp4_pairs(std::vector<PlacedTensor>& tensors, const std::function<std::string(size_t)>& path_of);

// Bytes of each half for a number of elements (whole groups), or the place where an element's group begins.
constexpr uint64_t mxfp4_block_bytes(int64_t elements) { return static_cast<uint64_t>(elements) / 2; }
constexpr uint64_t mxfp4_scale_bytes(int64_t elements) { return static_cast<uint64_t>(elements) / 32; }

// Widens whole groups.
void widen_mxfp4_pair(const std::byte* blocks, const std::byte* scales, std::span<float> out);
void widen_mxfp4_pair(const std::byte* blocks, const std::byte* scales, std::span<double> out);

}  // namespace lstar
