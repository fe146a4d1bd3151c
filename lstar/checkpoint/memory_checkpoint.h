// A checkpoint in memory that somebody else owns: a program's own arrays, or those of another library. Nothing is
// copied. The tensors' bytes must stay where they are, and as they are, for as long as the checkpoint lives; what is
// known of a model (norms of its weights, its content) is found once and kept. Names and configuration are the
// checkpoint's own. All const calls may be made from several threads at once.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lstar/base/json.h"
#include "lstar/base/result.h"
#include "lstar/checkpoint/placed_checkpoint.h"

namespace lstar {

// A tensor where it lies, at any address. In this machine's order of bytes.
struct MemoryTensor {
  std::string name;  // as the files of such a model have it: "transformer.h.0.attn.c_attn.weight"
  StoredType type = StoredType::float32;
  Shape shape;                        // axes as the name says them, whatever their order in memory
  std::span<const std::byte> bytes;   // from the first element on, to the last or further
  std::vector<int64_t> strides = {};  // elements from one place to the next on each axis, 0 or more; empty: dense rows
};

struct MemoryOptions {
  std::string name = "memory";  // what stands for a path, in messages and results
  std::string tokenizer = {};   // a folder with the tokenizer's files; empty: there is none
};

class MemoryCheckpoint final : public PlacedCheckpoint {
 public:
  // `config` is the text of a config.json, or what stands in one. Every tensor is held against its memory; one that
  // does not fit, two of one name and the like are errors of kind `argument`. Names lose a wrapper's prefix
  // ("_orig_mod."), as those in files do.
  static Result<std::unique_ptr<Checkpoint>> from(std::vector<MemoryTensor> tensors, std::string_view config,
                                                  const MemoryOptions& options = {});
  static Result<std::unique_ptr<Checkpoint>> from(std::vector<MemoryTensor> tensors, ConfigurationValue::Section config,
                                                  const MemoryOptions& options = {});

  // Where they lie, if they lie there one after the other.
  std::span<const std::byte> stored_rows(const TensorInfo&, RowRange) const override;
  Configuration configuration() const override;
  std::string configuration_place() const override { return path_; }
  TokenizerSource tokenizer() const override { return {.folder = tokenizer_, .gguf = nullptr}; }

 private:
  using Document = std::variant<JsonDocument, ConfigurationValue>;
  MemoryCheckpoint(Document config, const MemoryOptions& options);
  static Result<std::unique_ptr<Checkpoint>> made(std::span<MemoryTensor> tensors, Document config,
                                                  const MemoryOptions& options);

  std::string path_of(size_t) const override { return path_; }
  Result<std::span<const std::byte>> bytes_of(const Extent& extent, std::vector<std::byte>& copy) const override;
  void give_back(const Extent&) const override {}

  std::vector<std::span<const std::byte>> memory_;  // a "file" for each tensor that was given
  Document config_;
  std::string tokenizer_;
};

}  // namespace lstar
