#include "lstar/checkpoint/torch_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "lstar/checkpoint/pickle.h"
#include "lstar/checkpoint/zip_entries.h"

namespace lstar {
namespace {

using Kind = PickleValue::Kind;

struct NamedType {
  std::string_view name;
  std::optional<StoredType> type;  // none: bytes, whose type a tensor says
};
constexpr NamedType kStorages[] = {
    {"torch.FloatStorage", StoredType::float32},     {"torch.HalfStorage", StoredType::float16},
    {"torch.BFloat16Storage", StoredType::bfloat16}, {"torch.DoubleStorage", StoredType::float64},
    {"torch.LongStorage", StoredType::int64},        {"torch.IntStorage", StoredType::int32},
    {"torch.ShortStorage", StoredType::int16},       {"torch.CharStorage", StoredType::int8},
    {"torch.ByteStorage", StoredType::uint8},        {"torch.BoolStorage", StoredType::boolean},
    {"torch.UntypedStorage", std::nullopt},          {"torch.storage.UntypedStorage", std::nullopt},
};
constexpr NamedType kDtypes[] = {
    {"torch.float32", StoredType::float32},
    {"torch.float16", StoredType::float16},
    {"torch.bfloat16", StoredType::bfloat16},
    {"torch.float64", StoredType::float64},
    {"torch.float8_e4m3fn", StoredType::float8_e4m3},
    {"torch.float8_e5m2", StoredType::float8_e5m2},
    {"torch.float8_e8m0fnu", StoredType::float8_e8m0},
    {"torch.float8_e4m3fnuz", StoredType::float8_e4m3fnuz},
    {"torch.float8_e5m2fnuz", StoredType::float8_e5m2fnuz},
    {"torch.int64", StoredType::int64},
    {"torch.int32", StoredType::int32},
    {"torch.int16", StoredType::int16},
    {"torch.int8", StoredType::int8},
    {"torch.uint64", StoredType::uint64},
    {"torch.uint32", StoredType::uint32},
    {"torch.uint16", StoredType::uint16},
    {"torch.uint8", StoredType::uint8},
    {"torch.bool", StoredType::boolean},
};
constexpr std::string_view kTensor = "torch._utils._rebuild_tensor";        // storage, offset, sizes, strides
constexpr std::string_view kTensor2 = "torch._utils._rebuild_tensor_v2";    // the same, and more
constexpr std::string_view kTensor3 = "torch._utils._rebuild_tensor_v3";    // the same; argument 6 is a dtype
constexpr std::string_view kParameter = "torch._utils._rebuild_parameter";  // a tensor, and more
constexpr std::string_view kOthers[] = {
    kTensor, kTensor2, kTensor3, kParameter, "torch.Size", "torch.device", "torch.nn.parameter.Parameter"};

template <size_t N>
const NamedType* find_type(const NamedType (&types)[N], std::string_view name) {
  const auto* found = std::find_if(types, types + N, [&](const NamedType& type) { return type.name == name; });
  return found == types + N ? nullptr : found;
}

bool is_allowed(std::string_view global) {
  return find_type(kStorages, global) || find_type(kDtypes, global) ||
         std::find(std::begin(kOthers), std::end(kOthers), global) != std::end(kOthers);
}

// What a pickle says of a storage.
struct StorageName {
  std::string_view key;
  std::optional<StoredType> type;
  int64_t numel = 0;        // bytes, where there is no type
  int64_t view_offset = 0;  // elements; PyTorch before 0.4 had storages within storages
};

uint64_t element_bytes(std::optional<StoredType> type) {
  return type ? static_cast<uint64_t>(info(*type).block_bytes) : 1;
}

// Where a storage's bytes lie.
struct Span {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};
using Storages = std::map<std::string, Span, std::less<>>;  // by key

class TensorReader {
 public:
  TensorReader(const Pickle& pickle, const Storages& storages) : pickle_(pickle), storages_(storages) {}

