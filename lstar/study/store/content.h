// Which checkpoint a measurement is of, by what is in it. Two that have the same content compute the same numbers,
// whatever their files are called and wherever they lie.
//
// For files it is the SHA-256 of what decides numbers and shapes: the bytes of each weight file in their order, and,
// where the weights have none in them, those of config.json. A GGUF has its configuration within. The tokenizer is not
// part of it: measurements are looked up by the token ids that it gave.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint_identity.h"

namespace lstar {

class Checkpoint;

// Of a checkpoint in files, from their hashes (identify()): 64 hexadecimal digits. Reads its config.json.
Result<std::string> content_of_files(const Checkpoint&, std::span<const FileIdentity> files);

// Of a checkpoint without files: the name, type, shape and values of every tensor, and what its configuration says.
// Reads all of it. Where in memory the numbers lie does not count, nor the order of the configuration's keys. Without a
// configuration (an untrained twin's) it is nothing that could be found again: an error of kind `argument`.
Result<std::string> content_of_tensors(const Checkpoint&);

// Of either, as it has files or none.
Result<std::string> content_of(const Checkpoint&, std::span<const FileIdentity> files);

}  // namespace lstar
