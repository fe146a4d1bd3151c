#include "lstar/checkpoint/checkpoint_folder.h"

#include <algorithm>
#include <optional>
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
#include "lstar/checkpoint/weight_index.h"

namespace lstar {
namespace {

Result<WeightIndex> read_index(const std::string& path) {
  LSTAR_TRY(is_readable(path));
  LSTAR_ASSIGN(const JsonDocument document, JsonDocument::read(path));
  return parse_weight_index(document, path);
}

// The names in a folder; of one whose names we may not list, those that a model usually has.
Result<Listing> names_in(const std::string& path) {
  auto listing = list_folder(path);
  if (listing) return listing;
  Listing usual{.folder = path, .names = {}};
  const auto add = [&](const std::string& name) {
    if (const auto there = is_there(path + "/" + name); there && *there) usual.names.push_back(name);
  };
  add("config.json");
  for (const UsualWeights& weights : kUsualWeights)
    for (const char* name : {weights.file, weights.index}) add(name);
  if (usual.names.empty()) return listing;
  return usual;
}

class CheckpointFolder final : public MappedCheckpoint {
 public:
  static Result<std::unique_ptr<Checkpoint>> open(const std::string& path);

  Configuration configuration() const override { return Configuration(config_.root()); }
  TokenizerSource tokenizer() const override { return {.folder = path_, .gguf = nullptr}; }

 private:
  explicit CheckpointFolder(JsonDocument config) : config_(std::move(config)) {}

  JsonDocument config_;
};

// Whose files lie beside a folder's config.json.
Result<std::vector<PlacedTensor>> read_tensors(const MappedFile& mapped, size_t file, UnreadTensors& unread) {
  const bool is_by_name = mapped.file_name().ends_with(".safetensors") || begins_as_safetensors(mapped);
  if (is_torch_file(mapped) || !is_by_name) return read_torch_file(mapped, file, &unread);
  return read_safetensors_header(mapped, file);
}

// Of a folder without the files of a model: another thing, or a model's folder that lacks them.
Error nothing_to_open(const Listing& listing, bool has_config) {
  if (auto what = what_is_folder(listing)) return std::move(*what).in(listing.folder);
  if (!has_config) return {.kind = ErrorKind::missing, .what = "the folder has no config.json", .file = listing.folder};
  return {.kind = ErrorKind::missing,
          .what = "the folder has no weights",
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
      return fail({.kind = ErrorKind::missing,
                   .what = "the folder has no config.json, which its weights need; for the GGUF among them pass " +
                           plain_text(gguf->file_name()),
                   .file = path});
    if (!has_config) return fail(nothing_to_open(listing, has_config));
  }
  LSTAR_ASSIGN(JsonDocument config, JsonDocument::read(config_path));
  if (!config.root().is_object()) return fail({.what = "not a JSON object", .file = config_path});
  if (!choice) return fail(choice.error());
  if (choice->empty()) return fail(nothing_to_open(listing, has_config));
  WeightIndex index{.path = {}, .files = choice->files, .weight_map = {}};
  if (!choice->index.empty()) {
    LSTAR_ASSIGN(index, read_index(path + "/" + choice->index));
  }

  std::vector<MappedFile> files;
  std::vector<PlacedTensor> tensors;
  UnreadTensors unread;
  bool is_pytorch = false;  // in whose files tied weights are one storage
  for (const std::string& name : index.files) {
    if (listing.has(name + ".aria2"))  // its room is reserved long before all of it is there
      return fail({.kind = ErrorKind::missing,
                   .what = "the download is not finished (" + plain_text(name) + ".aria2 lies beside it)",
                   .file = path + "/" + name});
    auto mapped = MappedFile::open(path + "/" + name);
    if (!mapped) {
      Error error = std::move(mapped).error();
      if (!index.path.empty()) error.what.insert(0, "shard: ");
      return fail(std::move(error));
    }
    is_pytorch = is_pytorch || is_torch_file(*mapped);
    LSTAR_ASSIGN(std::vector<PlacedTensor> more, read_tensors(*mapped, files.size(), unread));
    std::move(more.begin(), more.end(), std::back_inserter(tensors));
    files.push_back(*std::move(mapped));
  }
  note_stale_entries(index, tensors, unread);

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