  // Whether a value is a tensor, or what wraps one.
  bool is_tensor(const PickleValue& value) const { return find_call(value) != nullptr; }

  Result<PlacedTensor> read(std::string_view name, const PickleValue& value) const;

 private:
  const PickleValue* find_call(const PickleValue& value) const;
  Result<Shape> read_whole_numbers(const PickleValue& value, const char* what) const;

  const Pickle& pickle_;
  const Storages& storages_;
};

Result<StorageName> read_storage_name(const Pickle& pickle, const PickleValue& persistent) {
  const PickleValue& tuple = pickle.at(persistent.items[0]);
  const auto item = [&](size_t i) -> const PickleValue& { return pickle.at(tuple.items[i]); };
  if (tuple.kind != Kind::tuple || tuple.items.size() < 5 || item(0).text != "storage" ||
      item(1).kind != Kind::global || item(2).kind != Kind::text || item(4).kind != Kind::integer ||
      !item(4).text.empty() || item(4).integer < 0)
    return fail("names a storage in a way that is not read");
  const NamedType* type = find_type(kStorages, item(1).text);
  if (!type) return fail({.what = "unknown kind of storage", .found = std::string(item(1).text)});
  StorageName name{.key = item(2).text, .type = type->type, .numel = item(4).integer};
  if (tuple.items.size() > 5 && item(5).kind == Kind::tuple) {
    const PickleValue& view = item(5);  // its own key, offset, size
    if (view.items.size() != 3 || pickle.at(view.items[1]).kind != Kind::integer ||
        pickle.at(view.items[1]).integer < 0)
      return fail("names a view of a storage in a way that is not read");
    name.view_offset = pickle.at(view.items[1]).integer;
  }
  return name;
}

const PickleValue* TensorReader::find_call(const PickleValue& value) const {
  const PickleValue* call = &value;
  for (int wrapped = 0; wrapped < 2 && call->kind == Kind::call; ++wrapped) {
    const std::string_view function = pickle_.at(call->items[0]).text;
    if (function == kTensor || function == kTensor2 || function == kTensor3) return call;
    const PickleValue& arguments = pickle_.at(call->items[1]);
    if ((function != kParameter && function != "torch.nn.parameter.Parameter") || arguments.items.empty())
      return nullptr;
    call = &pickle_.at(arguments.items[0]);
  }
  return nullptr;
}

Result<Shape> TensorReader::read_whole_numbers(const PickleValue& value, const char* what) const {
  const PickleValue* tuple = &value;
  if (tuple->kind == Kind::call && pickle_.at(tuple->items[0]).text == "torch.Size") {
    const PickleValue& arguments = pickle_.at(tuple->items[1]);
    if (!arguments.items.empty()) tuple = &pickle_.at(arguments.items[0]);
  }
  if (tuple->kind != Kind::tuple && tuple->kind != Kind::list) return fail(fmt::format("has no {}", what));
  Shape numbers;
  for (const uint32_t place : tuple->items) {
    const PickleValue& item = pickle_.at(place);
    if (item.kind != Kind::integer || !item.text.empty() || item.integer < 0)
      return fail(fmt::format("its {} are not whole numbers of at least 0", what));
    numbers.dims.push_back(item.integer);
  }
  return numbers;
}

// Whether rows lie one after the other: strides of axes of one element mean nothing.
bool is_contiguous(const Shape& shape, const Shape& strides) {
  int64_t next = 1;
  for (size_t i = shape.dims.size(); i-- > 0;) {
    if (shape.dims[i] == 1) continue;
    if (strides.dims[i] != next) return false;
    next *= shape.dims[i];
  }
  return true;
}

Result<PlacedTensor> TensorReader::read(std::string_view name, const PickleValue& value) const {
  const PickleValue& call = *find_call(value);
  const PickleValue& arguments = pickle_.at(call.items[1]);
  const auto argument = [&](size_t i) -> const PickleValue& { return pickle_.at(arguments.items[i]); };
  if (arguments.items.size() < 4 || argument(0).kind != Kind::persistent || argument(1).kind != Kind::integer ||
      !argument(1).text.empty() || argument(1).integer < 0)
    return fail("is put together in a way that is not read");
  LSTAR_ASSIGN(const StorageName storage, read_storage_name(pickle_, argument(0)));
  std::optional<StoredType> type = storage.type;
  if (pickle_.at(call.items[0]).text == kTensor3) {
    const NamedType* dtype = nullptr;
    if (arguments.items.size() > 6 && argument(6).kind == Kind::global) dtype = find_type(kDtypes, argument(6).text);
    if (!dtype) return fail("has no dtype that is read");
    type = dtype->type;
  }
  if (!type) return fail("lies in a storage without a type");
  PlacedTensor tensor{.info = {.name = std::string(name), .type = *type}};
  LSTAR_ASSIGN(tensor.info.shape, read_whole_numbers(argument(2), "sizes"));
  LSTAR_ASSIGN(const Shape strides, read_whole_numbers(argument(3), "strides"));
  const Shape& shape = tensor.info.shape;
  if (strides.dims.size() != shape.dims.size())
    return fail({.what = "sizes and strides do not match", .expected = shape.text(), .found = strides.text()});
  LSTAR_ASSIGN(const uint64_t bytes, stored_bytes(*type, shape));

  const auto found = storages_.find(storage.key);
  if (found == storages_.end())
    return fail({.what = "its storage is not in the file", .found = std::string(storage.key)});
  const Span& held = found->second;
  uint64_t declared = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(storage.numel), element_bytes(storage.type), &declared) ||
      declared > held.bytes)
    return fail({.what = "its storage is shorter than it should be (is the file truncated?)",
                 .expected = fmt::format("{} elements", storage.numel),
                 .found = fmt::format("{} bytes", held.bytes)});
  if (bytes == 0) return tensor;  // empty: lies nowhere

