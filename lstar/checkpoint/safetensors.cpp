#include "lstar/checkpoint/safetensors.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "lstar/base/json.h"

namespace lstar {
namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kHeaderLimit = 100'000'000;  // the format's own limit

constexpr std::pair<std::string_view, StoredType> kDtypes[] = {
    {"F64", StoredType::float64},
    {"F32", StoredType::float32},
    {"F16", StoredType::float16},
    {"BF16", StoredType::bfloat16},
    {"F8_E4M3", StoredType::float8_e4m3},
    {"F8_E5M2", StoredType::float8_e5m2},
    {"F8_E8M0", StoredType::float8_e8m0},
    {"F8_E4M3FNUZ", StoredType::float8_e4m3fnuz},
    {"F8_E5M2FNUZ", StoredType::float8_e5m2fnuz},
    {"F6_E2M3", StoredType::float6_e2m3},
    {"F6_E3M2", StoredType::float6_e3m2},
    {"F4", StoredType::float4},
    {"C64", StoredType::complex64},
    {"I64", StoredType::int64},
    {"I32", StoredType::int32},
    {"I16", StoredType::int16},
    {"I8", StoredType::int8},
    {"U64", StoredType::uint64},
    {"U32", StoredType::uint32},
    {"U16", StoredType::uint16},
    {"U8", StoredType::uint8},
    {"BOOL", StoredType::boolean},
};

Result<StoredType> parse_dtype_name(Json entry) {
  const std::optional<std::string> text = entry.string("dtype");
  if (!text) return fail("has no dtype");
  std::string known;
  for (const auto& [name, type] : kDtypes) {
    if (*text == name) return type;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return fail({.kind = ErrorKind::unsupported, .what = "unknown dtype", .expected = "one of " + known, .found = *text});
}

Result<Shape> parse_shape(Json entry) {
  const std::optional<Json> value = entry.find("shape");
  if (!value || !value->is_array()) return fail("has no shape");
  Shape shape;
  for (Json axis : value->items()) {
    const int64_t dim = axis.integer().value_or(-1);
    if (dim < 0)
      return fail(
          {.what = "bad shape", .expected = "axes that are whole numbers, not negative", .found = axis.minified()});
    shape.dims.push_back(dim);
  }
  return shape;
}

// {begin, end}, counted from the end of the header.
Result<std::pair<uint64_t, uint64_t>> parse_offsets(Json entry) {
  const std::optional<Json> value = entry.find("data_offsets");
  const bool is_pair = value && value->is_array() && value->size() == 2;
  const auto begin = is_pair ? value->at(0)->unsigned_integer() : std::nullopt,
             end = is_pair ? value->at(1)->unsigned_integer() : std::nullopt;
  if (!begin || !end || *begin > *end)
    return fail({.what = "bad data_offsets",
                 .expected = "[begin, end] with 0 <= begin <= end",
                 .found = value ? value->minified() : "none"});
  return std::pair{*begin, *end};
}

// An entry of the header. `data` is the number of bytes that follow it.
Result<PlacedTensor> parse_tensor(std::string_view name, Json entry, uint64_t data) {
  PlacedTensor tensor;
  tensor.info.name = name;
  LSTAR_ASSIGN(tensor.info.type, parse_dtype_name(entry));
  LSTAR_ASSIGN(tensor.info.shape, parse_shape(entry));
  LSTAR_ASSIGN(const auto offsets, parse_offsets(entry));
  const auto [begin, end] = offsets;
  if (end > data)
    return fail({.what = "data_offsets lie outside the file (is it truncated?)",
                 .expected = fmt::format("an end of at most {}", data),
                 .found = fmt::format("{}", end)});
  LSTAR_ASSIGN(const uint64_t bytes, stored_bytes(tensor.info.type, tensor.info.shape));
  if (end - begin != bytes)
    return fail(
        {.what = "size does not match its shape",
         .expected = fmt::format("{} bytes for {} {}", bytes, info(tensor.info.type).name, tensor.info.shape.text()),
         .found = fmt::format("{}", end - begin)});
  tensor.offset = begin;
  tensor.bytes = bytes;
  return tensor;
}

}  // namespace

Result<uint64_t> safetensors_header_length(std::span<const std::byte> start, uint64_t file_size,
                                           const std::string& path) {
  if (file_size < kLengthBytes || start.size() < kLengthBytes)
    return fail({.what = "truncated: shorter than the length of its header",
                 .file = path,
                 .expected = "at least 8 bytes",
                 .found = fmt::format("{}", file_size)});
  uint64_t length = 0;
  std::memcpy(&length, start.data(), sizeof length);
  const uint64_t limit = std::min(kHeaderLimit, file_size - kLengthBytes);
  if (length > limit)
    return fail({.what = "header too long (is this a safetensors file?)",
                 .file = path,
                 .at = "byte 0",
                 .expected = fmt::format("at most {} bytes", limit),
                 .found = fmt::format("{}", length)});
  return length;
}

Result<std::vector<PlacedTensor>> parse_safetensors_header(std::string_view header, uint64_t file_size,
                                                           const std::string& path, size_t file) {
  auto parsed = JsonDocument::parse(header, path, JsonDialect::strict);
  if (!parsed) {
    Error error = std::move(parsed).error();
    error.what.insert(0, "header: ");
    return fail(std::move(error));
  }
  if (!parsed->root().is_object()) return fail({.what = "header is not a JSON object", .file = path});
  const uint64_t begin = kLengthBytes + header.size();
  std::vector<PlacedTensor> tensors;
  for (const auto& [name, entry] : parsed->root().fields()) {
    if (name == "__metadata__") continue;
    auto tensor = parse_tensor(name, entry, file_size - begin);
    if (!tensor) {
      Error error = std::move(tensor).error();
      error.file = path;
      error.at = tensor_label(name);
      return fail(std::move(error));
    }
    tensor->file = file;
    tensor->offset += begin;
    tensors.push_back(*std::move(tensor));
  }
  return tensors;
}

bool begins_as_safetensors(const MappedFile& mapped) {
  if (mapped.size() <= kLengthBytes || mapped.bytes()[kLengthBytes] != std::byte{'{'}) return false;
  return safetensors_header_length(mapped.bytes(), mapped.size(), mapped.path()).has_value();
}

Result<std::vector<PlacedTensor>> read_safetensors_header(const MappedFile& mapped, size_t file) {
  const auto bytes = mapped.bytes();
  LSTAR_ASSIGN(const uint64_t length, safetensors_header_length(bytes, bytes.size(), mapped.path()));
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  return parse_safetensors_header(header, bytes.size(), mapped.path(), file);
}

}  // namespace lstar
