// Names of the files in which the weights of one model lie: "model-00002-of-00003.safetensors". Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lstar {

struct ShardName {
  std::string before, after;  // all but the numbers: "folder/model-", ".fp16.safetensors"
  int number = 0, count = 0;  // from 1

  std::string name(int shard) const;  // of shard 1 ... count
};

// Absent for a name that is not of this form.
std::optional<ShardName> parse_shard_name(std::string_view name);

// The same for the parts of a GGUF, which end "-00002-of-00003.gguf".
std::optional<ShardName> parse_gguf_part_name(std::string_view name);

}  // namespace lstar