  // The last element, counted from the storage's start.
  const uint64_t room = held.bytes / element_bytes(type);
  uint64_t last = static_cast<uint64_t>(argument(1).integer);
  bool is_inside = !__builtin_add_overflow(last, static_cast<uint64_t>(storage.view_offset), &last);
  const uint64_t first = last;
  for (size_t i = 0; is_inside && i < shape.dims.size(); ++i) {
    uint64_t step = 0;
    is_inside = !__builtin_mul_overflow(static_cast<uint64_t>(shape.dims[i] - 1),
                                        static_cast<uint64_t>(strides.dims[i]), &step) &&
                !__builtin_add_overflow(last, step, &last);
  }
  if (!is_inside || last >= room)
    return fail({.what = "lies outside its storage",
                 .expected = fmt::format("within {} elements", room),
                 .found = fmt::format("sizes {}, strides {} from element {}", shape.text(), strides.text(), first)});
  if (bytes > held.bytes)
    return fail({.what = "repeats elements of its storage",
                 .expected = fmt::format("at most {} elements", room),
                 .found = shape.text()});
  tensor.offset = held.offset + first * element_bytes(type);
  tensor.bytes = (last - first + 1) * element_bytes(type);
  if (!is_contiguous(shape, strides)) tensor.strides = strides.dims;
  return tensor;
}

// The dict that names tensors: the outermost, or one that it wraps under a usual name.
const PickleValue* find_state(const Pickle& pickle, const TensorReader& reader) {
  constexpr std::string_view kWrappers[] = {"state_dict", "model_state_dict", "model", "module"};
  const PickleValue* dict = &pickle.root();
  for (int depth = 0; depth < 3 && dict && dict->kind == Kind::dict; ++depth) {
    const PickleValue* inner = nullptr;
    for (size_t i = 0; i < dict->items.size(); i += 2) {
      const PickleValue &key = pickle.at(dict->items[i]), &value = pickle.at(dict->items[i + 1]);
      if (key.kind != Kind::text) continue;
      if (reader.is_tensor(value)) return dict;
      if (!inner && value.kind == Kind::dict &&
          std::find(std::begin(kWrappers), std::end(kWrappers), key.text) != std::end(kWrappers))
        inner = &value;
    }
    dict = inner;
  }
  return nullptr;
}

