#include "lstar/checkpoint/mapped_checkpoint.h"

#include <utility>

namespace lstar {

Result<void> MappedCheckpoint::take(std::vector<MappedFile> files, std::vector<PlacedTensor> tensors,
                                    SharedBytes shared) {
  files_ = std::move(files);
  return PlacedCheckpoint::take(std::move(tensors), shared);
}

Result<std::span<const std::byte>> MappedCheckpoint::bytes_of(const Extent& extent, std::vector<std::byte>&) const {
  return files_[extent.file].bytes().subspan(extent.offset, extent.bytes);
}

void MappedCheckpoint::give_back(const Extent& extent) const { files_[extent.file].drop(extent.offset, extent.bytes); }

std::span<const std::byte> MappedCheckpoint::stored_rows(const TensorInfo& tensor, RowRange rows) const {
  const std::optional<Extent> extent = dense_rows(tensor, rows);
  return extent ? files_[extent->file].bytes().subspan(extent->offset, extent->bytes) : std::span<const std::byte>();
}

std::vector<const MappedFile*> MappedCheckpoint::files() const {
  std::vector<const MappedFile*> files;
  for (const MappedFile& file : files_) files.push_back(&file);
  return files;
}

}  // namespace lstar
