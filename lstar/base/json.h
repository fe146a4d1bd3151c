// Reading JSON that somebody else wrote, as Python's json module reads it (python_json.h): most files on the hub are
// written by that. Documents are parsed by simdjson's DOM reader, which no header names; what it refuses, and an object
// that names a key twice, is restated first, so that every Json has each key once. Json is a view into its
// JsonDocument, as cheap to copy as a std::string_view, and lives no longer than it. Reading is safe from several
// threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lstar/base/result.h"

namespace lstar {

// A range of what an array or an object holds, in the order of the document: a step is a call or two, whatever the
// entry holds.
template <class Entry>
class JsonRange {
 public:
  class iterator {
   public:
    using value_type = Entry;
    using reference = Entry;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using iterator_category = std::input_iterator_tag;

    Entry operator*() const;
    iterator& operator++();
    iterator operator++(int) {
      const iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const iterator&) const = default;

   private:
    const void* document_ = nullptr;  // a place of simdjson's, in its own words
    size_t place_ = 0;
  };

  JsonRange() = default;
  JsonRange(iterator begin, iterator end) : begin_(begin), end_(end) {}
  iterator begin() const { return begin_; }
  iterator end() const { return end_; }

 private:
  iterator begin_, end_;
};

struct JsonField;
using JsonItems = JsonRange<class Json>;
using JsonFields = JsonRange<JsonField>;

class Json {
 public:
  // What the document holds. A number that JSON or 64 bits cannot hold is a string here, whose literal() is set.
  enum class Type { null, boolean, integer, number, string, array, object };

  Json() = default;                              // null, of no document
  bool operator==(const Json&) const = default;  // the same place of the same document
  Type type() const;
  bool is_null() const { return type() == Type::null; }
  bool is_boolean() const { return type() == Type::boolean; }
  bool is_integer() const { return type() == Type::integer; }
  bool is_number() const { return is_integer() || type() == Type::number; }
  bool is_string() const { return type() == Type::string; }
  bool is_array() const { return type() == Type::array; }
  bool is_object() const { return type() == Type::object; }

  // The value, nothing where it is of another type.
  std::optional<bool> boolean() const;
  std::optional<int64_t> integer() const;
  std::optional<uint64_t> unsigned_integer() const;
  std::optional<double> number() const;            // any number, the nearest double of one that JSON cannot hold
  std::optional<std::string_view> string() const;  // a text without half a surrogate pair in it
  // A number that JSON or 64 bits cannot hold, as it was written: "NaN", "-Infinity", an integer of 30 digits.
  std::optional<std::string_view> literal() const;
  // Any string's bytes, with the marks of python_json.h where it has them: a vocabulary's keys have them too.
  std::optional<std::string_view> raw_string() const;

  // Of anything but an array or an object there are none.
  JsonItems items() const;
  JsonFields fields() const;
  size_t size() const;                          // of the items or fields; counts no further than 2^24 - 1
  std::optional<Json> at(size_t number) const;  // an item, found by walking there

  // Lookups in an object that answer "absent" for a missing key, for null, and for a value of another type.
  std::optional<Json> find(std::string_view key) const;
  std::optional<std::string> string(std::string_view key) const;
  std::optional<int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  bool has(std::string_view key) const;         // were it null
  Json operator[](std::string_view key) const;  // null where there is none

  // A value as it was written, for messages: at most `most` bytes, whole characters.
  std::string shown(size_t most = 60) const;
  // The whole value as one line of JSON, with the marks of python_json.h.
  std::string minified() const;

 private:
  const void* document_ = nullptr;  // a place of simdjson's, in its own words
  size_t place_ = 0;
};

struct JsonField {
  std::string_view key;
  Json value;
};

template <>
Json JsonItems::iterator::operator*() const;
template <>
JsonItems::iterator& JsonItems::iterator::operator++();
template <>
JsonField JsonFields::iterator::operator*() const;
template <>
JsonFields::iterator& JsonFields::iterator::operator++();

// python: as Python reads it. strict: what the standard has no word for is an error, and so is a key that appears
// twice, about which two readers would disagree (the header of safetensors, which no Python wrote).
enum class JsonDialect { python, strict };

class JsonDocument {
 public:
  JsonDocument() = default;  // null

  // Parses a whole file or a text; `source` names the text in errors.
  static Result<JsonDocument> read(const std::string& path);
  static Result<JsonDocument> parse(std::string_view text, const std::string& source,
                                    JsonDialect dialect = JsonDialect::python);

  Json root() const { return root_; }
  const std::string& source() const { return source_; }

 private:
  struct Tape;
  static Result<JsonDocument> restated(std::string_view text, const std::string& source);
  JsonDocument(std::shared_ptr<const Tape> tape, Json root, std::string source)
      : tape_(std::move(tape)), root_(root), source_(std::move(source)) {}

  std::shared_ptr<const Tape> tape_;  // what every Json points into; never null where there is a root
  Json root_;
  std::string source_;
};

}  // namespace lstar