Result<std::vector<PlacedTensor>> read_state(const MappedFile& mapped, size_t file, const Pickle& pickle,
                                             const Storages& storages) {
  const TensorReader reader(pickle, storages);
  const PickleValue* state = find_state(pickle, reader);
  if (!state)
    return fail({.what = "holds no tensors by name",
                 .file = mapped.path(),
                 .expected = "a dict of tensors, or one under state_dict or model"});
  std::vector<PlacedTensor> tensors;
  for (size_t i = 0; i < state->items.size(); i += 2) {
    const PickleValue &key = pickle.at(state->items[i]), &value = pickle.at(state->items[i + 1]);
    if (key.kind != Kind::text || !reader.is_tensor(value)) continue;
    auto tensor = reader.read(key.text, value);
    if (!tensor) {
      Error error = std::move(tensor).error().in(mapped.path());
      error.at = tensor_label(key.text);
      return fail(std::move(error));
    }
    tensor->file = file;
    tensors.push_back(*std::move(tensor));
  }
  return tensors;
}

Result<std::vector<PlacedTensor>> read_archive(const MappedFile& mapped, size_t file) {
  constexpr std::string_view kPickle = "data.pkl";
  LSTAR_ASSIGN(const std::vector<ZipEntry> entries, read_zip_entries(mapped));
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const ZipEntry& entry) {
    return entry.name.ends_with(kPickle) &&
           entry.name.find('/') + 1 == (entry.name.size() == kPickle.size() ? 0 : entry.name.size() - kPickle.size());
  });
  if (found == entries.end())
    return fail({.what = "a ZIP archive that torch.save did not write",
                 .file = mapped.path(),
                 .expected = "an entry data.pkl"});
  const std::string prefix = found->name.substr(0, found->name.size() - kPickle.size());
  const auto bytes_of = [&](const ZipEntry& entry) { return mapped.bytes().subspan(entry.offset, entry.bytes); };
  Storages storages;
  for (const ZipEntry& entry : entries) {
    if (!entry.name.starts_with(prefix)) continue;
    const std::string name = entry.name.substr(prefix.size());
    if (name == "constants.pkl")
      return fail(
          {.what = "a TorchScript program, which is not read", .file = mapped.path(), .expected = "a state dict"});
    if (name == "byteorder") {
      const auto order = bytes_of(entry);
      if (std::string_view(reinterpret_cast<const char*>(order.data()), order.size()) != "little")
        return fail({.what = "numbers are not little-endian", .file = mapped.path(), .at = "entry " + entry.name});
    }
    if (name.starts_with("data/")) storages.emplace(name.substr(5), Span{entry.offset, entry.bytes});
  }
  LSTAR_ASSIGN(const Pickle pickle, Pickle::read(mapped.bytes().first(found->offset + found->bytes), found->offset,
                                                 mapped.path(), is_allowed));
  return read_state(mapped, file, pickle, storages);
}

// The number 0x1950a86a20f9469cfc6c, pickled.
constexpr std::string_view kStreamMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
constexpr int64_t kStreamVersion = 1001;

