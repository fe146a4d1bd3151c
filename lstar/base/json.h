// Reading JSON that somebody else wrote, as Python's json module reads it (python_json.h): most files on the hub are
// written by that. Documents are parsed by simdjson's DOM reader; what it refuses, and an object that names a key
// twice, is restated first, so that every Json has each key once. Json is a view into its JsonDocument and lives no
// longer than it. Reading is safe from several threads.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "lstar/base/result.h"

namespace lstar {

using Json = simdjson::dom::element;

// python: as Python reads it. strict: what the standard has no word for is an error, and so is a key that appears
// twice, about which two readers would disagree (the header of safetensors, which no Python wrote).
enum class JsonDialect { python, strict };

class JsonDocument {
 public:
  // Parses a whole file or a text; `source` names the text in errors.
  static Result<JsonDocument> read(const std::string& path);
  static Result<JsonDocument> parse(std::string_view text, const std::string& source,
                                    JsonDialect dialect = JsonDialect::python);

  Json root() const { return root_; }
  const std::string& source() const { return source_; }

 private:
  static Result<JsonDocument> restated(std::string_view text, const std::string& source);

  std::unique_ptr<simdjson::dom::parser> parser_;
  Json root_;
  std::string source_;
};

// A number that JSON or 64 bits cannot hold, as it was written: "NaN", "-Infinity", an integer of 30 digits.
std::optional<std::string_view> json_literal(Json);

// A text without half a surrogate pair in it; nothing for any other value.
std::optional<std::string_view> json_text(Json);

// Any number, the nearest double of one that JSON cannot hold.
std::optional<double> json_real(Json);

// A value as it was written, for messages: at most `most` bytes, whole characters.
std::string json_shown(Json, size_t most = 60);

// Lookups that answer "absent" for a missing key, for null, and for a value of another type.
std::optional<Json> json_find(Json object, std::string_view key);
std::optional<std::string> json_string(Json object, std::string_view key);
std::optional<int64_t> json_integer(Json object, std::string_view key);
std::optional<double> json_number(Json object, std::string_view key);
std::optional<bool> json_bool(Json object, std::string_view key);

}  // namespace lstar
