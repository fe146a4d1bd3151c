#include "lstar/checkpoint/checkpoint_folder.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "lstar/base/json.h"
#include "lstar/checkpoint/gguf.h"
#include "lstar/checkpoint/gguf_split.h"
#include "lstar/checkpoint/mapped_checkpoint.h"
#include "lstar/checkpoint/safetensors.h"
#include "lstar/checkpoint/torch_file.h"

namespace lstar {
namespace {

namespace dom = simdjson::dom;

enum class WeightFormat { safetensors, pytorch };

struct WeightFiles {
  WeightFormat format = WeightFormat::safetensors;
  std::vector<std::string> names;                 // sorted
  std::string index;                              // its name, or empty
  std::map<std::string, std::string> weight_map;  // tensor -> file; empty without an index
};

// A shard lies beside its index and nowhere else.
bool is_plain_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

Result<WeightFiles> read_index(const std::string& folder, const std::string& index_name, WeightFormat format) {
  const std::string path = folder + "/" + index_name;
  LSTAR_ASSIGN(const JsonDocument index, JsonDocument::read(path));
  const std::optional<Json> map = json_find(index.root(), "weight_map");
  dom::object fields;
  if (!map || map->get_object().get(fields)) return fail({.what = "has no object weight_map", .file = path});
  WeightFiles files{.format = format, .index = index_name};
  std::set<std::string> names;
  for (const dom::key_value_pair field : fields) {
    std::string_view name;
    if (field.value.get_string().get(name) || !is_plain_file_name(std::string(name)))
      return fail({.what = "bad shard name",
                   .file = path,
                   .at = tensor_label(field.key),
                   .expected = "a plain file name",
                   .found = simdjson::minify(field.value)});
    files.weight_map.emplace(field.key, name);
    names.emplace(name);
  }
  if (names.empty()) return fail({.what = "weight_map names no tensor", .file = path});
  files.names.assign(names.begin(), names.end());
  return files;
}

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

// What is no model though its name ends like one: a trainer's and an adapter's files.
bool is_another_thing(const std::string& name) {
  constexpr std::array<std::string_view, 5> kOthers{"training_args", "optimizer", "scheduler", "rng_state", "adapter_"};
  return std::any_of(kOthers.begin(), kOthers.end(), [&](std::string_view other) { return name.starts_with(other); });
}

// The files of a folder that end so, sorted.
std::vector<std::string> files_ending(const std::string& folder, std::initializer_list<std::string_view> endings) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (std::any_of(endings.begin(), endings.end(), [&](auto ending) { return name.ends_with(ending); }) &&
        !is_another_thing(name))
      names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<WeightFiles> find_weights(const std::string& folder) {
  struct Usual {
    const char *file, *index;
    WeightFormat format;
    std::initializer_list<std::string_view> endings;
  };
  static const Usual kUsual[] = {
      {"model.safetensors", "model.safetensors.index.json", WeightFormat::safetensors, {".safetensors"}},
      {"pytorch_model.bin", "pytorch_model.bin.index.json", WeightFormat::pytorch, {".bin", ".pt", ".pth"}}};
  for (const Usual& usual : kUsual) {
    if (exists(folder + "/" + usual.file)) return WeightFiles{.format = usual.format, .names = {usual.file}};
    if (exists(folder + "/" + usual.index)) return read_index(folder, usual.index, usual.format);
  }
  for (const Usual& usual : kUsual) {
    std::vector<std::string> names = files_ending(folder, usual.endings);
    if (names.size() == 1) return WeightFiles{.format = usual.format, .names = std::move(names)};
    if (names.size() > 1)
      return fail({.what = "several files of weights and no index",
                   .file = folder,
                   .expected = usual.index,
                   .found = names[0] + ", " + names[1] + (names.size() > 2 ? ", ..." : "")});
  }
  return fail({.what = "the folder has no weights",
               .file = folder,
               .expected = "model.safetensors or pytorch_model.bin, whole or in shards behind an index"});
}

class CheckpointFolder final : public MappedCheckpoint {
 public:
  static Result<std::unique_ptr<Checkpoint>> open(const std::string& path);

  Json config() const override { return config_.root(); }
  TokenizerSource tokenizer() const override { return {.folder = path_, .gguf = nullptr}; }

 private:
  explicit CheckpointFolder(JsonDocument config) : config_(std::move(config)) {}

  JsonDocument config_;
};

// Each tensor of the index is in the file that the index names.
Result<void> check_index(const std::string& folder, const WeightFiles& weights, const std::vector<PlacedTensor>& held) {
  std::set<std::pair<std::string_view, std::string_view>> pairs;  // tensor, file
  for (const PlacedTensor& tensor : held) pairs.emplace(tensor.info.name, weights.names[tensor.file]);
  for (const auto& [tensor, file] : weights.weight_map)
    if (!pairs.contains({tensor, file}))
      return fail({.what = "not in the shard that " + weights.index + " names",
                   .file = folder + "/" + file,
                   .at = tensor_label(tensor)});
  return {};
}

Result<std::unique_ptr<Checkpoint>> CheckpointFolder::open(const std::string& path) {
  const std::string config_path = path + "/config.json";
  if (!exists(config_path)) {
    const std::vector<std::string> ggufs = files_ending(path, {".gguf"});
    const auto part = ggufs.empty() ? std::nullopt : parse_gguf_part_name(ggufs[0]);
    const bool is_one_model = ggufs.size() == 1 || (part && static_cast<size_t>(part->count) == ggufs.size());
    if (!is_one_model) return fail({.what = "the folder has no config.json", .file = path});
    LSTAR_ASSIGN(MappedFile mapped, MappedFile::open(path + "/" + ggufs[0]));
    return open_gguf(std::move(mapped));
  }
  LSTAR_ASSIGN(JsonDocument config, JsonDocument::read(config_path));
  if (!config.root().is_object()) return fail({.what = "not a JSON object", .file = config_path});
  LSTAR_ASSIGN(const WeightFiles weights, find_weights(path));

  std::vector<MappedFile> files;
  std::vector<PlacedTensor> tensors;
  for (const std::string& name : weights.names) {
    auto mapped = MappedFile::open(path + "/" + name);
    if (!mapped) {
      Error error = std::move(mapped).error();
      if (!weights.index.empty()) error.what.insert(0, "shard: ");
      return fail(std::move(error));
    }
    LSTAR_ASSIGN(std::vector<PlacedTensor> more, weights.format == WeightFormat::pytorch
                                                     ? read_torch_file(*mapped, files.size())
                                                     : read_safetensors_header(*mapped, files.size()));
    std::move(more.begin(), more.end(), std::back_inserter(tensors));
    files.push_back(*std::move(mapped));
  }
  LSTAR_TRY(check_index(path, weights, tensors));

  std::unique_ptr<CheckpointFolder> checkpoint(new CheckpointFolder(std::move(config)));
  checkpoint->path_ = path;
  const bool is_pytorch = weights.format == WeightFormat::pytorch;  // in whose files tied weights are one storage
  checkpoint->format_ = is_pytorch ? "pytorch" : "safetensors";
  LSTAR_TRY(
      checkpoint->take(std::move(files), std::move(tensors), is_pytorch ? SharedBytes::allowed : SharedBytes::refused));
  return checkpoint;
}

}  // namespace

Result<std::unique_ptr<Checkpoint>> open_checkpoint_folder(const std::string& path) {
  return CheckpointFolder::open(path);
}

}  // namespace lstar
