#include "lstar/checkpoint/gguf.h"

#include <fmt/core.h>

#include <bit>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include "lstar/checkpoint/gguf_configuration.h"
#include "lstar/checkpoint/gguf_cursor.h"
#include "lstar/checkpoint/gguf_values.h"
#include "lstar/checkpoint/mapped_checkpoint.h"
#include "lstar/checkpoint/shard_name.h"

namespace lstar {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr uint32_t kMostAxes = 4;          // the format's own limit
constexpr uint64_t kSmallestTensor = 24;   // length of its name, number of axes, type, offset
constexpr int64_t kDefaultAlignment = 32;  // where general.alignment is absent

// The format's tensor types. Those that are read have a StoredType; the names of the others are for messages.
struct GgufTensorType {
  uint32_t number;
  std::string_view name;
  std::optional<StoredType> type = std::nullopt;
};
constexpr GgufTensorType kTensorTypes[] = {
    {0, "F32", StoredType::float32},
    {1, "F16", StoredType::float16},
    {30, "BF16", StoredType::bfloat16},
    {28, "F64", StoredType::float64},
    {8, "Q8_0", StoredType::q8_0},
    {3, "Q4_1", StoredType::q4_1},
    {2, "Q4_0", StoredType::q4_0},
    {6, "Q5_0", StoredType::q5_0},
    {7, "Q5_1", StoredType::q5_1},
    {9, "Q8_1"},
    {10, "Q2_K", StoredType::q2_k},
    {11, "Q3_K", StoredType::q3_k},
    {12, "Q4_K", StoredType::q4_k},
    {13, "Q5_K", StoredType::q5_k},
    {14, "Q6_K", StoredType::q6_k},
    {15, "Q8_K"},
    {16, "IQ2_XXS"},
    {17, "IQ2_XS"},
    {18, "IQ3_XXS"},
    {19, "IQ1_S"},
    {20, "IQ4_NL", StoredType::iq4_nl},
    {21, "IQ3_S"},
    {22, "IQ2_S"},
    {23, "IQ4_XS", StoredType::iq4_xs},
    {24, "I8", StoredType::int8},
    {25, "I16", StoredType::int16},
    {26, "I32", StoredType::int32},
    {27, "I64", StoredType::int64},
    {29, "IQ1_M"},
    {34, "TQ1_0"},
    {35, "TQ2_0"},
    {39, "MXFP4", StoredType::mxfp4},
    {40, "NVFP4"},
    {41, "Q1_0"},
};

Result<StoredType> tensor_type(uint32_t number) {
  std::string known, found = fmt::format("number {}", number);
  for (const GgufTensorType& entry : kTensorTypes) {
    if (entry.type && entry.number == number) return *entry.type;
    if (entry.type) known += fmt::format("{}{}", known.empty() ? "" : ", ", entry.name);
    if (entry.number == number) found = entry.name;
  }
  return fail(
      {.kind = ErrorKind::unsupported, .what = "type is not read", .expected = "one of " + known, .found = found});
}

// One entry of the list of tensors; `offset` counts from the start of the data.
Result<PlacedTensor> parse_tensor(GgufCursor& cursor) {
  PlacedTensor tensor;
  LSTAR_ASSIGN(const std::string_view name, cursor.string("a tensor's name"));
  tensor.info.name = name;
  const auto refuse = [&](Error error) {
    error.file = cursor.path();
    error.at = tensor_label(name);
    return fail(std::move(error));
  };
  LSTAR_ASSIGN(const auto axes, cursor.number<uint32_t>("the list of tensors"));
  if (axes > kMostAxes)
    return refuse(
        {.what = "too many axes", .expected = fmt::format("at most {}", kMostAxes), .found = fmt::format("{}", axes)});
  auto& dims = tensor.info.shape.dims;
  dims.resize(axes);
  for (uint32_t i = 0; i < axes; ++i) {
    LSTAR_ASSIGN(const auto dim, cursor.number<uint64_t>("the list of tensors"));
    if (dim > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return refuse({.what = "axis too long", .found = fmt::format("{}", dim)});
    dims[axes - 1 - i] = static_cast<int64_t>(dim);  // stored fastest first
  }
  LSTAR_ASSIGN(const auto number, cursor.number<uint32_t>("the list of tensors"));
  auto type = tensor_type(number);
  if (!type) return refuse(std::move(type).error());
  tensor.info.type = *type;
  auto bytes = stored_bytes(tensor.info.type, tensor.info.shape);
  if (!bytes) return refuse(std::move(bytes).error());
  tensor.bytes = *bytes;
  LSTAR_ASSIGN(tensor.offset, cursor.number<uint64_t>("the list of tensors"));
  return tensor;
}

// Turns a tensor's offset into one from the start of the file.
Result<void> place(PlacedTensor& tensor, uint64_t data_begin, uint64_t alignment, uint64_t file_size) {
  if (tensor.offset % alignment != 0)
    return fail({.what = "data not aligned",
                 .expected = fmt::format("an offset that {} divides", alignment),
                 .found = fmt::format("{}", tensor.offset)});
  const uint64_t room = file_size > data_begin ? file_size - data_begin : 0;
  if (tensor.bytes > room || tensor.offset > room - tensor.bytes)
    return fail({.what = "data lies outside the file (is it truncated?)",
                 .expected = fmt::format("{} bytes from offset {}", tensor.bytes, tensor.offset),
                 .found = fmt::format("{} bytes of data in all", room)});
  tensor.offset += data_begin;
  return {};
}

Result<uint64_t> read_alignment(const GgufValues& values) {
  constexpr std::string_view kKey = "general.alignment";
  if (!values.has(kKey)) return kDefaultAlignment;
  const int64_t alignment = values.integer(kKey).value_or(0);
  if (alignment <= 0 || alignment > std::numeric_limits<uint32_t>::max() ||
      !std::has_single_bit(static_cast<uint64_t>(alignment)))
    return fail({.what = "bad alignment",
                 .file = values.path(),
                 .at = "key general.alignment",
                 .expected = "a power of two below 2^32",
                 .found = fmt::format("{}", alignment)});
  return static_cast<uint64_t>(alignment);
}

Result<void> check_version(uint32_t version, const std::string& path) {
  if (version == 2 || version == 3) return {};
  Error error{.kind = ErrorKind::unsupported,
              .what = "GGUF version is not read",
              .file = path,
              .at = "byte 4",
              .expected = "2 or 3",
              .found = fmt::format("{}", version)};
  if ((version & 0xffffu) == 0 && version != 0) error.found = "big-endian numbers";
  return fail(std::move(error));
}

class GgufFile final : public MappedCheckpoint {
 public:
  static Result<std::unique_ptr<Checkpoint>> open(MappedFile mapped, GgufWindow window);

  Configuration configuration() const override { return configuration_.root(); }
  std::string configuration_place() const override { return path_; }
  TokenizerSource tokenizer() const override { return {.folder = "", .gguf = &values_}; }

 private:
  GgufFile(GgufValues values, std::string_view architecture)
      : values_(std::move(values)), configuration_(values_, architecture) {}

  GgufValues values_;  // into the mapping
  GgufConfiguration configuration_;
};

// What one file says; a model may be in several.
struct GgufPart {
  GgufValues values;
  std::vector<PlacedTensor> tensors;
};

// Where the metadata ends, the list of tensors begins.
struct GgufHead {
  uint64_t tensors = 0;
  GgufValues values;
};

Result<GgufHead> read_head(GgufCursor& cursor) {
  LSTAR_TRY(cursor.take(kMagic.size(), "the magic number"));
  LSTAR_ASSIGN(const auto version, cursor.number<uint32_t>("the head"));
  LSTAR_TRY(check_version(version, cursor.path()));
  LSTAR_ASSIGN(const auto tensor_count, cursor.number<uint64_t>("the head"));
  LSTAR_ASSIGN(const auto pair_count, cursor.number<uint64_t>("the head"));
  LSTAR_TRY(cursor.check_count(tensor_count, kSmallestTensor, "tensors"));
  LSTAR_ASSIGN(GgufValues values, GgufValues::parse(cursor, pair_count));
  return GgufHead{tensor_count, std::move(values)};
}

Result<GgufPart> read_part(const MappedFile& mapped, size_t file, GgufWindow window) {
  const std::string& path = mapped.path();
  const auto bytes = mapped.bytes().subspan(window.offset, window.bytes);
  if (!is_gguf(bytes)) return fail({.what = "not a GGUF file", .file = path, .at = "byte 0", .expected = "GGUF"});
  GgufCursor cursor(bytes, path);
  LSTAR_ASSIGN(GgufHead head, read_head(cursor));
  LSTAR_ASSIGN(const uint64_t alignment, read_alignment(head.values));

  LSTAR_TRY(cursor.check_count(head.tensors, kSmallestTensor, "tensors"));
  std::vector<PlacedTensor> tensors;
  for (uint64_t i = 0; i < head.tensors; ++i) {
    LSTAR_ASSIGN(PlacedTensor tensor, parse_tensor(cursor));
    tensor.file = file;
    tensors.push_back(std::move(tensor));
  }
  const uint64_t data_begin = (cursor.position() + alignment - 1) / alignment * alignment;
  for (PlacedTensor& tensor : tensors) {
    auto placed = place(tensor, data_begin, alignment, bytes.size());
    tensor.offset += window.offset;
    if (placed) continue;
    Error error = std::move(placed).error();
    error.file = path;
    error.at = tensor_label(tensor.info.name);
    return fail(std::move(error));
  }
  return GgufPart{std::move(head.values), std::move(tensors)};
}

Result<GgufPart> read_part(const MappedFile& mapped, size_t file) {
  return read_part(mapped, file, {0, mapped.size()});
}

GgufKind kind_of(const GgufValues& values) {
  const std::string_view architecture = values.string("general.architecture").value_or(""),
                         type = values.string("general.type").value_or("");
  if (architecture == "clip" || type == "mmproj" || type == "clip-vision") return GgufKind::projector;
  if (architecture == "imatrix" || type == "imatrix" || values.has("imatrix.chunk_count"))
    return GgufKind::importance_matrix;
  if (architecture == "controlvector" || type == "controlvector") return GgufKind::control_vector;
  if (type == "adapter" || values.has("adapter.type")) return GgufKind::adapter;
  return GgufKind::model;
}

std::string_view advice_for(GgufKind kind) {
  switch (kind) {
    case GgufKind::projector: return "pass the language model's own GGUF";
    case GgufKind::importance_matrix: return "pass the model's own GGUF";
    case GgufKind::adapter: return "merge it into its model first (llama-export-lora), and pass that";
    case GgufKind::control_vector: return "pass the model's own GGUF";
    case GgufKind::model:
    case GgufKind::vocabulary: break;
  }
  return "";
}

Result<void> expect_value(const GgufValues& values, const std::string& key, int64_t expected) {
  const auto found = values.integer(key);
  if (found == expected) return {};
  return fail({.what = "part of another model, or misnamed",
               .file = values.path(),
               .at = "key " + key,
               .expected = fmt::format("{}", expected),
               .found = found ? fmt::format("{}", *found) : "none"});
}

// Opens the other parts of a model whose first part says that there are `count`.
Result<void> read_other_parts(int64_t count, std::vector<MappedFile>& files, GgufPart& first) {
  const std::string path = files[0].path();
  const auto name = parse_gguf_part_name(path);
  if (!name || name->number != 1 || name->count != count)
    return fail({.what = "first of several parts, and not named so",
                 .file = path,
                 .at = "key split.count",
                 .expected = fmt::format("a name that ends -00001-of-{:05}.gguf", count)});
  LSTAR_TRY(expect_value(first.values, "split.no", 0));
  for (int part = 2; part <= name->count; ++part) {
    LSTAR_ASSIGN(MappedFile mapped, MappedFile::open(name->name(part)));
    LSTAR_ASSIGN(GgufPart more, read_part(mapped, files.size()));
    LSTAR_TRY(expect_value(more.values, "split.no", part - 1));
    LSTAR_TRY(expect_value(more.values, "split.count", count));
    std::move(more.tensors.begin(), more.tensors.end(), std::back_inserter(first.tensors));
    files.push_back(std::move(mapped));
  }
  const auto total = static_cast<int64_t>(first.tensors.size());
  if (first.values.has("split.tensors.count")) LSTAR_TRY(expect_value(first.values, "split.tensors.count", total));
  return {};
}

Result<std::unique_ptr<Checkpoint>> GgufFile::open(MappedFile mapped, GgufWindow window) {
  const auto name = parse_gguf_part_name(mapped.path());
  LSTAR_ASSIGN(GgufPart model, read_part(mapped, 0, window));
  if (const GgufKind kind = kind_of(model.values); kind != GgufKind::model)
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("{}, no language model: {}", name_of(kind), advice_for(kind)),
                 .file = mapped.path()});
  const int64_t parts = model.values.integer("split.count").value_or(1);
  if (parts > 1 && name && name->number > 1) {  // any part names the model
    LSTAR_ASSIGN(mapped, MappedFile::open(name->name(1)));
    LSTAR_ASSIGN(model, read_part(mapped, 0));
    LSTAR_TRY(expect_value(model.values, "split.count", parts));
  }
  const std::string path = mapped.path();
  std::vector<MappedFile> files;
  files.push_back(std::move(mapped));
  if (parts > 1) LSTAR_TRY(read_other_parts(parts, files, model));

