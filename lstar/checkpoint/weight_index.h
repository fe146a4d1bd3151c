// The index of weights in several files, in a folder or on a hub: {"weight_map": {tensor: file}}. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lstar/base/json.h"
#include "lstar/base/result.h"
#include "lstar/checkpoint/placed_checkpoint.h"

namespace lstar {

struct WeightIndex {
  std::string path;                               // for messages; its folder is the files' own
  std::vector<std::string> files;                 // sorted, each once
  std::map<std::string, std::string> weight_map;  // tensor -> file
};

// Refuses names that are no plain file names (a shard lies beside its index and nowhere else), an index without any,
// and more files than limits.h allows.
Result<WeightIndex> parse_weight_index(const JsonDocument& document, const std::string& path);

// Adds the tensors that no file holds, neither where the index says nor elsewhere: an index may be older than the files
// beside it, and what nobody asks for may stay away.
void note_stale_entries(const WeightIndex& index, const std::vector<PlacedTensor>& held, UnreadTensors& unread);

}  // namespace lstar
