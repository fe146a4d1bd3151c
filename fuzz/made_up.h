// A checkpoint of a configuration alone: it begins empty, gets the tensors that binding asks for, one by one, and makes
// their numbers up, the same ones each time.
#pragma once

#include <charconv>

#include "fuzz/support.h"
#include "lstar/architecture/weights.h"

namespace lstar::fuzz {

class MadeUp final : public Checkpoint {
 public:
  MadeUp(Configuration config, const char* format) : config_(config) {
    path_ = "memory";
    format_ = format;
    add({.name = buffer(format), .type = StoredType::float32, .shape = {{1}}});
  }
  // A file without any tensor is told to be one, in place of what is missing.
  static const char* buffer(std::string_view format) { return format == "gguf" ? "cls.bias" : "rotary_emb.inv_freq"; }
  void add(TensorInfo tensor) {
    const auto at = std::lower_bound(tensors_.begin(), tensors_.end(), tensor.name,
                                     [](const TensorInfo& a, const std::string& name) { return a.name < name; });
    tensors_.insert(at, std::move(tensor));
  }
  int64_t elements() const {
    int64_t sum = 0;
    for (const TensorInfo& tensor : tensors_) sum += tensor.shape.elements();
    return sum;
  }
  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<float> out) const override {
    return fill(tensor, rows, out);
  }
  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<double> out) const override {
    return fill(tensor, rows, out);
  }
  Configuration configuration() const override { return config_; }
  TokenizerSource tokenizer() const override { return {}; }

 private:
  // Between -1/2 and 1/2, in steps that float16 has.
  template <class T>
  static Result<void> fill(const TensorInfo& tensor, RowRange rows, std::span<T> out) {
    require(rows.begin >= 0 && rows.begin <= rows.end && rows.end <= tensor.shape.rows(), "rows are inside the tensor");
    require(static_cast<int64_t>(out.size()) == rows.count() * tensor.shape.cols(), "rows have their place");
    uint64_t seed = 0xcbf29ce484222325;
    for (const char c : tensor.name) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    seed += static_cast<uint64_t>(rows.begin * tensor.shape.cols());
    for (T& value : out) {
      const uint64_t mixed = (seed ^ seed >> 31) * 0x9e3779b97f4a7c15;
      value = static_cast<T>(static_cast<int>(mixed >> 54) - 512) / 1024;
      ++seed;
    }
    return {};
  }

  Configuration config_;
};

// "shape [2, 3]"
inline Shape shape_of(std::string_view text) {
  Shape shape;
  for (size_t at = text.find('['); at != text.npos; at = text.find(' ', at + 1)) {
    int64_t dim = 0;
    std::from_chars(text.data() + at + 1, text.data() + text.size(), dim);
    shape.dims.push_back(dim);
  }
  return shape;
}

// Adds what is missing, at most `most` tensors. Whether all is there.
inline bool complete(const Architecture& a, MadeUp& checkpoint, int most) {
  for (int i = 0; i < most; ++i) {
    const auto bound = bind(a, checkpoint);
    if (succeeded(bound)) {
      require(bound->layers.size() == static_cast<size_t>(a.layers), "every layer is bound");
      if (succeeded(bound->output) || bound->output.error().what != "missing tensor") return true;
    }
    const Error& error = bound ? bound->output.error() : bound.error();
    if (error.what != "missing tensor") return false;
    constexpr std::string_view kLabel = "tensor ";
    require(error.at.starts_with(kLabel), "a missing tensor is named");
    std::string name = error.at.substr(kLabel.size());
    require(!checkpoint.find(name), "what is missing is not there");
    checkpoint.add({.name = std::move(name), .type = StoredType::float32, .shape = shape_of(error.expected)});
  }
  return false;
}

}  // namespace lstar::fuzz