  const auto architecture = model.values.string("general.architecture");
  if (!architecture || architecture->empty()) return fail({.what = "has no text general.architecture", .file = path});
  std::unique_ptr<GgufFile> checkpoint(new GgufFile(std::move(model.values), *architecture));
  checkpoint->path_ = path;
  checkpoint->format_ = "gguf";
  LSTAR_TRY(checkpoint->take(std::move(files), std::move(model.tensors)));
  return checkpoint;
}

}  // namespace

bool is_gguf(std::span<const std::byte> bytes) {
  return bytes.size() >= kMagic.size() && std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
}

std::string_view name_of(GgufKind kind) {
  switch (kind) {
    case GgufKind::projector: return "a vision projector (mmproj)";
    case GgufKind::importance_matrix: return "an importance matrix (imatrix)";
    case GgufKind::adapter: return "a LoRA adapter";
    case GgufKind::control_vector: return "a control vector";
    case GgufKind::vocabulary: return "a vocabulary without weights";
    case GgufKind::model: break;
  }
  return "a model";
}

GgufKind gguf_kind(std::span<const std::byte> bytes, const std::string& path) {
  if (!is_gguf(bytes)) return GgufKind::model;
  GgufCursor cursor(bytes, path);
  const auto head = read_head(cursor);
  if (!head) return GgufKind::model;
  const GgufKind kind = kind_of(head->values);
  const bool is_empty = head->tensors == 0 && !head->values.has("split.count");
  return kind == GgufKind::model && is_empty ? GgufKind::vocabulary : kind;
}

Result<std::unique_ptr<Checkpoint>> open_gguf(MappedFile mapped) {
  const GgufWindow whole{0, mapped.size()};
  return GgufFile::open(std::move(mapped), whole);
}

Result<std::unique_ptr<Checkpoint>> open_gguf(MappedFile mapped, GgufWindow window) {
  return GgufFile::open(std::move(mapped), window);
}

}  // namespace lstar
