#include "lstar/checkpoint/placed_checkpoint.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "lstar/checkpoint/mxfp4_pairs.h"
#include "lstar/checkpoint/widen.h"

namespace lstar {

std::string tensor_label(std::string_view name) { return "tensor " + std::string(name); }

Result<uint64_t> stored_bytes(StoredType type, const Shape& shape) {
  int64_t elements = 1;
  for (const int64_t dim : shape.dims) {
    if (dim < 0) return fail({.what = "negative axis in shape", .found = shape.text()});
    if (__builtin_mul_overflow(elements, dim, &elements))
      return fail({.what = "shape has too many elements", .found = shape.text()});
  }
  const StoredTypeInfo& stored = info(type);
  if (shape.cols() % stored.block_elements != 0)
    return fail({.what = fmt::format("rows of {} must be whole blocks", stored.name),
                 .expected = fmt::format("a last axis that {} divides", stored.block_elements),
                 .found = shape.text()});
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(elements / stored.block_elements),
                             static_cast<uint64_t>(stored.block_bytes), &bytes))
    return fail({.what = "shape has too many elements", .found = shape.text()});
  return bytes;
}

// Refuses tensors of one file that have bytes in common.
Result<void> PlacedCheckpoint::check_apart(std::vector<PlacedTensor>& tensors) const {
  std::sort(tensors.begin(), tensors.end(), [](const PlacedTensor& a, const PlacedTensor& b) {
    return a.file != b.file ? a.file < b.file : a.offset < b.offset;
  });
  const PlacedTensor* last = nullptr;  // an empty tensor overlaps nothing, wherever it lies
  for (const PlacedTensor& tensor : tensors) {
    if (tensor.bytes == 0) continue;
    if (last && last->file == tensor.file && tensor.offset < last->offset + last->bytes)
      return fail({.what = "its data overlaps that of " + tensor_label(last->info.name),
                   .file = path_of(tensor.file),
                   .at = tensor_label(tensor.info.name),
                   .expected = fmt::format("a start at byte {} or later", last->offset + last->bytes),
                   .found = fmt::format("byte {}", tensor.offset)});
    last = &tensor;
  }
  return {};
}

Result<void> PlacedCheckpoint::take(std::vector<PlacedTensor> tensors, SharedBytes shared) {
  if (shared == SharedBytes::refused) LSTAR_TRY(check_apart(tensors));
  std::sort(tensors.begin(), tensors.end(), [](const PlacedTensor& a, const PlacedTensor& b) {
    return a.info.name != b.info.name ? a.info.name < b.info.name : a.file < b.file;
  });
  for (size_t i = 1; i < tensors.size(); ++i) {
    const PlacedTensor &first = tensors[i - 1], &second = tensors[i];
    if (first.info.name != second.info.name) continue;
    Error error{.what = "appears twice", .file = path_of(second.file), .at = tensor_label(second.info.name)};
    const std::string first_path = path_of(first.file);
    if (first.file != second.file) error.what += ", first in " + first_path.substr(first_path.rfind('/') + 1);
    return fail(std::move(error));
  }
  LSTAR_TRY(join_mxfp4_pairs(tensors, [&](size_t file) { return path_of(file); }));
  tensors_.reserve(tensors.size());
  places_.reserve(tensors.size());
  for (PlacedTensor& tensor : tensors) {
    places_.push_back({{tensor.file, tensor.offset, tensor.bytes}, std::move(tensor.strides), tensor.scales});
    tensors_.push_back(std::move(tensor.info));
  }
  return {};
}

std::optional<size_t> PlacedCheckpoint::index_of(const TensorInfo& tensor) const {
  const std::less<const TensorInfo*> before;  // plain < is not defined for pointers into different arrays
  const TensorInfo* begin = tensors_.data();
  const TensorInfo* own = &tensor;
  if (before(own, begin) || !before(own, begin + tensors_.size())) own = find(tensor.name);  // somebody's copy
  return own ? std::optional<size_t>(own - begin) : std::nullopt;
}

namespace {

// Elements of so many bytes, each `step` elements behind the last. A width that the compiler knows is one load.
template <int64_t kWidth>
void bring_together(const std::byte* from, int64_t step, int64_t count, std::byte* to) {
  for (int64_t i = 0; i < count; ++i) std::memcpy(to + i * kWidth, from + i * step * kWidth, kWidth);
}

auto gatherer(size_t width) {
  switch (width) {
    case 2: return bring_together<2>;
    case 4: return bring_together<4>;
    case 8: return bring_together<8>;
    default: return bring_together<1>;  // float8
  }
}

}  // namespace

// Rows of a view: the elements of each are brought together, then widened.
template <class T>
Result<void> PlacedCheckpoint::gather_rows(const TensorInfo& tensor, const Place& place, RowRange rows,
                                           std::span<T> out) const {
  std::vector<std::byte> copy;
  LSTAR_ASSIGN(const std::span<const std::byte> bytes, bytes_of(place.whole, copy));
  const auto& dims = tensor.shape.dims;
  const auto width = static_cast<size_t>(info(tensor.type).block_bytes), cols = static_cast<size_t>(dims.back());
  std::vector<std::byte> row(cols * width);
  const auto gather = gatherer(width);
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    int64_t element = 0;
    for (size_t axis = dims.size() - 1, rest = static_cast<size_t>(r); axis-- > 0;) {
      const auto dim = static_cast<size_t>(dims[axis]);
      element += static_cast<int64_t>(rest % dim) * place.strides[axis];
      rest /= dim;
    }
    gather(bytes.data() + static_cast<size_t>(element) * width, place.strides.back(), dims.back(), row.data());
    widen(tensor.type, row.data(), out.subspan(static_cast<size_t>(r - rows.begin) * cols, cols));
  }
  return {};
}

