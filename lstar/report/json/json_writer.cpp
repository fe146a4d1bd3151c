#include "lstar/report/json/json_writer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/core.h>

#include "lstar/base/text.h"

namespace lstar {
namespace {

std::vector<uint32_t> utf16(uint32_t c) {
  if (c < 0x10000) return {c};
  return {0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff)};
}

// A value's text in which no character commands a terminal or turns round what stands beside it: such stand in strings
// alone.
std::string escaped(std::string text) {
  const auto is_plain = [](char c) { return static_cast<unsigned char>(c) < 0x7f; };
  if (std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    const DecodedCharacter character = first_character(rest);
    if (is_unseen(character.code_point))
      for (const uint32_t unit : utf16(character.code_point)) out += fmt::format("\\u{:04x}", unit);
    else
      out += rest.substr(0, character.bytes);
    rest.remove_prefix(character.bytes);
  }
  return out;
}

std::string one_line_of(const JsonValue& value) {
  return escaped(value.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace));
}

std::string scalar(const JsonValue& value) {
  if (value.is_binary()) return {value.get_binary().begin(), value.get_binary().end()};  // json_digits
  return one_line_of(value);
}

constexpr size_t kMostOnOneLine = 8;  // keys of an object

void write(const JsonValue& value, int depth, std::string& out) {
  if (!value.is_structured() || value.empty()) {
    out += scalar(value);
    return;
  }
  const bool object = value.is_object();
  const bool flat = std::none_of(value.begin(), value.end(),
                                 [&](const JsonValue& v) {
                                   return (v.is_string() && !object) || (v.is_structured() && !v.empty());
                                 }) &&
                    (!object || (depth > 0 && value.size() <= kMostOnOneLine));
  std::string gap;
  if (!flat) gap.append(1, '\n').append(static_cast<size_t>(2 * depth + 2), ' ');
  out += object ? '{' : '[';
  bool first = true;
  for (const auto& item : value.items()) {
    if (!first) out += flat ? ", " : ",";
    first = false;
    out += gap;
    if (object) {
      out += scalar(JsonValue(item.key()));
      out += ": ";
    }
    write(item.value(), depth + 1, out);
  }
  if (!flat) {
    out += '\n';
    out.append(static_cast<size_t>(2 * depth), ' ');
  }
  out += object ? '}' : ']';
}

}  // namespace

JsonValue json_value(std::optional<double> value) {
  if (value && std::isfinite(*value)) return *value;
  return nullptr;
}

JsonValue json_value(std::optional<int> value) {
  if (value) return *value;
  return nullptr;
}

JsonValue json_value(const std::optional<std::string>& value) {
  if (value) return *value;
  return nullptr;
}

JsonValue json_array(std::span<const double> values) {
  JsonValue array = JsonValue::array();
  for (const double value : values) array.push_back(json_value(std::optional(value)));
  return array;
}

JsonValue json_or_null(const std::string& value) {
  if (value.empty()) return nullptr;
  return value;
}

JsonValue json_value(const Detection& found) {
  return {{"layer", json_value(found.layer)},     {"resolved", found.resolved},
          {"margin", json_value(found.margin)},   {"rule", json_or_null(found.rule)},
          {"reason", json_or_null(found.reason)}, {"broken_from", json_value(found.broken_from)}};
}

JsonValue json_detections(std::span<const Detection> found) {
  JsonValue by_name = JsonValue::object();
  const auto all = detectors();
  for (size_t i = 0; i < std::min(all.size(), found.size()); ++i)
    by_name[std::string(all[i].name)] = json_value(found[i]);
  return by_name;
}

JsonValue json_value(const Identity& identity) {
  JsonValue files = JsonValue::array();
  for (const FileIdentity& file : identity.files)
    files.push_back({{"file", file.file}, {"bytes", file.bytes}, {"sha256", json_or_null(file.sha256)}});
  return {{"path", identity.path},
          {"revision", json_value(identity.revision)},
          {"format", identity.format},
          {"stored_dtype", identity.stored_dtype},
          {"files", std::move(files)}};
}

// nlohmann's values hold no longer number; their binary type, which JSON does not have, carries it to write_json.
JsonValue json_digits(const std::string& digits) {
  return JsonValue::binary(std::vector<std::uint8_t>(digits.begin(), digits.end()));
}

std::string write_json(const JsonValue& value) {
  std::string out;
  write(value, 0, out);
  return out + "\n";
}

std::string json_line(const JsonValue& value) { return one_line_of(value) + "\n"; }

}  // namespace lstar
