#include "lstar/checkpoint/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lstar/checkpoint/checkpoint_folder.h"
#include "lstar/checkpoint/gguf.h"
#include "lstar/checkpoint/hub/hub_model.h"

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

std::optional<std::string> Checkpoint::revision() const { return commit_of_snapshot(path_); }

Result<std::unique_ptr<Checkpoint>> open_checkpoint(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return errno == ENOENT ? fail({.what = "not on disk",
                                   .file = path,
                                   .expected = "a folder in Hugging Face's layout, or a .gguf file"})
                           : fail({.what = std::string("cannot be opened: ") + std::strerror(errno), .file = path});
  if (S_ISDIR(status.st_mode)) return open_checkpoint_folder(path);
  LSTAR_ASSIGN(MappedFile mapped, MappedFile::open(path));
  if (is_gguf(mapped)) return open_gguf(std::move(mapped));
  return fail(
      {.what = "not a checkpoint", .file = path, .expected = "a folder in Hugging Face's layout or a GGUF file"});
}

}  // namespace lstar