template <class T>
Result<void> PlacedCheckpoint::read_pair(const TensorInfo& tensor, const Place& place, RowRange rows,
                                         std::span<T> out) const {
  const int64_t first = rows.begin * tensor.shape.cols(), count = rows.count() * tensor.shape.cols();
  std::vector<std::byte> block_copy, scale_copy;
  LSTAR_ASSIGN(const std::span<const std::byte> blocks,
               bytes_of({place.whole.file, place.whole.offset + mxfp4_block_bytes(first), mxfp4_block_bytes(count)},
                        block_copy));
  LSTAR_ASSIGN(const std::span<const std::byte> scales,
               bytes_of({place.scales.file, place.scales.offset + mxfp4_scale_bytes(first), mxfp4_scale_bytes(count)},
                        scale_copy));
  widen_mxfp4_pair(blocks.data(), scales.data(), out);
  return {};
}

template <class T>
Result<void> PlacedCheckpoint::read_rows(const TensorInfo& asked, RowRange rows, std::span<T> out) const {
  const auto refuse = [&](Error error) {
    error.file = file_of(asked);
    error.at = tensor_label(asked.name);
    return fail(std::move(error));
  };
  const std::optional<size_t> index = index_of(asked);
  if (!index) return refuse({.kind = ErrorKind::argument, .what = "not in this checkpoint"});
  const TensorInfo& tensor = tensors_[*index];
  const Place& place = places_[*index];
  if (const StoredTypeInfo& stored = info(tensor.type); !stored.is_weight)
    return refuse({.kind = ErrorKind::unsupported,
                   .what = "holds no weights",
                   .expected = "a floating-point type",
                   .found = std::string(stored.name)});
  if (info(tensor.type).name.starts_with("float8"))
    for (const char* suffix : {"_scale_inv", "_scale"})
      if (const TensorInfo* scale = find(tensor.name + suffix))
        return refuse({.kind = ErrorKind::unsupported,
                       .what = "its scales lie in another tensor and are not applied",
                       .found = scale->name});
  const int64_t all_rows = tensor.shape.rows(), cols = tensor.shape.cols();
  if (rows.begin < 0 || rows.begin > rows.end || rows.end > all_rows)
    return refuse({.kind = ErrorKind::argument,
                   .what = "rows out of range",
                   .expected = fmt::format("within 0..{}", all_rows),
                   .found = fmt::format("{}..{}", rows.begin, rows.end)});
  if (out.size() != static_cast<size_t>(rows.count() * cols))
    return refuse({.kind = ErrorKind::argument,
                   .what = "output of another size",
                   .expected = fmt::format("{} elements", rows.count() * cols),
                   .found = fmt::format("{}", out.size())});
  if (out.empty()) return {};
  if (!place.strides.empty()) return gather_rows(tensor, place, rows, out);
  if (tensor.type == StoredType::mxfp4_pair) return read_pair(tensor, place, rows, out);
  std::vector<std::byte> copy;
  LSTAR_ASSIGN(const std::span<const std::byte> bytes, bytes_of(*dense_rows(tensor, rows), copy));
  widen(tensor.type, bytes.data(), out);
  return {};
}

Result<void> PlacedCheckpoint::read(const TensorInfo& tensor, RowRange rows, std::span<float> out) const {
  return read_rows(tensor, rows, out);
}

Result<void> PlacedCheckpoint::read(const TensorInfo& tensor, RowRange rows, std::span<double> out) const {
  return read_rows(tensor, rows, out);
}

std::optional<Extent> PlacedCheckpoint::dense_rows(const TensorInfo& tensor, RowRange rows) const {
  const std::optional<size_t> index = index_of(tensor);
  if (!index || !places_[*index].strides.empty()) return std::nullopt;
  const TensorInfo& own = tensors_[*index];
  if (own.type == StoredType::mxfp4_pair) return std::nullopt;  // its scales lie elsewhere
  if (rows.begin < 0 || rows.begin > rows.end || rows.end > own.shape.rows()) return std::nullopt;
  const StoredTypeInfo& stored = info(own.type);
  const auto row_bytes = static_cast<uint64_t>(own.shape.cols() / stored.block_elements * stored.block_bytes);
  const Extent& whole = places_[*index].whole;
  return Extent{whole.file, whole.offset + static_cast<uint64_t>(rows.begin) * row_bytes,
                static_cast<uint64_t>(rows.count()) * row_bytes};
}

void PlacedCheckpoint::drop(const TensorInfo& tensor) const {
  if (const auto index = index_of(tensor))
    for (const Extent& part : {places_[*index].whole, places_[*index].scales})
      if (part.bytes > 0) give_back(part);
}

std::string PlacedCheckpoint::file_of(const TensorInfo& tensor) const {
  const auto index = index_of(tensor);
  return index ? path_of(places_[*index].whole.file) : path_;
}

}  // namespace lstar
