#include "lstar/checkpoint/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "lstar/base/catch_memory.h"
#include "lstar/checkpoint/checkpoint_folder.h"
#include "lstar/checkpoint/folder_listing.h"
#include "lstar/checkpoint/gguf.h"
#include "lstar/checkpoint/gguf_archive.h"
#include "lstar/checkpoint/handed_over.h"
#include "lstar/checkpoint/hub_model.h"

namespace lstar {

int64_t Shape::rows() const {
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < dims.size(); ++i) rows *= dims[i];
  return rows;
}

int64_t Shape::cols() const { return dims.empty() ? 1 : dims.back(); }

std::string Shape::text() const { return fmt::format("[{}]", fmt::join(dims, ", ")); }

const TensorInfo* Checkpoint::find(std::string_view name) const {
  const auto place = std::lower_bound(tensors_.begin(), tensors_.end(), name,
                                      [](const TensorInfo& tensor, std::string_view key) { return tensor.name < key; });
  return place != tensors_.end() && place->name == name ? &*place : nullptr;
}

const Error* Checkpoint::why_unread(std::string_view name) const {
  const auto found = unread_.find(name);
  return found == unread_.end() ? nullptr : &found->second;
}

std::optional<std::string> Checkpoint::revision() const { return commit_of_snapshot(path_); }

namespace {

Result<std::unique_ptr<Checkpoint>> open_any(const std::string& path) {
  constexpr const char* kExpected = "a folder in Hugging Face's layout, or a .gguf file";
  LSTAR_ASSIGN(const bool there, is_there(path));
  if (!there) return fail({.kind = ErrorKind::missing, .what = "not on disk", .file = path, .expected = kExpected});
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return open_checkpoint_folder(path);
  LSTAR_ASSIGN(MappedFile mapped, MappedFile::open(path));
  if (is_gguf(mapped)) return open_gguf(std::move(mapped));
  LSTAR_ASSIGN(const std::optional<GgufWindow> inside, find_gguf_in_archive(mapped));
  if (inside) return open_gguf(std::move(mapped), *inside);
  return fail({.kind = ErrorKind::unsupported,
               .what = "not a checkpoint",
               .file = path,
               .expected = "a folder in Hugging Face's layout or a GGUF file"});
}

}  // namespace

Result<std::unique_ptr<Checkpoint>> open_checkpoint(const std::string& path) {
  return catch_memory("opening the checkpoint", path, [&] { return explained(open_any(path), path); });
}

}  // namespace lstar