// Five pickles (the magic number, the format's version, about the writer's machine, the object, the keys of its
// storages), then for each key a count of eight bytes and so many elements.
Result<std::vector<PlacedTensor>> read_stream(const MappedFile& mapped, size_t file) {
  const auto next = [&](uint64_t begin) { return Pickle::read(mapped.bytes(), begin, mapped.path(), is_allowed); };
  LSTAR_ASSIGN(const Pickle magic, next(0));
  LSTAR_ASSIGN(const Pickle version, next(magic.end()));
  if (version.root().kind != Kind::integer || version.root().integer != kStreamVersion)
    return fail({.what = "version of PyTorch's format is not read",
                 .file = mapped.path(),
                 .expected = fmt::format("{}", kStreamVersion),
                 .found = fmt::format("{}", version.root().integer)});
  LSTAR_ASSIGN(const Pickle machine, next(version.end()));
  for (size_t i = 0; machine.root().kind == Kind::dict && i < machine.root().items.size(); i += 2)
    if (machine.at(machine.root().items[i]).text == "little_endian" &&
        machine.at(machine.root().items[i + 1]).integer == 0)
      return fail({.what = "numbers are not little-endian", .file = mapped.path()});
  LSTAR_ASSIGN(const Pickle pickle, next(machine.end()));
  LSTAR_ASSIGN(const Pickle keys, next(pickle.end()));

  std::map<std::string_view, uint64_t> widths;  // bytes of an element, by key
  for (uint32_t i = 0; i < pickle.size(); ++i) {
    if (pickle.at(i).kind != Kind::persistent) continue;
    auto name = read_storage_name(pickle, pickle.at(i));
    if (!name) return fail(std::move(name).error().in(mapped.path()));
    widths.emplace(name->key, element_bytes(name->type));
  }
  if (keys.root().kind != Kind::list) return fail({.what = "has no list of storages", .file = mapped.path()});
  Storages storages;
  uint64_t place = keys.end();
  for (const uint32_t item : keys.root().items) {
    const std::string_view key = keys.at(item).text;
    const auto refuse = [&](Error error) {
      error.file = mapped.path();
      error.at = fmt::format("storage {}", key);
      return fail(std::move(error));
    };
    const auto width = widths.find(key);
    if (width == widths.end()) return refuse({.what = "no tensor names it"});
    int64_t count = 0;
    const uint64_t left = mapped.size() - place;
    if (left < sizeof count) return refuse({.what = "truncated"});
    std::memcpy(&count, mapped.bytes().data() + place, sizeof count);
    const uint64_t most = (left - sizeof count) / width->second;
    if (count < 0 || static_cast<uint64_t>(count) > most)
      return refuse({.what = "more elements than the file holds (is it truncated?)",
                     .expected = fmt::format("at most {}", most),
                     .found = fmt::format("{}", count)});
    const Span span{place + sizeof count, static_cast<uint64_t>(count) * width->second};
    if (!storages.emplace(key, span).second) return refuse({.what = "appears twice"});
    place = span.offset + span.bytes;
  }
  return read_state(mapped, file, pickle, storages);
}

// A pickle whose first value is the magic number, whatever its protocol (which may put a frame before it).
bool is_stream(const MappedFile& mapped) {
  const std::string_view head(reinterpret_cast<const char*>(mapped.bytes().data()),
                              std::min<uint64_t>(mapped.size(), 32));
  return head.starts_with('\x80') && head.find(kStreamMagic) != head.npos;
}

// PyTorch before 0.1.10 wrote tar archives.
bool is_tar(const MappedFile& mapped) {
  constexpr size_t kAt = 257;
  return mapped.size() > kAt + 5 && std::memcmp(mapped.bytes().data() + kAt, "ustar", 5) == 0;
}

}  // namespace

bool is_torch_file(const MappedFile& mapped) { return is_zip(mapped) || is_stream(mapped); }

Result<std::vector<PlacedTensor>> read_torch_file(const MappedFile& mapped, size_t file) {
  if (is_zip(mapped)) return read_archive(mapped, file);
  if (is_stream(mapped)) return read_stream(mapped, file);
  Error error{.what = "not a file that torch.save wrote",
              .file = mapped.path(),
              .expected = "a ZIP archive, or PyTorch's older stream of pickles"};
  if (is_tar(mapped)) error.found = "a tar archive";
  return fail(std::move(error));
}

}  // namespace lstar
