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

namespace dom = simdjson::dom;

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
  const std::optional<std::string> text = json_string(entry, "dtype");
  if (!text) return fail("has no dtype");
  std::string known;
  for (const auto& [name, type] : kDtypes) {
    if (*text == name) return type;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return fail({.kind = ErrorKind::unsupported, .what = "unknown dtype", .expected = "one of " + known, .found = *text});
}

Result<Shape> parse_shape(Json entry) {
  const std::optional<Json> value = json_find(entry, "shape");
  dom::array axes;
  if (!value || value->get_array().get(axes)) return fail("has no shape");
  Shape shape;
  for (Json axis : axes) {
    int64_t dim = 0;
    if (axis.get_int64().get(dim) || dim < 0)
      return fail({.what = "bad shape",
                   .expected = "axes that are whole numbers, not negative",
                   .found = simdjson::minify(axis)});
    shape.dims.push_back(dim);
  }
  return shape;
}

// {begin, end}, counted from the end of the header.
Result<std::pair<uint64_t, uint64_t>> parse_offsets(Json entry) {
  const std::optional<Json> value = json_find(entry, "data_offsets");
  dom::array pair;
  uint64_t offsets[2] = {};
  size_t count = 0;
  bool good = value && !value->get_array().get(pair);
  if (good)
    for (Json offset : pair) {
      good = good && count < 2 && !offset.get_uint64().get(offsets[count]);
      ++count;
    }
  if (!good || count != 2 || offsets[0] > offsets[1])
    return fail({.what = "bad data_offsets",
                 .expected = "[begin, end] with 0 <= begin <= end",
                 .found = value ? simdjson::minify(*value) : "none"});
  return std::pair{offsets[0], offsets[1]};
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
  dom::object entries;
  if (parsed->root().get_object().get(entries)) return fail({.what = "header is not a JSON object", .file = path});
  const uint64_t begin = kLengthBytes + header.size();
  std::vector<PlacedTensor> tensors;
  for (const dom::key_value_pair entry : entries) {
    if (entry.key == "__metadata__") continue;
    auto tensor = parse_tensor(entry.key, entry.value, file_size - begin);
    if (!tensor) {
      Error error = std::move(tensor).error();
      error.file = path;
      error.at = tensor_label(entry.key);
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
