#include "lstar/checkpoint/memory_checkpoint.h"

#include <set>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "lstar/base/catch_memory.h"
#include "lstar/checkpoint/tensor_prefix.h"

namespace lstar {
namespace {

tl::unexpected<Error> refuse(Error error) {
  error.kind = ErrorKind::argument;
  return fail(std::move(error));
}

// Strides of a tensor that is not empty; none where rows are dense.
Result<std::vector<int64_t>> strides_of(const MemoryTensor& tensor) {
  const std::vector<int64_t>&dims = tensor.shape.dims, &strides = tensor.strides;
  if (strides.empty()) return strides;
  if (strides.size() != dims.size())
    return refuse({.what = "strides do not fit the shape",
                   .expected = fmt::format("{} of them", dims.size()),
                   .found = fmt::format("{}", strides.size())});
  bool is_dense = true;
  int64_t dense = 1;  // no more than the elements, of which there are not too many
  for (size_t axis = dims.size(); axis-- > 0;) {
    if (strides[axis] < 0)
      return refuse({.what = "a negative stride: copy the tensor first", .found = fmt::format("{}", strides[axis])});
    is_dense = is_dense && (dims[axis] == 1 || strides[axis] == dense);
    dense *= dims[axis];
  }
  if (is_dense) return std::vector<int64_t>();
  if (info(tensor.type).block_elements > 1) return refuse({.what = "blocks of a quantised type have no strides"});
  return strides;
}

// The bytes from the first element of a tensor that is not empty to its last.
Result<uint64_t> extent_of(const MemoryTensor& tensor, const std::vector<int64_t>& strides, uint64_t dense_bytes) {
  if (strides.empty()) return dense_bytes;
  uint64_t elements = 1;
  bool overflows = false;
  for (size_t axis = 0; axis < strides.size(); ++axis) {
    uint64_t reach = 0;
    const auto steps = static_cast<uint64_t>(tensor.shape.dims[axis] - 1);
    overflows |= __builtin_mul_overflow(steps, static_cast<uint64_t>(strides[axis]), &reach);
    overflows |= __builtin_add_overflow(elements, reach, &elements);
  }
  overflows |= __builtin_mul_overflow(elements, static_cast<uint64_t>(info(tensor.type).block_bytes), &elements);
  if (overflows) return refuse({.what = "strides reach too far", .found = fmt::format("{}", fmt::join(strides, ", "))});
  return elements;
}

Result<PlacedTensor> placed(MemoryTensor& tensor, size_t file) {
  if (tensor.type == StoredType::mxfp4_pair)
    return refuse({.what = "MXFP4 is given as two tensors of uint8, NAME_blocks and NAME_scales"});
  const auto dense_bytes = stored_bytes(tensor.type, tensor.shape);
  if (!dense_bytes) return refuse(dense_bytes.error());
  PlacedTensor made{.info = {}, .file = file};
  if (*dense_bytes > 0) {
    LSTAR_ASSIGN(made.strides, strides_of(tensor));
    LSTAR_ASSIGN(made.bytes, extent_of(tensor, made.strides, *dense_bytes));
    if (!tensor.bytes.data()) return refuse({.what = "a null pointer"});
    if (made.bytes > tensor.bytes.size())
      return refuse({.what = "reaches beyond its memory",
                     .expected = fmt::format("{} bytes", made.bytes),
                     .found = fmt::format("{}", tensor.bytes.size())});
  }
  made.info = {.name = std::move(tensor.name), .type = tensor.type, .shape = std::move(tensor.shape)};
  return made;
}

constexpr std::string_view kDoing = "opening the checkpoint";

}  // namespace

MemoryCheckpoint::MemoryCheckpoint(Document config, const MemoryOptions& options)
    : config_(std::move(config)), tokenizer_(options.tokenizer) {
  path_ = options.name;
  format_ = "memory";
}

Result<std::unique_ptr<Checkpoint>> MemoryCheckpoint::from(std::vector<MemoryTensor> tensors, std::string_view config,
                                                           const MemoryOptions& options) {
  return catch_memory(kDoing, options.name, [&]() -> Result<std::unique_ptr<Checkpoint>> {
    LSTAR_ASSIGN(JsonDocument document, JsonDocument::parse(config, options.name));
    if (!document.root().is_object())
      return refuse({.what = "its configuration is not a JSON object", .file = options.name});
    return made(tensors, std::move(document), options);
  });
}

Result<std::unique_ptr<Checkpoint>> MemoryCheckpoint::from(std::vector<MemoryTensor> tensors,
                                                           ConfigurationValue::Section config,
                                                           const MemoryOptions& options) {
  return catch_memory(kDoing, options.name,
                      [&] { return made(tensors, ConfigurationValue(std::move(config)), options); });
}

Result<std::unique_ptr<Checkpoint>> MemoryCheckpoint::made(std::span<MemoryTensor> tensors, Document config,
                                                           const MemoryOptions& options) {
  std::unique_ptr<MemoryCheckpoint> checkpoint(new MemoryCheckpoint(std::move(config), options));
  std::vector<PlacedTensor> all;
  std::set<std::string, std::less<>> names;
  for (MemoryTensor& tensor : tensors) {
    const std::string name = tensor.name;
    auto one = names.insert(name).second ? placed(tensor, all.size()) : refuse({.what = "appears twice"});
    if (!one) {
      Error error = std::move(one).error();
      error.file = checkpoint->path_;
      error.at = tensor_label(name);
      return fail(std::move(error));
    }
    checkpoint->memory_.push_back(tensor.bytes);
    all.push_back(*std::move(one));
  }
  checkpoint->notes_ = unwrap_names(all, checkpoint->unread_);
  LSTAR_TRY(checkpoint->take(std::move(all)));
  return checkpoint;
}

Configuration MemoryCheckpoint::configuration() const {
  if (const auto* document = std::get_if<JsonDocument>(&config_)) return Configuration(document->root());
  return Configuration(std::get<ConfigurationValue>(config_));
}

Result<std::span<const std::byte>> MemoryCheckpoint::bytes_of(const Extent& extent, std::vector<std::byte>&) const {
  return memory_[extent.file].subspan(extent.offset, extent.bytes);
}

std::span<const std::byte> MemoryCheckpoint::stored_rows(const TensorInfo& tensor, RowRange rows) const {
  const std::optional<Extent> extent = dense_rows(tensor, rows);
  if (!extent) return {};
  return memory_[extent->file].subspan(extent->offset, extent->bytes);
}

}  // namespace lstar
