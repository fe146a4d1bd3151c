#include "lstar/checkpoint/torch_tensor.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "lstar/base/limits.h"
#include "lstar/checkpoint/folder_listing.h"

namespace lstar {
namespace {

using Kind = PickleValue::Kind;

struct NamedType {
  std::string_view name;
  std::optional<StoredType> type;  // none: bytes, whose type a tensor says, or a type that is not read
  int bytes = 0;                   // of an element, where there is no type
};
constexpr NamedType kStorages[] = {
    {"torch.FloatStorage", StoredType::float32},
    {"torch.HalfStorage", StoredType::float16},
    {"torch.BFloat16Storage", StoredType::bfloat16},
    {"torch.DoubleStorage", StoredType::float64},
    {"torch.LongStorage", StoredType::int64},
    {"torch.IntStorage", StoredType::int32},
    {"torch.ShortStorage", StoredType::int16},
    {"torch.CharStorage", StoredType::int8},
    {"torch.ByteStorage", StoredType::uint8},
    {"torch.BoolStorage", StoredType::boolean},
    {"torch.ComplexFloatStorage", StoredType::complex64},
    {"torch.ComplexDoubleStorage", std::nullopt, 16},
    {"torch.QInt8Storage", std::nullopt, 1},
    {"torch.QUInt8Storage", std::nullopt, 1},
    {"torch.QInt32Storage", std::nullopt, 4},
    {"torch.QUInt4x2Storage", std::nullopt, 1},
    {"torch.QUInt2x4Storage", std::nullopt, 1},
    {"torch.UntypedStorage", std::nullopt, 1},
    {"torch.storage.UntypedStorage", std::nullopt, 1},
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
constexpr std::string_view kTensor = "torch._utils._rebuild_tensor";          // storage, offset, sizes, strides
constexpr std::string_view kTensor2 = "torch._utils._rebuild_tensor_v2";      // the same, and more
constexpr std::string_view kTensor3 = "torch._utils._rebuild_tensor_v3";      // the same; argument 6 is a dtype
constexpr std::string_view kWrappers[] = {"torch._utils._rebuild_parameter",  // a tensor, and more
                                          "torch._utils._rebuild_parameter_with_state", "torch.nn.parameter.Parameter"};
constexpr std::string_view kWithType = "torch._tensor._rebuild_from_type_v2";  // function, class, its arguments, state
constexpr std::string_view kPlainClasses[] = {"torch.Tensor", "torch._tensor.Tensor", "torch.nn.parameter.Parameter",
                                              "torch.nn.parameter.Buffer"};

// What else makes a tensor of torch's own, and why that is not read.
struct OtherTensor {
  std::string_view function, what;
};
constexpr OtherTensor kOtherTensors[] = {
    {"torch._utils._rebuild_sparse_tensor", "a sparse tensor, which is not read"},
    {"torch._utils._rebuild_sparse_csr_tensor", "a sparse tensor, which is not read"},
    {"torch._utils._rebuild_nested_tensor", "a nested tensor, which is not read"},
    {"torch._utils._rebuild_qtensor", "a quantised tensor, which is not read: get the checkpoint as it was before"},
    {"torch._utils._rebuild_meta_tensor_no_storage", "a tensor without data (on the device \"meta\")"},
};

template <size_t N>
const NamedType* find_type(const NamedType (&types)[N], std::string_view name) {
  const auto* found = std::find_if(types, types + N, [&](const NamedType& type) { return type.name == name; });
  return found == types + N ? nullptr : found;
}

template <size_t N>
bool is_one_of(const std::string_view (&names)[N], std::string_view name) {
  return std::find(names, names + N, name) != names + N;
}

uint64_t element_bytes(StoredType type) { return static_cast<uint64_t>(info(type).block_bytes); }

// Elements that views may repeat in a whole file: more than a file holds is what reading them would take.
constexpr uint64_t kMostRepeated = uint64_t{1} << 24;

constexpr int kMostWrappers = 4;  // around each other

}  // namespace

Result<StorageName> read_storage_name(const Pickle& pickle, const PickleValue& persistent) {
  const PickleValue& tuple = pickle.at(persistent.items[0]);
  const auto item = [&](size_t i) -> const PickleValue& { return pickle.at(tuple.items[i]); };
  if (tuple.kind != Kind::tuple || tuple.items.size() < 5 || item(0).text != "storage" ||
      item(1).kind != Kind::global || item(2).kind != Kind::text || item(4).kind != Kind::integer ||
      !item(4).text.empty() || item(4).integer < 0)
    return fail("names a storage in a way that is not read");
  const NamedType* type = find_type(kStorages, item(1).text);
  if (!type)
    return fail(
        {.kind = ErrorKind::unsupported, .what = "unknown kind of storage", .found = std::string(item(1).text)});
  StorageName name{.key = item(2).text, .type = type->type, .numel = item(4).integer};
  name.width = type->type ? element_bytes(*type->type) : static_cast<uint64_t>(type->bytes);
  if (tuple.items.size() > 5 && item(5).kind == Kind::tuple) {
    const PickleValue& view = item(5);  // its own key, offset, size
    if (view.items.size() != 3 || pickle.at(view.items[1]).kind != Kind::integer ||
        pickle.at(view.items[1]).integer < 0)
      return fail("names a view of a storage in a way that is not read");
    name.view_offset = pickle.at(view.items[1]).integer;
  }
  return name;
}

std::optional<TensorCall> TensorReader::find_call(const PickleValue& value) const {
  const PickleValue* call = &value;
  for (int wrapped = 0; wrapped < kMostWrappers && call->kind == Kind::call; ++wrapped) {
    const PickleValue &function = pickle_.at(call->items[0]), &arguments = pickle_.at(call->items[1]);
    if (function.kind != Kind::global || arguments.kind != Kind::tuple) return std::nullopt;
    const auto is_rebuild = [](std::string_view name) {
      return name == kTensor || name == kTensor2 || name == kTensor3;
    };
    if (is_rebuild(function.text)) return TensorCall{function.text, &arguments};
    if (function.text == kWithType && arguments.items.size() >= 3) {
      const PickleValue &inner = pickle_.at(arguments.items[0]), &type = pickle_.at(arguments.items[1]),
                        &own = pickle_.at(arguments.items[2]);
      if (!is_rebuild(inner.text) || !is_one_of(kPlainClasses, type.text) || own.kind != Kind::tuple)
        return std::nullopt;
      return TensorCall{inner.text, &own};
    }
    if (!is_one_of(kWrappers, function.text) || arguments.items.empty()) return std::nullopt;
    call = &pickle_.at(arguments.items[0]);
  }
  return std::nullopt;
}

std::optional<Error> TensorReader::why_not(const PickleValue& value) const {
  const PickleValue* call = &value;
  for (int wrapped = 0; wrapped < kMostWrappers && call->kind == Kind::call; ++wrapped) {
    std::string_view function = pickle_.callee(*call);
    const PickleValue& arguments = pickle_.at(call->items[1]);
    if (function == kWithType && arguments.kind == Kind::tuple && arguments.items.size() > 1)
      function = pickle_.at(arguments.items[1]).text;
    for (const OtherTensor& other : kOtherTensors)
      if (function == other.function) return Error{.kind = ErrorKind::unsupported, .what = std::string(other.what)};
    if (!is_one_of(kWrappers, function) || arguments.items.empty())
      return Error{.kind = ErrorKind::unsupported,
                   .what = "would be made by code, which is never executed",
                   .found = "a call of " + plain_text(function)};
    call = &pickle_.at(arguments.items[0]);
  }
  return std::nullopt;
}

Result<Shape> TensorReader::read_whole_numbers(const PickleValue& value, const char* what) const {
  const PickleValue* tuple = &value;
  if (tuple->kind == Kind::call && pickle_.at(tuple->items[0]).text == "torch.Size") {
    const PickleValue& arguments = pickle_.at(tuple->items[1]);
    if (!arguments.items.empty()) tuple = &pickle_.at(arguments.items[0]);
  }
  if (tuple->kind != Kind::tuple && tuple->kind != Kind::list) return fail(fmt::format("has no {}", what));
  Shape numbers;
  if (tuple->items.size() > limits::kAxes)
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("has too many {}", what),
                 .expected = fmt::format("at most {}", limits::kAxes),
                 .found = fmt::format("{}", tuple->items.size())});
  for (const uint32_t place : tuple->items) {
    const PickleValue& item = pickle_.at(place);
    if (item.kind != Kind::integer || !item.text.empty() || item.integer < 0)
      return fail(fmt::format("its {} are not whole numbers of at least 0", what));
    numbers.dims.push_back(item.integer);
  }
  return numbers;
}

