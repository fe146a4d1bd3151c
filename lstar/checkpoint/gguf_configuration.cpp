#include "lstar/checkpoint/gguf_configuration.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/core.h>

#include "lstar/base/text.h"

namespace lstar {
namespace {

using Place = Configuration::Place;
using Type = Configuration::Type;

constexpr uint64_t kLongestList = 10000;  // one number a layer; longer lists are the tokenizer's

// A place is a field's value, or one of its elements: the number is 0 or the element's, from 1 on. The section itself
// is at no field.
const GgufValue* value_at(Place place) { return static_cast<const GgufValue*>(place.at); }
bool is_list(Place place) { return place.at && place.number == 0 && value_at(place)->is_array; }
bool is_scalar(Place place) { return place.at && !is_list(place); }
uint64_t element(Place place) { return place.number == 0 ? 0 : place.number - 1; }

}  // namespace

GgufConfiguration::GgufConfiguration(const GgufValues& values, std::string_view architecture) {
  const std::string prefix = fmt::format("{}.", architecture);
  // The architecture's own values stand before others of the same key.
  fields_.emplace_back("model_type",
                       GgufValue{.type = GgufType::string, .bytes = std::as_bytes(std::span(architecture))});
  for (const bool own : {true, false})
    for (const auto& [key, value] : values.pairs()) {
      if (key.starts_with(prefix) != own) continue;
      if (value.is_array && (!own || value.type == GgufType::string || value.count > kLongestList)) continue;
      fields_.emplace_back(own ? key.substr(prefix.size()) : key, value);
    }
  std::stable_sort(fields_.begin(), fields_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto same_key = [](const auto& a, const auto& b) { return a.first == b.first; };
  fields_.erase(std::unique(fields_.begin(), fields_.end(), same_key), fields_.end());
}

Type GgufConfiguration::type(Place place) const {
  if (!place.at) return Type::section;
  if (is_list(place)) return Type::list;
  switch (value_at(place)->type) {
    case GgufType::string: return Type::string;
    case GgufType::boolean: return Type::boolean;
    case GgufType::float32:
    case GgufType::float64: return std::isfinite(*value_at(place)->number(element(place))) ? Type::number : Type::null;
    default: return Type::integer;
  }
}

std::optional<bool> GgufConfiguration::boolean(Place place) const {
  return is_scalar(place) ? value_at(place)->boolean(element(place)) : std::nullopt;
}

std::optional<int64_t> GgufConfiguration::integer(Place place) const {
  return is_scalar(place) ? value_at(place)->integer(element(place)) : std::nullopt;
}

std::optional<double> GgufConfiguration::number(Place place) const {
  const auto number = is_scalar(place) ? value_at(place)->number(element(place)) : std::nullopt;
  return number && std::isfinite(*number) ? number : std::nullopt;
}

std::optional<std::string> GgufConfiguration::string(Place place) const {
  const auto text = is_scalar(place) ? value_at(place)->string() : std::nullopt;
  return text ? std::optional(valid_utf8(*text)) : std::nullopt;
}

std::optional<Place> GgufConfiguration::find(Place section, std::string_view key) const {
  if (section.at) return std::nullopt;
  const auto found = std::lower_bound(fields_.begin(), fields_.end(), key,
                                      [](const auto& field, std::string_view wanted) { return field.first < wanted; });
  return found == fields_.end() || found->first != key ? std::nullopt : std::optional(Place{.at = &found->second});
}

void GgufConfiguration::each(Place all, const Configuration::Visit& visit) const {
  if (!all.at)
    for (const auto& [key, value] : fields_) visit(key, Configuration(*this, {.at = &value}));
  if (is_list(all))
    for (uint64_t i = 1; i <= value_at(all)->count; ++i) visit({}, Configuration(*this, {.at = all.at, .number = i}));
}

size_t GgufConfiguration::size(Place all) const {
  if (!all.at) return fields_.size();
  return is_list(all) ? value_at(all)->count : 0;
}

std::string GgufConfiguration::shown(Place place, size_t most) const {
  if (place.at && !integer(place))
    if (const auto whole = value_at(place)->unsigned_integer()) return fmt::format("{}", *whole);
  return Source::shown(place, most);
}

}  // namespace lstar
