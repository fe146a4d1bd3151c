// What all formats share whose tensors lie, as they are, in mapped files: looking a tensor's bytes up, widening them,
// giving their pages back. A format only says where its tensors are.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/mapped_file.h"

namespace lstar {

// Bytes of file `file` of a checkpoint.
struct Extent {
  size_t file = 0;
  uint64_t offset = 0, bytes = 0;
};

// A tensor and the bytes that hold it: file `file` of the checkpoint, from `offset` on, `bytes` from its first element
// to its last.
struct PlacedTensor {
  TensorInfo info;
  size_t file = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::vector<int64_t> strides;  // elements from one place to the next on each axis; empty where rows are dense
  Extent scales;                 // of an MXFP4 pair, whose blocks are the bytes above
};

// Whether two tensors may have bytes in common.
enum class SharedBytes { refused, allowed };

// "tensor NAME", as errors call it.
std::string tensor_label(std::string_view name);

// The bytes that a tensor of this type and shape takes. Refuses negative axes, products that overflow, and quantised
// rows that are not whole blocks.
Result<uint64_t> stored_bytes(StoredType type, const Shape& shape);

class MappedCheckpoint : public Checkpoint {
 public:
  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<float> out) const override;
  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<double> out) const override;
  std::span<const std::byte> stored_rows(const TensorInfo& tensor, RowRange rows) const override;
  void drop(const TensorInfo& tensor) const override;
  std::string file_of(const TensorInfo& tensor) const override;
  std::vector<const MappedFile*> files() const override;

 protected:
  // Takes files and tensors over, MXFP4 pairs as one tensor. Refuses two tensors of one name.
  Result<void> take(std::vector<MappedFile> files, std::vector<PlacedTensor> tensors,
                    SharedBytes shared = SharedBytes::refused);

 private:
  struct Place {
    size_t file = 0;
    uint64_t offset = 0, bytes = 0;
    std::vector<int64_t> strides;
    Extent scales;
  };
  std::optional<size_t> index_of(const TensorInfo& tensor) const;
  template <class T>
  void gather_rows(const TensorInfo& tensor, const Place& place, RowRange rows, std::span<T> out) const;
  template <class T>
  Result<void> read_rows(const TensorInfo& tensor, RowRange rows, std::span<T> out) const;

  std::vector<MappedFile> files_;
  std::vector<Place> places_;  // in the order of tensors_
};

}  // namespace lstar
