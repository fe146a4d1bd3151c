#include "lstar/base/json.h"

#include <sys/stat.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <functional>
#include <vector>

namespace lstar {
namespace {

namespace dom = simdjson::dom;

// A key that appears twice, or nothing. Keys are entered into a hash table: a vocabulary is one object of 250,000 keys,
// which sorting would take longer over than reading it.
std::optional<std::string> repeated(const std::vector<std::string_view>& keys) {
  if (keys.size() < 2) return std::nullopt;
  struct Slot {
    size_t hash = 0;
    const std::string_view* key = nullptr;
  };
  std::vector<Slot> slots(std::bit_ceil(keys.size() * 2));
  const size_t mask = slots.size() - 1;
  for (const std::string_view& key : keys) {
    const size_t hash = std::hash<std::string_view>()(key);
    size_t i = hash & mask;
    for (; slots[i].key; i = (i + 1) & mask)
      if (slots[i].hash == hash && *slots[i].key == key) return std::string(key);
    slots[i] = {hash, &key};
  }
  return std::nullopt;
}

// A key that some object names twice, or nothing.
std::optional<std::string> duplicate_key(Json value) {
  dom::array items;
  if (!value.get_array().get(items)) {
    for (Json item : items) {
      if (item.is_array() || item.is_object())
        if (auto found = duplicate_key(item)) return found;
    }
    return std::nullopt;
  }
  dom::object fields;
  if (value.get_object().get(fields)) return std::nullopt;
  std::vector<std::string_view> keys;
  keys.reserve(fields.size());
  for (dom::key_value_pair field : fields) {
    keys.push_back(field.key);
    if (field.value.is_array() || field.value.is_object())
      if (auto found = duplicate_key(field.value)) return found;
  }
  return repeated(keys);
}

Result<void> check(simdjson::error_code error, Json root, const std::string& source) {
  if (error) return fail({.what = "not valid JSON", .file = source, .found = simdjson::error_message(error)});
  if (auto key = duplicate_key(root))
    return fail({.what = "key appears twice in one object", .file = source, .at = "key " + *key});
  return {};
}

}  // namespace

Result<JsonDocument> JsonDocument::read(const std::string& path) {
  JsonDocument document;
  document.parser_ = std::make_unique<dom::parser>();
  document.source_ = path;
  struct stat status;
  if (::stat(path.c_str(), &status) != 0)
    return fail({.what = std::string("cannot be read: ") + std::strerror(errno), .file = path});
  if (!S_ISREG(status.st_mode))
    return fail({.what = "not a regular file", .file = path});  // a pipe would wait for ever
  const simdjson::error_code error = document.parser_->load(path).get(document.root_);
  if (error == simdjson::IO_ERROR) return fail({.what = "cannot be read", .file = path});
  LSTAR_TRY(check(error, document.root_, path));
  return document;
}

Result<JsonDocument> JsonDocument::parse(std::string_view text, const std::string& source) {
  JsonDocument document;
  document.parser_ = std::make_unique<dom::parser>();
  document.source_ = source;
  const simdjson::error_code error = document.parser_->parse(text.data(), text.size()).get(document.root_);
  LSTAR_TRY(check(error, document.root_, source));
  return document;
}

std::optional<Json> json_find(Json object, std::string_view key) {
  dom::object fields;
  Json value;
  if (object.get_object().get(fields) || fields.at_key(key).get(value) || value.is_null()) return std::nullopt;
  return value;
}

namespace {
template <class T>
std::optional<T> typed(Json object, std::string_view key) {
  T value;
  const auto found = json_find(object, key);
  if (!found || found->get<T>().get(value)) return std::nullopt;
  return value;
}
}  // namespace

std::optional<std::string> json_string(Json object, std::string_view key) {
  const auto text = typed<std::string_view>(object, key);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}
std::optional<int64_t> json_integer(Json object, std::string_view key) { return typed<int64_t>(object, key); }
std::optional<double> json_number(Json object, std::string_view key) { return typed<double>(object, key); }
std::optional<bool> json_bool(Json object, std::string_view key) { return typed<bool>(object, key); }

}  // namespace lstar
