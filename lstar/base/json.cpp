#include "lstar/base/json.h"

#include <sys/stat.h>

#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <vector>

#include <fmt/core.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/catch_memory.h"
#include "lstar/base/python_json.h"
#include "lstar/base/seeded_hash.h"
#include "lstar/base/text.h"

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
    const size_t hash = seeded_hash(key);
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

Error not_json(const std::string& source, simdjson::error_code error) {
  if (error == simdjson::MEMALLOC) return out_of_memory("reading JSON", source);
  return {.kind = error == simdjson::CAPACITY ? ErrorKind::unsupported : ErrorKind::malformed,
          .what = "not valid JSON",
          .file = source,
          .found = simdjson::error_message(error)};
}

}  // namespace

Result<JsonDocument> JsonDocument::restated(std::string_view text, const std::string& source) {
  auto plain = restate_python_json(without_mark(text));
  if (!plain) return fail(std::move(plain).error().in(source));
  JsonDocument document;
  document.parser_ = std::make_unique<dom::parser>();
  document.source_ = source;
  if (const auto error = document.parser_->parse(*plain).get(document.root_)) return fail(not_json(source, error));
  return document;
}

Result<JsonDocument> JsonDocument::read(const std::string& path) {
  JsonDocument document;
  document.parser_ = std::make_unique<dom::parser>();
  document.source_ = path;
  struct stat status;
  if (::stat(path.c_str(), &status) != 0)
    return fail(
        {.kind = kind_of_errno(errno), .what = std::string("cannot be read: ") + std::strerror(errno), .file = path});
  if (!S_ISREG(status.st_mode))
    return fail(
        {.kind = ErrorKind::unsupported, .what = "not a regular file", .file = path});  // a pipe would wait for ever
  const simdjson::error_code error = document.parser_->load(path).get(document.root_);
  if (!error && !duplicate_key(document.root_)) return document;
  if (error == simdjson::MEMALLOC || error == simdjson::CAPACITY) return fail(not_json(path, error));
  LSTAR_ASSIGN(const std::string text, read_file(path));
  return restated(text, path);
}

Result<JsonDocument> JsonDocument::parse(std::string_view text, const std::string& source, JsonDialect dialect) {
  JsonDocument document;
  document.parser_ = std::make_unique<dom::parser>();
  document.source_ = source;
  const simdjson::error_code error = document.parser_->parse(text.data(), text.size()).get(document.root_);
  const std::optional<std::string> twice = error ? std::nullopt : duplicate_key(document.root_);
  if (!error && !twice) return document;
  if (dialect == JsonDialect::python) return restated(text, source);
  if (error) return fail(not_json(source, error));
  return fail({.what = "key appears twice in one object", .file = source, .at = "key " + *twice});
}

namespace {

bool is_number(std::string_view text) {
  if (text == "NaN" || text == "Infinity" || text == "-Infinity") return true;
  return !text.empty() && text.find_first_not_of("+-.0123456789eE") == text.npos;
}

// What stands behind the mark of a value that JSON cannot hold; a text of the file's own may begin with it too.
std::optional<std::string_view> beyond_json(std::string_view text) {
  if (!text.starts_with(kBeyondJson)) return std::nullopt;
  text.remove_prefix(kBeyondJson.size());
  return text.starts_with('"') || is_number(text) ? std::optional(text) : std::nullopt;
}

}  // namespace

std::optional<std::string_view> json_literal(Json value) {
  std::string_view text;
  if (value.get_string().get(text)) return std::nullopt;
  const auto marked = beyond_json(text);
  return marked && !marked->starts_with('"') ? marked : std::nullopt;
}

std::optional<std::string_view> json_text(Json value) {
  std::string_view text;
  return value.get_string().get(text) || beyond_json(text) ? std::nullopt : std::optional(text);
}

std::optional<double> json_real(Json value) {
  double number = 0;
  if (!value.get_double().get(number)) return number;
  const auto literal = json_literal(value);
  if (!literal) return std::nullopt;
  if (*literal == "NaN") return std::numeric_limits<double>::quiet_NaN();
  const auto [end, error] = std::from_chars(literal->data(), literal->data() + literal->size(), number);
  if (error == std::errc()) return number;
  const double infinity = std::numeric_limits<double>::infinity();  // whether it says so or is too large
  return literal->starts_with('-') ? -infinity : infinity;
}

namespace {
// U+10D800 to U+10DFFF, as python_json.h puts it into a text.
bool is_half_of_a_pair(std::string_view bytes) {
  return bytes.starts_with("\xf4\x8d") && bytes.size() == 4 && static_cast<unsigned char>(bytes[2]) >= 0xA0;
}
}  // namespace

std::string json_shown(Json value, size_t most) {
  const std::string written = simdjson::minify(value);
  std::string shown;
  bool in_text = false, is_marked = false;
  for (size_t i = 0; i < written.size() && shown.size() <= most; ++i) {
    const char c = written[i];
    if (c == '\\') {
      shown.append(written, i++, 2);
      continue;
    }
    const std::string_view rest = std::string_view(written).substr(i + 1);
    if (c == '"' && !in_text && rest.starts_with(kBeyondJson)) {
      const std::string_view marked = rest.substr(kBeyondJson.size());
      const std::string_view literal = marked.substr(0, marked.find('"'));
      if (marked.starts_with("\\\"")) {
        i += kBeyondJson.size() + 2;
        is_marked = true;
      } else if (is_number(literal)) {
        shown += literal;
        i += kBeyondJson.size() + literal.size() + 1;
        continue;
      }
    }
    if (const auto here = std::string_view(written).substr(i, 4); is_marked && is_half_of_a_pair(here)) {
      shown += fmt::format("\\u{:04x}", 0xD000 | (here[2] & 0x3F) << 6 | (here[3] & 0x3F));
      i += 3;
      continue;
    }
    if (c == '"') {
      is_marked = is_marked && !in_text;
      in_text = !in_text;
    }
    shown += c;
  }
  if (shown.size() <= most) return shown;
  while (most > 0 && (shown[most] & 0xC0) == 0x80) --most;
  return shown.substr(0, most);
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
  const auto found = json_find(object, key);
  const auto text = found ? json_text(*found) : std::nullopt;
  return text ? std::optional<std::string>(*text) : std::nullopt;
}
std::optional<int64_t> json_integer(Json object, std::string_view key) { return typed<int64_t>(object, key); }
std::optional<double> json_number(Json object, std::string_view key) {
  const auto found = json_find(object, key);
  return found ? json_real(*found) : std::nullopt;
}
std::optional<bool> json_bool(Json object, std::string_view key) { return typed<bool>(object, key); }

}  // namespace lstar
