// An index (model.safetensors.index.json) in a folder with two shards: nothing outside the folder is ever opened.
#include "fuzz/support.h"
#include "lstar/checkpoint/checkpoint_folder.h"
#include "lstar/hub/model_files.h"

namespace lstar::fuzz {
namespace {

// One float32 tensor of two numbers.
std::string shard(const std::string& tensor) {
  const std::string header = R"({")" + tensor + R"(":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  return std::string(1, static_cast<char>(header.size())) + std::string(7, '\0') + header + std::string(8, '\0');
}

struct Place {
  Place() {
    std::filesystem::create_directory(model);
    outside.write("c.safetensors", shard("c"));
    outside.write("model/config.json", "{}");
    outside.write("model/a.safetensors", shard("a"));
    outside.write("model/b.safetensors", shard("b"));
  }
  MemoryFolder outside;
  const std::string model = outside.path() + "/model";
};

void run(std::string_view text) {
  static const Place place;
  place.outside.write("model/model.safetensors.index.json", text);
  const auto named = parse_hub_index(text, "memory");
  const auto opened = open_checkpoint_folder(place.model);
  const bool is_named = succeeded(named), is_opened = succeeded(opened);
  if (!is_opened) return;
  require(is_named, "both readers of an index accept it");
  const Checkpoint& checkpoint = **opened;
  require(!checkpoint.tensors().empty(), "an index names a tensor");
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    const std::string file = checkpoint.file_of(tensor);
    require(file == place.model + "/" + tensor.name + ".safetensors", "a tensor comes from the folder's own shard");
    require(std::find(named->files.begin(), named->files.end(), tensor.name + ".safetensors") != named->files.end(),
            "only what the index names is opened");
  }
  read_rows(checkpoint);
}

}  // namespace
}  // namespace lstar::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
