#include "lstar/checkpoint/gguf_values.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace lstar {
namespace {

constexpr uint64_t kKeyLimit = 65535;    // the format's own
constexpr uint64_t kSmallestPair = 14;   // length, a key of one letter, type, one byte
constexpr uint64_t kSmallestString = 8;  // its length

// Bytes of one number, or 0 for what is not a number of a fixed size.
uint64_t width(GgufType type) {
  switch (type) {
    case GgufType::uint8:
    case GgufType::int8:
    case GgufType::boolean: return 1;
    case GgufType::uint16:
    case GgufType::int16: return 2;
    case GgufType::uint32:
    case GgufType::int32:
    case GgufType::float32: return 4;
    case GgufType::uint64:
    case GgufType::int64:
    case GgufType::float64: return 8;
    default: return 0;
  }
}

template <class T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

std::optional<int64_t> load_integer(GgufType type, const std::byte* bytes) {
  switch (type) {
    case GgufType::uint8: return load<uint8_t>(bytes);
    case GgufType::int8: return load<int8_t>(bytes);
    case GgufType::uint16: return load<uint16_t>(bytes);
    case GgufType::int16: return load<int16_t>(bytes);
    case GgufType::uint32: return load<uint32_t>(bytes);
    case GgufType::int32: return load<int32_t>(bytes);
    case GgufType::int64: return load<int64_t>(bytes);
    case GgufType::uint64: {
      const auto value = load<uint64_t>(bytes);
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
      return static_cast<int64_t>(value);
    }
    default: return std::nullopt;
  }
}

std::optional<double> load_number(GgufType type, const std::byte* bytes) {
  if (type == GgufType::float32) return load<float>(bytes);
  if (type == GgufType::float64) return load<double>(bytes);
  if (type == GgufType::uint64) return static_cast<double>(load<uint64_t>(bytes));
  const auto whole = load_integer(type, bytes);
  return whole ? std::optional<double>(static_cast<double>(*whole)) : std::nullopt;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_printable(std::string_view key) {
  return std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::optional<int64_t> GgufValue::integer(uint64_t i) const {
  return load_integer(type, bytes.data() + i * width(type));
}

std::optional<double> GgufValue::number(uint64_t i) const { return load_number(type, bytes.data() + i * width(type)); }

std::optional<uint64_t> GgufValue::unsigned_integer() const {
  return type == GgufType::uint64 && !is_array ? std::optional(load<uint64_t>(bytes.data())) : std::nullopt;
}

std::optional<bool> GgufValue::boolean(uint64_t i) const {
  return type == GgufType::boolean ? std::optional(bytes[i] != std::byte{0}) : std::nullopt;
}

std::optional<std::string_view> GgufValue::string() const {
  return type == GgufType::string && !is_array ? std::optional(text_of(bytes)) : std::nullopt;
}

Result<GgufValue> GgufValues::parse_array(GgufCursor& cursor) {
  const std::string at = cursor.at();
  LSTAR_ASSIGN(const auto type, cursor.number<uint32_t>("an array"));
  LSTAR_ASSIGN(const auto count, cursor.number<uint64_t>("an array"));
  GgufValue value{.type = static_cast<GgufType>(type), .is_array = true, .count = count};
  if (value.type == GgufType::array)
    return fail(
        {.kind = ErrorKind::unsupported, .what = "arrays of arrays are not read", .file = cursor.path(), .at = at});
  if (value.type == GgufType::string) {
    LSTAR_TRY(cursor.check_count(count, kSmallestString, "strings"));
    LSTAR_ASSIGN(const auto rest, GgufCursor(cursor).take(cursor.left(), "an array"));
    const uint64_t begin = cursor.position();
    LSTAR_TRY(cursor.skip_strings(count, "an array of strings"));
    value.bytes = rest.first(cursor.position() - begin);
    return value;
  }
  const uint64_t each = width(value.type);
  if (each == 0)
    return fail(
        {.what = "unknown type of array elements", .file = cursor.path(), .at = at, .found = fmt::format("{}", type)});
  LSTAR_TRY(cursor.check_count(count, each, "array elements"));
  LSTAR_ASSIGN(value.bytes, cursor.take(count * each, "an array"));
  return value;
}

Result<GgufValue> GgufValues::parse_value(GgufCursor& cursor) {
  const std::string at = cursor.at();
  LSTAR_ASSIGN(const auto type, cursor.number<uint32_t>("a value"));
  GgufValue value{.type = static_cast<GgufType>(type)};
  if (value.type == GgufType::array) return parse_array(cursor);
  if (value.type == GgufType::string) {
    LSTAR_ASSIGN(const std::string_view text, cursor.string("a string"));
    value.bytes = std::as_bytes(std::span(text));
    return value;
  }
  const uint64_t bytes = width(value.type);
  if (bytes == 0)
    return fail({.what = "unknown type of value", .file = cursor.path(), .at = at, .found = fmt::format("{}", type)});
  LSTAR_ASSIGN(value.bytes, cursor.take(bytes, "a value"));
  return value;
}

Result<GgufValues> GgufValues::parse(GgufCursor& cursor, uint64_t count) {
  LSTAR_TRY(cursor.check_count(count, kSmallestPair, "key-value pairs"));
  GgufValues values;
  values.path_ = cursor.path();
  for (uint64_t i = 0; i < count; ++i) {
    const std::string at = cursor.at();
    LSTAR_ASSIGN(const std::string_view key, cursor.string("a key"));
    if (key.empty() || key.size() > kKeyLimit || !is_printable(key))
      return fail(
          {.what = "bad key", .file = cursor.path(), .at = at, .expected = "1 to 65535 printable ASCII characters"});
    auto value = parse_value(cursor);
    if (!value) {
      Error error = std::move(value).error();
      error.at += fmt::format(" (key {})", key);
      return fail(std::move(error));
    }
    values.pairs_.emplace_back(key, *value);
  }
  const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::sort(values.pairs_.begin(), values.pairs_.end(), by_key);
  const auto twice = std::adjacent_find(values.pairs_.begin(), values.pairs_.end(),
                                        [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice != values.pairs_.end())
    return fail({.what = "appears twice", .file = cursor.path(), .at = fmt::format("key {}", twice->first)});
  return values;
}

const GgufValue* GgufValues::find(std::string_view key) const {
  const auto place = std::lower_bound(pairs_.begin(), pairs_.end(), key,
                                      [](const auto& pair, std::string_view wanted) { return pair.first < wanted; });
  return place != pairs_.end() && place->first == key ? &place->second : nullptr;
}

const GgufValue* GgufValues::find(std::string_view key, bool is_array) const {
  const GgufValue* value = find(key);
  return value && value->is_array == is_array ? value : nullptr;
}

std::optional<int64_t> GgufValues::integer(std::string_view key) const {
  const GgufValue* value = find(key, false);
  return value ? value->integer() : std::nullopt;
}

std::optional<double> GgufValues::number(std::string_view key) const {
  const GgufValue* value = find(key, false);
  return value ? value->number() : std::nullopt;
}

std::optional<bool> GgufValues::boolean(std::string_view key) const {
  const GgufValue* value = find(key, false);
  return value ? value->boolean() : std::nullopt;
}

std::optional<std::string_view> GgufValues::string(std::string_view key) const {
  const GgufValue* value = find(key, false);
  return value ? value->string() : std::nullopt;
}

std::optional<std::vector<std::string_view>> GgufValues::strings(std::string_view key) const {
  const GgufValue* value = find(key, true);
  if (!value || value->type != GgufType::string) return std::nullopt;
  std::vector<std::string_view> texts;
  texts.reserve(value->count);
  std::span<const std::byte> rest = value->bytes;
  for (uint64_t i = 0; i < value->count; ++i) {
    const auto length = load<uint64_t>(rest.data());
    texts.push_back(text_of(rest.subspan(sizeof length, length)));
    rest = rest.subspan(sizeof length + length);
  }
  return texts;
}

std::optional<std::vector<int64_t>> GgufValues::integers(std::string_view key) const {
  const GgufValue* value = find(key, true);
  if (!value || value->type == GgufType::string) return std::nullopt;
  std::vector<int64_t> numbers;
  numbers.reserve(value->count);
  for (uint64_t i = 0; i < value->count; ++i) {
    const auto one = value->integer(i);
    if (!one) return std::nullopt;
    numbers.push_back(*one);
  }
  return numbers;
}

std::optional<std::vector<double>> GgufValues::numbers(std::string_view key) const {
  const GgufValue* value = find(key, true);
  if (!value || value->type == GgufType::string) return std::nullopt;
  std::vector<double> numbers;
  numbers.reserve(value->count);
  for (uint64_t i = 0; i < value->count; ++i) {
    const auto one = value->number(i);
    if (!one) return std::nullopt;
    numbers.push_back(*one);
  }
  return numbers;
}

}  // namespace lstar
