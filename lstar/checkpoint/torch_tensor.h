// The tensors that a pickle of torch.save names: which calls make them, of what type, size and strides they are, and
// where in which storage they lie.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "lstar/base/result.h"
#include "lstar/checkpoint/pickle.h"
#include "lstar/checkpoint/placed_checkpoint.h"

namespace lstar {

// What a pickle says of a storage.
struct StorageName {
  std::string_view key;
  std::optional<StoredType> type;
  uint64_t width = 1;       // bytes of an element
  int64_t numel = 0;        // bytes, where there is no type
  int64_t view_offset = 0;  // elements; PyTorch before 0.4 had storages within storages
};

Result<StorageName> read_storage_name(const Pickle& pickle, const PickleValue& persistent);

// Where a storage's bytes lie.
struct StorageSpan {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};
using Storages = std::map<std::string, StorageSpan, std::less<>>;  // by key

// A call that makes a tensor: of which function, with which arguments.
struct TensorCall {
  std::string_view function;
  const PickleValue* arguments = nullptr;
};

// Borrows both; one thread at a time.
class TensorReader {
 public:
  TensorReader(const Pickle& pickle, const Storages& storages) : pickle_(pickle), storages_(storages) {}

  // Whether a value is a tensor, or what wraps one.
  bool is_tensor(const PickleValue& value) const { return find_call(value).has_value(); }

  // Why a value is no tensor that is read, where it may be one: what code would have to make. Empty for plain values.
  std::optional<Error> why_not(const PickleValue& value) const;

  Result<PlacedTensor> read(std::string_view name, const PickleValue& value);

 private:
  std::optional<TensorCall> find_call(const PickleValue& value) const;
  Result<Shape> read_whole_numbers(const PickleValue& value, const char* what) const;

  const Pickle& pickle_;
  const Storages& storages_;
  uint64_t repeated_ = 0;
  size_t sizes_ = 0;  // and strides, of all tensors read
};

}  // namespace lstar
