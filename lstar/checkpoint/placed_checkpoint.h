// What all formats share whose tensors lie, as they are, in some files, on this machine or on a hub: looking a tensor
// up, asking for its bytes, widening them. A format only says where its tensors are; a derived class, how bytes come.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint.h"

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

class PlacedCheckpoint : public Checkpoint {
 public:
  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<float> out) const override;
  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<double> out) const override;
  void drop(const TensorInfo& tensor) const override;
  std::string file_of(const TensorInfo& tensor) const override;

 protected:
  // Takes tensors over, MXFP4 pairs as one tensor. Refuses two tensors of one name. path_of must answer already.
  Result<void> take(std::vector<PlacedTensor> tensors, SharedBytes shared = SharedBytes::refused);

  virtual std::string path_of(size_t file) const = 0;
  // These bytes, which are inside the file: where they lie, or in `copy`.
  virtual Result<std::span<const std::byte>> bytes_of(const Extent& extent, std::vector<std::byte>& copy) const = 0;
  // They are not needed again soon.
  virtual void give_back(const Extent& extent) const = 0;

  // Rows that lie one after the other and are all that read() needs; nothing where they are not.
  std::optional<Extent> dense_rows(const TensorInfo& tensor, RowRange rows) const;

 private:
  struct Place {
    Extent whole;
    std::vector<int64_t> strides;
    Extent scales;
  };
  Result<void> check_apart(std::vector<PlacedTensor>& tensors) const;
  std::optional<size_t> index_of(const TensorInfo& tensor) const;
  template <class T>
  Result<void> gather_rows(const TensorInfo& tensor, const Place& place, RowRange rows, std::span<T> out) const;
  template <class T>
  Result<void> read_pair(const TensorInfo& tensor, const Place& place, RowRange rows, std::span<T> out) const;
  template <class T>
  Result<void> read_rows(const TensorInfo& tensor, RowRange rows, std::span<T> out) const;

  std::vector<Place> places_;  // in the order of tensors_
};

}  // namespace lstar
