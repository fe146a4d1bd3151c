#include "lstar/checkpoint/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "lstar/base/json.h"

namespace lstar {
namespace {

namespace dom = simdjson::dom;

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kHeaderLimit = 100'000'000;  // the format's own limit

constexpr std::pair<std::string_view, StoredType> kDtypes[] = {
    {"F64", StoredType::float64},   {"F32", StoredType::float32}, {"F16", StoredType::float16},
    {"BF16", StoredType::bfloat16}, {"I64", StoredType::int64},   {"I32", StoredType::int32},
    {"I16", StoredType::int16},     {"I8", StoredType::int8},     {"U64", StoredType::uint64},
    {"U32", StoredType::uint32},    {"U16", StoredType::uint16},  {"U8", StoredType::uint8},
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
  return fail({.what = "unknown dtype", .expected = "one of " + known, .found = *text});
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

class SafetensorsFolder final : public MappedCheckpoint {
 public:
  static Result<std::unique_ptr<Checkpoint>> open(const std::string& path);

  Json config() const override { return config_.root(); }
  TokenizerSource tokenizer() const override { return {.folder = path_, .gguf = nullptr}; }

 private:
  explicit SafetensorsFolder(JsonDocument config) : config_(std::move(config)) {}

  JsonDocument config_;
};

struct WeightFiles {
  std::vector<std::string> names;                 // sorted
  std::map<std::string, std::string> weight_map;  // tensor -> file; empty without an index
};

// A shard lies beside its index and nowhere else.
bool is_plain_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

Result<WeightFiles> read_index(const std::string& path) {
  LSTAR_ASSIGN(const JsonDocument index, JsonDocument::read(path));
  const std::optional<Json> map = json_find(index.root(), "weight_map");
  dom::object fields;
  if (!map || map->get_object().get(fields)) return fail({.what = "has no object weight_map", .file = path});
  WeightFiles files;
  std::set<std::string> names;
  for (const dom::key_value_pair field : fields) {
    std::string_view name;
    if (field.value.get_string().get(name) || !is_plain_file_name(std::string(name)))
      return fail({.what = "bad shard name",
                   .file = path,
                   .at = tensor_label(field.key),
                   .expected = "a plain file name",
                   .found = simdjson::minify(field.value)});
    files.weight_map.emplace(field.key, name);
    names.emplace(name);
  }
  if (names.empty()) return fail({.what = "weight_map names no tensor", .file = path});
  files.names.assign(names.begin(), names.end());
  return files;
}

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

Result<WeightFiles> find_weights(const std::string& folder) {
  if (exists(folder + "/model.safetensors")) return WeightFiles{{"model.safetensors"}, {}};
  const std::string index = folder + "/model.safetensors.index.json";
  if (exists(index)) return read_index(index);
  Error error{.what = "the folder has no weights",
              .file = folder,
              .expected = "model.safetensors or model.safetensors.index.json"};
  for (const char* other : {"pytorch_model.bin", "pytorch_model.bin.index.json"})
    if (exists(folder + "/" + other)) {
      error.what = "PyTorch .bin files are not read yet";
      error.found = std::string("only ") + other;
      break;
    }
  return fail(std::move(error));
}

Result<std::unique_ptr<Checkpoint>> SafetensorsFolder::open(const std::string& path) {
  const std::string config_path = path + "/config.json";
  if (!exists(config_path)) return fail({.what = "the folder has no config.json", .file = path});
  LSTAR_ASSIGN(JsonDocument config, JsonDocument::read(config_path));
  if (!config.root().is_object()) return fail({.what = "not a JSON object", .file = config_path});
  LSTAR_ASSIGN(const WeightFiles weights, find_weights(path));

  std::vector<MappedFile> files;
  std::vector<PlacedTensor> tensors;
  for (const std::string& name : weights.names) {
    auto mapped = MappedFile::open(path + "/" + name);
    if (!mapped) {
      Error error = std::move(mapped).error();
      if (!weights.weight_map.empty()) error.what.insert(0, "shard: ");
      return fail(std::move(error));
    }
    LSTAR_ASSIGN(std::vector<PlacedTensor> more, read_safetensors_header(*mapped, files.size()));
    std::move(more.begin(), more.end(), std::back_inserter(tensors));
    files.push_back(*std::move(mapped));
  }
  if (!weights.weight_map.empty()) {
    std::set<std::pair<std::string_view, std::string_view>> held;  // tensor, file
    for (const PlacedTensor& tensor : tensors) held.emplace(tensor.info.name, weights.names[tensor.file]);
    for (const auto& [tensor, file] : weights.weight_map)
      if (!held.contains({tensor, file}))
        return fail({.what = "not in the shard that model.safetensors.index.json names",
                     .file = path + "/" + file,
                     .at = tensor_label(tensor)});
  }

  std::unique_ptr<SafetensorsFolder> checkpoint(new SafetensorsFolder(std::move(config)));
  checkpoint->path_ = path;
  checkpoint->format_ = "safetensors";
  LSTAR_TRY(checkpoint->take(std::move(files), std::move(tensors)));
  return checkpoint;
}

}  // namespace

Result<std::vector<PlacedTensor>> read_safetensors_header(const MappedFile& mapped, size_t file) {
  const auto bytes = mapped.bytes();
  if (bytes.size() < kLengthBytes)
    return fail({.what = "truncated: shorter than the length of its header",
                 .file = mapped.path(),
                 .expected = "at least 8 bytes",
                 .found = fmt::format("{}", bytes.size())});
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const uint64_t limit = std::min(kHeaderLimit, bytes.size() - kLengthBytes);
  if (length > limit)
    return fail({.what = "header too long (is this a safetensors file?)",
                 .file = mapped.path(),
                 .at = "byte 0",
                 .expected = fmt::format("at most {} bytes", limit),
                 .found = fmt::format("{}", length)});
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  auto parsed = JsonDocument::parse(text, mapped.path());
  if (!parsed) {
    Error error = std::move(parsed).error();
    error.what.insert(0, "header: ");
    return fail(std::move(error));
  }
  dom::object entries;
  if (parsed->root().get_object().get(entries))
    return fail({.what = "header is not a JSON object", .file = mapped.path()});
  std::vector<PlacedTensor> tensors;
  for (const dom::key_value_pair entry : entries) {
    if (entry.key == "__metadata__") continue;
    auto tensor = parse_tensor(entry.key, entry.value, bytes.size() - kLengthBytes - length);
    if (!tensor) {
      Error error = std::move(tensor).error();
      error.file = mapped.path();
      error.at = tensor_label(entry.key);
      return fail(std::move(error));
    }
    tensor->file = file;
    tensor->offset += kLengthBytes + length;
    tensors.push_back(*std::move(tensor));
  }
  return tensors;
}

Result<std::unique_ptr<Checkpoint>> open_safetensors_folder(const std::string& path) {
  return SafetensorsFolder::open(path);
}

}  // namespace lstar
