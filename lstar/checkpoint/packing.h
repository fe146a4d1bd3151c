// Weights that are packed by a scheme that is not read, told by the names of their tensors: many files say nothing else
// of it, and configurations say it of weights that are plain.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/checkpoint/checkpoint.h"

namespace lstar {

// A scheme keeps one weight as several tensors of one stem; a row names the ends of those that tell it.
struct Packing {
  std::string_view scheme;
  std::vector<std::string_view> ends;   // all of them stand beside each other
  std::optional<StoredType> type = {};  // of the first, where the names alone do not tell
  std::string_view advice = "get the checkpoint as it was before, or a GGUF";
};
std::span<const Packing> packings();

// What packs the checkpoint's tensors, as an error that names one of them; nothing where no scheme is found.
std::optional<Error> find_packing(const Checkpoint& checkpoint);

// The ways in which torch itself holds a weight as other tensors while a model is trained. Image and sound encoders of
// models that are read are published so: it counts for stems (a name without what is in `ends`) that the model reads.
using OfStem = std::function<bool(std::string_view stem)>;
std::span<const Packing> reparametrisations();
std::optional<Error> find_reparametrisation(const Checkpoint& checkpoint, const OfStem& is_of_model);

// As find_packing, for 8-bit floats whose scales lie in other tensors, which look like plain ones.
std::optional<Error> find_scaled_float8(const Checkpoint& checkpoint);

// Weights without elements, as ZeRO's third stage leaves them in a state dict that nobody gathered.
std::optional<Error> find_empty_tensors(const Checkpoint& checkpoint);

// What a configuration's quantization_config, or that of its language model's part, names as its method; "unknown"
// where it names none; empty where there is no such object, and for MXFP4, which is read.
std::string quantisation_of(const Configuration& config);

}  // namespace lstar
