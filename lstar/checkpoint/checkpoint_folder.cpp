#include "lstar/checkpoint/checkpoint_folder.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "lstar/base/json.h"
#include "lstar/checkpoint/folder_listing.h"
#include "lstar/checkpoint/gguf.h"
#include "lstar/checkpoint/gguf_folder.h"
#include "lstar/checkpoint/handed_over.h"
#include "lstar/checkpoint/mapped_checkpoint.h"
#include "lstar/checkpoint/safetensors.h"
#include "lstar/checkpoint/tensor_prefix.h"
#include "lstar/checkpoint/torch_file.h"
#include "lstar/checkpoint/weight_files.h"

namespace lstar {
namespace {

namespace dom = simdjson::dom;

struct WeightFiles {
  std::vector<std::string> names;                 // sorted
  std::string index;                              // its name, or empty
  std::map<std::string, std::string> weight_map;  // tensor -> file; empty without an index
};

// A shard lies beside its index and nowhere else.
bool is_plain_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

Result<WeightFiles> read_index(const std::string& folder, const std::string& index_name) {
  const std::string path = folder + "/" + index_name;
  LSTAR_TRY(is_readable(path));
  LSTAR_ASSIGN(const JsonDocument index, JsonDocument::read(path));
  const std::optional<Json> map = json_find(index.root(), "weight_map");
  dom::object fields;
  if (!map || map->get_object().get(fields)) return fail({.what = "has no object weight_map", .file = path});
  WeightFiles files{.names = {}, .index = index_name, .weight_map = {}};
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

// The names in a folder; of one whose names we may not list, those that a model usually has.
Result<Listing> names_in(const std::string& path) {
  auto listing = list_folder(path);
  if (listing) return listing;
  Listing usual{.folder = path, .names = {}};
  for (const char* name : {"config.json", "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                           "pytorch_model.bin.index.json"})
    if (const auto there = is_there(path + "/" + name); there && *there) usual.names.emplace_back(name);
  if (usual.names.empty()) return listing;
  return usual;
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

// Tensors that no file holds where the index says, nor elsewhere: an index may be older than the files beside it, and
// what nobody asks for may stay away.
void note_stale_entries(const std::string& folder, const WeightFiles& weights, const std::vector<PlacedTensor>& held,
                        UnreadTensors& unread) {
  std::set<std::string_view> names;
  for (const PlacedTensor& tensor : held) names.insert(tensor.info.name);
  for (const auto& [tensor, file] : weights.weight_map)
    if (!names.contains(tensor))
      unread.emplace(tensor, Error{.what = "not in the shard that " + weights.index + " names, nor in another",
                                   .file = folder + "/" + file,
                                   .at = tensor_label(tensor)});
}

// Takes off what wrappers put before and into all names.
std::vector<std::string> unwrap_names(std::vector<PlacedTensor>& tensors, UnreadTensors& unread) {
  std::vector<std::string> notes;
  bool has_wrappers = false;
  const auto rename_all = [&](const auto& renamed) {
    for (PlacedTensor& tensor : tensors) tensor.info.name = renamed(tensor.info.name);
    UnreadTensors others;
    for (auto& [name, error] : unread) others.emplace(renamed(name), std::move(error));
    unread = std::move(others);
  };
  rename_all([&](const std::string& name) {
    std::string bare = without_wrappers(name);
    has_wrappers = has_wrappers || bare != name;
    return bare;
  });
  if (has_wrappers)
    notes.emplace_back("tensor names are read without the names of wrappers in them (torch.compile, FSDP)");
  std::vector<std::string_view> names;
  for (const PlacedTensor& tensor : tensors) names.push_back(tensor.info.name);
  const std::string prefix = wrapper_prefix(names);
  if (prefix.empty()) return notes;
  rename_all([&](const std::string& name) { return name.starts_with(prefix) ? name.substr(prefix.size()) : name; });
  notes.push_back("tensor names are read without the prefix that all of them have: " + plain_text(prefix));
  return notes;
}

// Whose files lie beside a folder's config.json.
Result<std::vector<PlacedTensor>> read_tensors(const MappedFile& mapped, size_t file, UnreadTensors& unread) {
  const bool is_by_name = mapped.file_name().ends_with(".safetensors") || begins_as_safetensors(mapped);
  if (is_torch_file(mapped) || !is_by_name) return read_torch_file(mapped, file, &unread);
  return read_safetensors_header(mapped, file);
}

// Of a folder without the files of a model: another thing, or a model's folder that lacks them.
Error nothing_to_open(const Listing& listing, bool has_config) {
  if (auto what = what_is_folder(listing)) return {.what = *std::move(what), .file = listing.folder};
  if (!has_config) return {.what = "the folder has no config.json", .file = listing.folder};
  return {.what = "the folder has no weights",
          .file = listing.folder,
          .expected = "model.safetensors or pytorch_model.bin, whole or in shards behind an index"};
}

// Whether no weights of another kind lie beside a GGUF, which may itself be called x.bin.
bool is_all_there_is(const MappedFile& gguf, const Result<WeightChoice>& choice) {
  return choice && choice->index.empty() &&
         std::all_of(choice->files.begin(), choice->files.end(),
                     [&](const std::string& name) { return name == gguf.file_name(); });
}

Result<std::unique_ptr<Checkpoint>> CheckpointFolder::open(const std::string& path) {
  const std::string config_path = path + "/config.json";
  LSTAR_ASSIGN(const bool has_config, is_readable(config_path));
  LSTAR_ASSIGN(const Listing listing, names_in(path));
  const Result<WeightChoice> choice = choose_weights(listing, path);
  if (!has_config || (choice && choice->empty())) {
    LSTAR_ASSIGN(std::optional<MappedFile> gguf, find_gguf(listing));
    if (gguf && is_all_there_is(*gguf, choice)) return open_gguf(*std::move(gguf));
    if (gguf)
      return fail({.what = "the folder has no config.json, which its weights need; for the GGUF among them pass " +
                           plain_text(gguf->file_name()),
                   .file = path});
    if (!has_config) return fail(nothing_to_open(listing, has_config));
  }
  LSTAR_ASSIGN(JsonDocument config, JsonDocument::read(config_path));
  if (!config.root().is_object()) return fail({.what = "not a JSON object", .file = config_path});
  if (!choice) return fail(choice.error());
  if (choice->empty()) return fail(nothing_to_open(listing, has_config));
  WeightFiles weights{.names = choice->files, .index = {}, .weight_map = {}};
  if (!choice->index.empty()) {
    LSTAR_ASSIGN(weights, read_index(path, choice->index));
  }

  std::vector<MappedFile> files;
  std::vector<PlacedTensor> tensors;
  UnreadTensors unread;
  bool is_pytorch = false;  // in whose files tied weights are one storage
  for (const std::string& name : weights.names) {
    if (listing.has(name + ".aria2"))  // its room is reserved long before all of it is there
      return fail({.what = "the download is not finished (" + plain_text(name) + ".aria2 lies beside it)",
                   .file = path + "/" + name});
    auto mapped = MappedFile::open(path + "/" + name);
    if (!mapped) {
      Error error = std::move(mapped).error();
      if (!weights.index.empty()) error.what.insert(0, "shard: ");
      return fail(std::move(error));
    }
    is_pytorch = is_pytorch || is_torch_file(*mapped);
    LSTAR_ASSIGN(std::vector<PlacedTensor> more, read_tensors(*mapped, files.size(), unread));
    std::move(more.begin(), more.end(), std::back_inserter(tensors));
    files.push_back(*std::move(mapped));
  }
  note_stale_entries(path, weights, tensors, unread);

  std::unique_ptr<CheckpointFolder> checkpoint(new CheckpointFolder(std::move(config)));
  checkpoint->path_ = path;
  checkpoint->format_ = is_pytorch ? "pytorch" : "safetensors";
  checkpoint->notes_ = unwrap_names(tensors, unread);
  checkpoint->unread_ = std::move(unread);
  LSTAR_TRY(
      checkpoint->take(std::move(files), std::move(tensors), is_pytorch ? SharedBytes::allowed : SharedBytes::refused));
  return checkpoint;
}

}  // namespace

Result<std::unique_ptr<Checkpoint>> open_checkpoint_folder(const std::string& path) {
  return CheckpointFolder::open(path);
}

}  // namespace lstar
