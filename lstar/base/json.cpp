#include "lstar/base/json.h"

#include <sys/stat.h>

#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include <fmt/core.h>
#include <simdjson.h>

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
std::optional<std::string> duplicate_key(dom::element value) {
  dom::array items;
  if (!value.get_array().get(items)) {
    for (dom::element item : items) {
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

// A place of simdjson's, which Json and its iterators keep as what it is made of. A Json of no document is null.
template <class View, class Place>
View view(const Place& place) {
  static_assert(std::is_trivially_copyable_v<View> && sizeof(View) == 16);
  return std::bit_cast<View>(place);
}

template <class T>
std::optional<T> typed(const Json& value) {
  T found;
  if (value == Json() || view<dom::element>(value).get<T>().get(found)) return std::nullopt;
  return found;
}

Error not_json(const std::string& source, simdjson::error_code error) {
  if (error == simdjson::MEMALLOC) return out_of_memory("reading JSON", source);
  return {.kind = error == simdjson::CAPACITY ? ErrorKind::unsupported : ErrorKind::malformed,
          .what = "not valid JSON",
          .file = source,
          .found = error == simdjson::UTF8_ERROR ? "bytes that are no UTF-8" : simdjson::error_message(error)};
}

}  // namespace

struct JsonDocument::Tape {
  dom::parser parser;
};

Result<JsonDocument> JsonDocument::restated(std::string_view text, const std::string& source) {
  auto plain = restate_python_json(without_mark(text));
  if (!plain) return fail(std::move(plain).error().in(source));
  const auto tape = std::make_shared<Tape>();
  dom::element root;
  if (const auto error = tape->parser.parse(*plain).get(root)) return fail(not_json(source, error));
  return JsonDocument(tape, view<Json>(root), source);
}

Result<JsonDocument> JsonDocument::read(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0)
    return fail(
        {.kind = kind_of_errno(errno), .what = std::string("cannot be read: ") + std::strerror(errno), .file = path});
  if (!S_ISREG(status.st_mode))
    return fail(
        {.kind = ErrorKind::unsupported, .what = "not a regular file", .file = path});  // a pipe would wait for ever
  const auto tape = std::make_shared<Tape>();
  dom::element root;
  const simdjson::error_code error = tape->parser.load(path).get(root);
  if (!error && !duplicate_key(root)) return JsonDocument(tape, view<Json>(root), path);
  if (error == simdjson::MEMALLOC || error == simdjson::CAPACITY) return fail(not_json(path, error));
  LSTAR_ASSIGN(const std::string text, read_file(path));
  return restated(text, path);
}

Result<JsonDocument> JsonDocument::parse(std::string_view text, const std::string& source, JsonDialect dialect) {
  const auto tape = std::make_shared<Tape>();
  dom::element root;
  const simdjson::error_code error = tape->parser.parse(text.data(), text.size()).get(root);
  const std::optional<std::string> twice = error ? std::nullopt : duplicate_key(root);
  if (!error && !twice) return JsonDocument(tape, view<Json>(root), source);
  if (dialect == JsonDialect::python) return restated(text, source);
  if (error) return fail(not_json(source, error));
  return fail({.what = "key appears twice in one object", .file = source, .at = "key " + *twice});
}

template <>
Json JsonItems::iterator::operator*() const {
  return view<Json>(*view<dom::array::iterator>(*this));
}
template <>
JsonItems::iterator& JsonItems::iterator::operator++() {
  return *this = view<iterator>(++view<dom::array::iterator>(*this));
}
template <>
JsonField JsonFields::iterator::operator*() const {
  const auto place = view<dom::object::iterator>(*this);
  return {place.key(), view<Json>(place.value())};
}
template <>
JsonFields::iterator& JsonFields::iterator::operator++() {
  return *this = view<iterator>(++view<dom::object::iterator>(*this));
}

JsonItems Json::items() const {
  const auto array = typed<dom::array>(*this);
  if (!array) return {};
  return {view<JsonItems::iterator>(array->begin()), view<JsonItems::iterator>(array->end())};
}

JsonFields Json::fields() const {
  const auto object = typed<dom::object>(*this);
  if (!object) return {};
  return {view<JsonFields::iterator>(object->begin()), view<JsonFields::iterator>(object->end())};
}

size_t Json::size() const {
  if (const auto array = typed<dom::array>(*this)) return array->size();
  const auto object = typed<dom::object>(*this);
  return object ? object->size() : 0;
}

std::optional<Json> Json::at(size_t number) const {
  const auto array = typed<dom::array>(*this);
  dom::element item;
  if (!array || array->at(number).get(item)) return std::nullopt;
  return view<Json>(item);
}

Json::Type Json::type() const {
  if (!document_) return Type::null;
  switch (view<dom::element>(*this).type()) {
    case dom::element_type::BOOL: return Type::boolean;
    case dom::element_type::INT64:
    case dom::element_type::UINT64: return Type::integer;
    case dom::element_type::DOUBLE: return Type::number;
    case dom::element_type::STRING: return Type::string;
    case dom::element_type::ARRAY: return Type::array;
    case dom::element_type::OBJECT: return Type::object;
    case dom::element_type::NULL_VALUE: break;
  }
  return Type::null;
}

std::optional<bool> Json::boolean() const { return typed<bool>(*this); }
std::optional<int64_t> Json::integer() const { return typed<int64_t>(*this); }
std::optional<uint64_t> Json::unsigned_integer() const { return typed<uint64_t>(*this); }
std::optional<std::string_view> Json::raw_string() const { return typed<std::string_view>(*this); }

namespace {

bool says_number(std::string_view text) {
  if (text == "NaN" || text == "Infinity" || text == "-Infinity") return true;
  return !text.empty() && text.find_first_not_of("+-.0123456789eE") == text.npos;
}

// What stands behind the mark of a value that JSON cannot hold; a text of the file's own may begin with it too.
std::optional<std::string_view> beyond_json(std::string_view text) {
  if (!text.starts_with(kBeyondJson)) return std::nullopt;
  text.remove_prefix(kBeyondJson.size());
  return text.starts_with('"') || says_number(text) ? std::optional(text) : std::nullopt;
}

}  // namespace

std::optional<std::string_view> Json::literal() const {
  const auto text = raw_string();
  const auto marked = text ? beyond_json(*text) : std::nullopt;
  return marked && !marked->starts_with('"') ? marked : std::nullopt;
}

std::optional<std::string_view> Json::string() const {
  const auto text = raw_string();
  return text && !beyond_json(*text) ? text : std::nullopt;
}

std::optional<double> Json::number() const {
  if (const auto number = typed<double>(*this)) return number;
  const auto written = literal();
  if (!written) return std::nullopt;
  if (*written == "NaN") return std::numeric_limits<double>::quiet_NaN();
  double number = 0;
  const auto [end, error] = std::from_chars(written->data(), written->data() + written->size(), number);
  if (error == std::errc()) return number;
  const double infinity = std::numeric_limits<double>::infinity();  // whether it says so or is too large
  return written->starts_with('-') ? -infinity : infinity;
}

std::optional<Json> Json::find(std::string_view key) const {
  const Json value = (*this)[key];
  return value.is_null() ? std::nullopt : std::optional(value);
}

std::optional<std::string> Json::string(std::string_view key) const {
  const auto text = (*this)[key].string();
  return text ? std::optional<std::string>(*text) : std::nullopt;
}
std::optional<int64_t> Json::integer(std::string_view key) const { return (*this)[key].integer(); }
std::optional<double> Json::number(std::string_view key) const { return (*this)[key].number(); }
std::optional<bool> Json::boolean(std::string_view key) const { return (*this)[key].boolean(); }

bool Json::has(std::string_view key) const { return (*this)[key].document_ != nullptr; }

Json Json::operator[](std::string_view key) const {
  const auto object = typed<dom::object>(*this);
  dom::element value;
  return object && !object->at_key(key).get(value) ? view<Json>(value) : Json();
}

namespace {
// U+10D800 to U+10DFFF, as python_json.h puts it into a text.
bool is_half_of_a_pair(std::string_view bytes) {
  return bytes.starts_with("\xf4\x8d") && bytes.size() == 4 && static_cast<unsigned char>(bytes[2]) >= 0xA0;
}
}  // namespace

std::string Json::minified() const { return document_ ? simdjson::minify(view<dom::element>(*this)) : "null"; }

std::string Json::shown(size_t most) const {
  const std::string written = minified();
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
      } else if (says_number(literal)) {
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

}  // namespace lstar