namespace {

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

}  // namespace

Result<PlacedTensor> TensorReader::read(std::string_view name, const PickleValue& value) {
  const TensorCall call = *find_call(value);
  const PickleValue& arguments = *call.arguments;
  const auto argument = [&](size_t i) -> const PickleValue& { return pickle_.at(arguments.items[i]); };
  if (arguments.items.size() < 4 || argument(0).kind != Kind::persistent || argument(1).kind != Kind::integer ||
      !argument(1).text.empty() || argument(1).integer < 0)
    return fail("is put together in a way that is not read");
  LSTAR_ASSIGN(const StorageName storage, read_storage_name(pickle_, argument(0)));
  std::optional<StoredType> type = storage.type;
  if (call.function == kTensor3) {
    const NamedType* dtype = nullptr;
    if (arguments.items.size() > 6 && argument(6).kind == Kind::global) dtype = find_type(kDtypes, argument(6).text);
    if (!dtype) return fail(ErrorKind::unsupported, "has no dtype that is read");
    type = dtype->type;
  }
  if (!type) return fail(ErrorKind::unsupported, "lies in a storage of a type that is not read");
  PlacedTensor tensor{.info = {.name = std::string(name), .type = *type}};
  LSTAR_ASSIGN(tensor.info.shape, read_whole_numbers(argument(2), "sizes"));
  LSTAR_ASSIGN(const Shape strides, read_whole_numbers(argument(3), "strides"));
  const Shape& shape = tensor.info.shape;
  if (strides.dims.size() != shape.dims.size())
    return fail({.what = "sizes and strides do not match", .expected = shape.text(), .found = strides.text()});
  sizes_ += 2 * shape.dims.size();
  if (sizes_ > limits::kTorchSizes)
    return fail({.kind = ErrorKind::unsupported,
                 .what = "too many sizes and strides in one file",
                 .expected = fmt::format("at most {}", limits::kTorchSizes)});
  LSTAR_ASSIGN(const uint64_t bytes, stored_bytes(*type, shape));

  const auto found = storages_.find(storage.key);
  if (found == storages_.end())
    return fail({.what = "its storage is not in the file", .found = std::string(storage.key)});
  const StorageSpan& held = found->second;
  uint64_t declared = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(storage.numel), storage.width, &declared) || declared > held.bytes)
    return fail({.what = "its storage is shorter than it should be (is the file truncated?)",
                 .expected = fmt::format("{} elements", storage.numel),
                 .found = fmt::format("{} bytes", held.bytes)});
  if (bytes == 0) return tensor;  // empty: lies nowhere

  // The last element, counted from the storage's start.
  const uint64_t room = held.bytes / element_bytes(*type);
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
  if (bytes > held.bytes) {
    repeated_ += std::min(bytes / element_bytes(*type), kMostRepeated + 1);
    if (repeated_ > kMostRepeated)
      return fail({.kind = ErrorKind::unsupported,
                   .what = "repeats elements of its storage",
                   .expected = fmt::format("at most {} of them in a file", kMostRepeated),
                   .found = shape.text()});
  }
  tensor.offset = held.offset + first * element_bytes(*type);
  tensor.bytes = (last - first + 1) * element_bytes(*type);
  if (!is_contiguous(shape, strides)) tensor.strides = strides.dims;
  return tensor;
}

}  // namespace lstar
