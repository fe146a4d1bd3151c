// A checkpoint: named tensors in files, memory-mapped, and the configuration that came with them. Every format
// (safetensors, GGUF, ...) is one class behind this interface, and widening to float happens inside read(), so that
// nothing above needs to know how weights are stored. Includes base/ only. A Checkpoint owns its mappings; TensorInfo
// pointers live as long as it. All const calls may be made from several threads at once. A file truncated by somebody
// else while it is mapped raises SIGBUS; sizes are checked when it is opened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/configuration.h"
#include "lstar/checkpoint/stored_type.h"

namespace lstar {

// Rows are everything but the last axis: a (H, 3, d) tensor has H*3 rows of d. A vector of n is one row of n.
struct Shape {
  std::vector<int64_t> dims;
  int64_t rows() const;
  int64_t cols() const;
  int64_t elements() const { return rows() * cols(); }
  std::string text() const;  // "[768, 2304]"
  bool operator==(const Shape&) const = default;
};

struct TensorInfo {
  std::string name;  // as stored (an MXFP4 pair: without _blocks, _scales)
  StoredType type;
  Shape shape;  // axes as `transformers` writes them (GGUF's reversed order is turned round)
};

struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t count() const { return end - begin; }
};

// How a tokenizer is to be found for this checkpoint.
struct TokenizerSource {
  std::string folder;                        // of a Hugging Face checkpoint, or empty
  const class GgufMetadata* gguf = nullptr;  // the file's own vocabulary, or null
};

// Tensors that are named and not read, by name.
using UnreadTensors = std::map<std::string, Error, std::less<>>;

class Checkpoint {
 public:
  virtual ~Checkpoint() = default;

  // The tensor of exactly this name, or null. `tensors()` is sorted by name.
  const TensorInfo* find(std::string_view name) const;
  std::span<const TensorInfo> tensors() const { return tensors_; }

  // Widens the rows of a tensor into out (range.count() * cols elements, row-major). Errors name file and tensor.
  virtual Result<void> read(const TensorInfo&, RowRange, std::span<float> out) const = 0;
  virtual Result<void> read(const TensorInfo&, RowRange, std::span<double> out) const = 0;

  // Rows as they lie in the file, for a reader that widens them on their way; empty where they do not lie one after the
  // other, or where more than their bytes makes them what read() gives.
  virtual std::span<const std::byte> stored_rows(const TensorInfo&, RowRange) const { return {}; }

  // Tells the system that a tensor's pages are not needed again soon. Never changes what read() returns.
  virtual void drop(const TensorInfo&) const {}

  // What config.json says, or a GGUF's metadata (gguf_configuration.h). Lives as long as the checkpoint.
  virtual Configuration configuration() const = 0;
  // Where it stands, for messages.
  virtual std::string configuration_place() const { return path_ + "/config.json"; }
  virtual TokenizerSource tokenizer() const = 0;

  const std::string& path() const { return path_; }      // what was opened: a folder or a file
  const std::string& format() const { return format_; }  // "safetensors", "pytorch" or "gguf"

  // What a reader of results should know of how the files were read: one line each.
  const std::vector<std::string>& notes() const { return notes_; }

  // Why a tensor that the files name cannot be read, where there is a reason; null otherwise. It is not in tensors().
  const Error* why_unread(std::string_view name) const;

  // The commit, where the checkpoint is a snapshot of a hub's repository.
  virtual std::optional<std::string> revision() const;

  // The file that holds a tensor (a shard), for error messages.
  virtual std::string file_of(const TensorInfo&) const { return path_; }

  // The files that hold weights, in a fixed order. Owned by the checkpoint.
  virtual std::vector<const class MappedFile*> files() const { return {}; }

 protected:
  std::vector<TensorInfo> tensors_;  // sorted by name
  std::string path_, format_;
  std::vector<std::string> notes_;
  UnreadTensors unread_;
};

// Opens a folder in Hugging Face's layout (config.json with model.safetensors or pytorch_model.bin, whole or in shards;
// see checkpoint_folder.h), a GGUF file, whole or any of its parts, or a llamafile. Reads headers only. Of anything
// else the error says what it is and what to do (handed_over.h).
Result<std::unique_ptr<Checkpoint>> open_checkpoint(const std::string& path);

}  // namespace lstar
