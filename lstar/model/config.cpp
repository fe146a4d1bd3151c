#include "lstar/model/config.h"

#include <cmath>

#include <fmt/format.h>

namespace lstar {
namespace {

constexpr int64_t kLargestSize = int64_t{1} << 24;

std::string shown(Json value) { return simdjson::minify(value).substr(0, 60); }

std::string spelled(Keys keys) {
  std::string text;
  for (std::string_view key : keys) text += (text.empty() ? "key " : " or ") + std::string(key);
  return text;
}

}  // namespace

std::optional<Json> Config::find(Keys keys, std::string_view& key) const {
  for (std::string_view candidate : keys)
    if (auto value = json_find(object_, candidate)) {
      key = candidate;
      return value;
    }
  return std::nullopt;
}

void Config::record(Error error) {
  if (!fault_) fault_ = std::move(error).in(file_);
}

int Config::size(Keys keys) {
  std::string_view key;
  if (!find(keys, key)) {
    record({.what = "missing from the configuration", .at = spelled(keys)});
    return 1;
  }
  return size_or(keys, 1);
}

int Config::size_or(Keys keys, int fallback) {
  std::string_view key;
  const auto value = find(keys, key);
  if (!value) return fallback;
  int64_t number = 0;
  if (value->get_int64().get(number) || number < 1 || number > kLargestSize) {
    record({.what = "not a size",
            .at = fmt::format("key {}", key),
            .expected = fmt::format("an integer from 1 to {}", kLargestSize),
            .found = shown(*value)});
    return 1;
  }
  return static_cast<int>(number);
}

double Config::number_or(Keys keys, double fallback) {
  std::string_view key;
  const auto value = find(keys, key);
  if (!value) return fallback;
  double number = 0;
  if (value->get_double().get(number) || !std::isfinite(number)) {
    record({.what = "not a number", .at = fmt::format("key {}", key), .found = shown(*value)});
    return fallback;
  }
  return number;
}

bool Config::flag_or(Keys keys, bool fallback) {
  std::string_view key;
  const auto value = find(keys, key);
  if (!value) return fallback;
  bool flag = fallback;
  if (value->get_bool().get(flag))
    record({.what = "not true or false", .at = fmt::format("key {}", key), .found = shown(*value)});
  return flag;
}

std::string Config::text_or(Keys keys, std::string fallback) {
  std::string_view key, text;
  const auto value = find(keys, key);
  if (!value) return fallback;
  if (value->get_string().get(text)) {
    record({.what = "not a text", .at = fmt::format("key {}", key), .found = shown(*value)});
    return fallback;
  }
  return std::string(text);
}

Activation Config::activation(Keys keys, std::string_view fallback) {
  struct Named {
    std::string_view name;
    Activation activation;
  };
  static constexpr Named kKnown[] = {
      {"relu", Activation::relu},         {"gelu", Activation::gelu},
      {"gelu_new", Activation::gelu_new}, {"gelu_pytorch_tanh", Activation::gelu_tanh},
      {"silu", Activation::silu},         {"swish", Activation::silu},
  };
  const std::string name = text_or(keys, std::string(fallback));
  for (const Named& known : kKnown)
    if (known.name == name) return known.activation;
  std::string names;
  for (const Named& known : kKnown) names += (names.empty() ? "" : ", ") + std::string(known.name);
  record({.what = "unknown activation", .at = spelled(keys), .expected = "one of " + names, .found = name});
  return Activation::relu;
}

double Config::positive_or(Keys keys, double fallback, double most) {
  const double number = number_or(keys, fallback);
  if (number > 0 && number <= most) return number;
  record({.what = "out of range",
          .at = spelled(keys),
          .expected = fmt::format("greater than 0, at most {:g}", most),
          .found = fmt::format("{:g}", number)});
  return fallback;
}

double Config::rotary_or(Keys keys, double fallback, double most) {
  for (std::string_view object : {"rope_scaling", "rope_parameters"}) {
    const auto nested = json_find(object_, object);
    std::string_view key;
    if (!nested || !Config(*nested, file_).find(keys, key)) continue;
    Config inner(*nested, file_);
    const double value = inner.positive_or(keys, fallback, most);
    if (inner.fault_) record(*inner.fault_);
    return value;
  }
  return positive_or(keys, fallback, most);
}

void Config::refuse_rotary_scaling() {
  for (std::string_view key : {"rope_parameters", "rope_scaling"}) {
    const auto nested = json_find(object_, key);
    if (!nested) continue;
    Config inner(*nested, file_);
    const std::string type = inner.text_or({"rope_type", "type"}, "default");
    if (type != "default")
      record({.what = "rotary scaling is not supported",
              .at = fmt::format("key {}", key),
              .expected = "default",
              .found = type});
  }
  for (std::string_view key : {"rope.scaling.factor", "rope.scale_linear"})
    require(number_or({key}, 1) == 1, fmt::format("key {}", key), "1: no rotary scaling", "another factor");
  const std::string type = text_or({"rope.scaling.type"}, "none");
  if (type != "none")
    record(
        {.what = "rotary scaling is not supported", .at = "key rope.scaling.type", .expected = "none", .found = type});
}

void Config::require(bool holds, std::string_view at, std::string_view expected, std::string found) {
  if (!holds)
    record(
        {.what = "not supported", .at = std::string(at), .expected = std::string(expected), .found = std::move(found)});
}

}  // namespace lstar
