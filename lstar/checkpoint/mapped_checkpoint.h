// Tensors that lie in mapped files: their bytes are where the mapping has them, and pages are given back.
#pragma once

#include <vector>

#include "lstar/checkpoint/mapped_file.h"
#include "lstar/checkpoint/placed_checkpoint.h"

namespace lstar {

class MappedCheckpoint : public PlacedCheckpoint {
 public:
  std::span<const std::byte> stored_rows(const TensorInfo& tensor, RowRange rows) const override;
  std::vector<const MappedFile*> files() const override;

 protected:
  // Takes files and their tensors over.
  Result<void> take(std::vector<MappedFile> files, std::vector<PlacedTensor> tensors,
                    SharedBytes shared = SharedBytes::refused);

 private:
  std::string path_of(size_t file) const override { return files_[file].path(); }
  Result<std::span<const std::byte>> bytes_of(const Extent& extent, std::vector<std::byte>& copy) const override;
  void give_back(const Extent& extent) const override;

  std::vector<MappedFile> files_;
};

}  // namespace lstar
