// Reading JSON that somebody else wrote. Documents are parsed by simdjson's DOM reader; on top of it, an object that
// names a key twice is an error, because two readers would disagree about it. Json is a view into its JsonDocument and
// lives no longer than it. Reading is safe from several threads.
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

class JsonDocument {
 public:
  // Parses a whole file or a text; `source` names the text in errors.
  static Result<JsonDocument> read(const std::string& path);
  static Result<JsonDocument> parse(std::string_view text, const std::string& source);

  Json root() const { return root_; }
  const std::string& source() const { return source_; }

 private:
  std::unique_ptr<simdjson::dom::parser> parser_;
  Json root_;
  std::string source_;
};

// Lookups that answer "absent" for a missing key, for null, and for a value of another type.
std::optional<Json> json_find(Json object, std::string_view key);
std::optional<std::string> json_string(Json object, std::string_view key);
std::optional<int64_t> json_integer(Json object, std::string_view key);
std::optional<double> json_number(Json object, std::string_view key);
std::optional<bool> json_bool(Json object, std::string_view key);

}  // namespace lstar
