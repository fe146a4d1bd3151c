// Which files of a folder, or of a repository on the hub, hold a model's weights: one rule for both. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/folder_listing.h"

namespace lstar {

// The names that Hugging Face's programs give to weights in one file, and to the index of several.
struct UsualWeights {
  const char* file;
  const char* index;
};
inline constexpr UsualWeights kUsualSafetensors{"model.safetensors", "model.safetensors.index.json"};
inline constexpr UsualWeights kUsualWeights[] = {kUsualSafetensors,
                                                 {"pytorch_model.bin", "pytorch_model.bin.index.json"}};

struct WeightChoice {
  std::vector<std::string> files;  // sorted; those of an index are what it names
  std::string index;               // its name, or empty

  bool empty() const { return files.empty() && index.empty(); }
};

// The first that is there of kUsualWeights, each before its index; then, of safetensors before PyTorch's files
// (*.bin, *.pt, *.pth, *.ckpt):
//   an index of a variant (model.safetensors.index.fp16.json);
//   shards without an index (model-00001-of-00002.safetensors), if all are there;
//   the one file that is left, whatever its name.
// Several sets of weights, or a shard that is not there, is an error that names them; `where` is its file. Empty where
// there are none.
Result<WeightChoice> choose_weights(const Listing& listing, const std::string& where);

// What is no model though its name ends as one's does: a trainer's and an adapter's files, another program's weights.
bool is_beside_the_model(std::string_view name);

}  // namespace lstar
