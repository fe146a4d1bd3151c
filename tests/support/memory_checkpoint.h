// A checkpoint whose tensors are vectors in memory, for tests that need weights without files. Values are kept in
// double; what read() returns is the value as a tensor of `type` would hold it (float32, float16, bfloat16, float64).
// stored_rows() gives 2-byte numbers and quantised blocks, at an odd address.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lstar/base/dtype.h"
#include "lstar/base/json.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/widen.h"
#include "tests/support/stored_numbers.h"

namespace lstar::testing {

class MemoryCheckpoint : public Checkpoint {
 public:
  // `config` is the text of a config.json.
  explicit MemoryCheckpoint(const std::string& config = "{}") : config_(*JsonDocument::parse(config, "memory")) {
    path_ = "memory";
    format_ = "memory";
  }

  // Adds a tensor, or replaces the values of one; pointers to TensorInfo are valid after the last add.
  void add(std::string name, std::vector<int64_t> dims, std::vector<double> values,
           StoredType type = StoredType::float32) {
    for (double& value : values) value = as_stored(type, value);
    const auto at = std::lower_bound(tensors_.begin(), tensors_.end(), name,
                                     [](const auto& t, const auto& n) { return t.name < n; });
    const auto index = at - tensors_.begin();
    if (at != tensors_.end() && at->name == name) {
      tensors_[index] = {std::move(name), type, {std::move(dims)}};
      values_[index] = std::move(values);
    } else {
      tensors_.insert(at, {std::move(name), type, {std::move(dims)}});
      values_.insert(values_.begin() + index, std::move(values));
    }
  }

  // Adds a quantised tensor. `bytes` are its blocks.
  void add_blocks(std::string name, std::vector<int64_t> dims, StoredType type, const std::vector<std::byte>& bytes) {
    std::vector<double> widened(bytes.size() / info(type).block_bytes * info(type).block_elements);
    widen(type, bytes.data(), widened);
    add(name, std::move(dims), std::move(widened), type);
    blocks_[std::move(name)] = bytes;
  }

  std::vector<double>& values(std::string_view name) { return values_[find(name) - tensors_.data()]; }

  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<float> out) const override {
    return copy(tensor, rows, out);
  }
  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<double> out) const override {
    return copy(tensor, rows, out);
  }
  std::span<const std::byte> stored_rows(const TensorInfo& tensor, RowRange rows) const override {
    stored_.assign(1, ' ');
    if (const auto blocks = blocks_.find(tensor.name); blocks != blocks_.end()) {
      const int64_t row_bytes = static_cast<int64_t>(blocks->second.size()) / tensor.shape.rows();
      stored_.append(reinterpret_cast<const char*>(blocks->second.data()) + rows.begin * row_bytes,
                     static_cast<size_t>(rows.count() * row_bytes));
    } else if (tensor.type == StoredType::float16 || tensor.type == StoredType::bfloat16) {
      for (int64_t i = rows.begin * tensor.shape.cols(); i < rows.end * tensor.shape.cols(); ++i) {
        const auto value = static_cast<float>(values_[&tensor - tensors_.data()][i]);
        append(stored_, tensor.type == StoredType::float16 ? float16_bits(value) : bfloat16_bits(value));
      }
    } else {
      return {};
    }
    return std::as_bytes(std::span(stored_)).subspan(1);
  }
  Configuration configuration() const override { return Configuration(config_.root()); }
  TokenizerSource tokenizer() const override { return {}; }

 private:
  static double as_stored(StoredType type, double value) {
    const float single = static_cast<float>(value);
    switch (type) {
      case StoredType::float64: return value;
      case StoredType::float16: return round_to_float16(single);
      case StoredType::bfloat16: return round_to_bfloat16(single);
      default: return single;
    }
  }

  template <class T>
  Result<void> copy(const TensorInfo& tensor, RowRange rows, std::span<T> out) const {
    const int64_t cols = tensor.shape.cols();
    const std::vector<double>& values = values_[&tensor - tensors_.data()];
    const auto count = static_cast<int64_t>(out.size());
    if (rows.begin < 0 || rows.end > tensor.shape.rows() || rows.count() * cols != count ||
        tensor.shape.elements() != static_cast<int64_t>(values.size()))
      return fail({.what = "rows", .file = path_, .at = "tensor " + tensor.name});
    for (int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(values[rows.begin * cols + i]);
    return {};
  }

  JsonDocument config_;
  std::vector<std::vector<double>> values_;  // beside tensors_
  std::map<std::string, std::vector<std::byte>> blocks_;
  inline static thread_local std::string stored_;  // until the thread's next call
};

}  // namespace lstar::testing
