#include "lstar/tokenizer/files/json_component.h"

#include <algorithm>

#include <fmt/core.h>

#include "lstar/base/limits.h"

namespace lstar {

std::string json_component_type(Json component) { return component.string("type").value_or("no type"); }

bool json_flag(Json object, std::string_view key, bool otherwise) { return object.boolean(key).value_or(otherwise); }

tl::unexpected<Error> unsupported_component(std::string_view component, std::string_view known, std::string found) {
  return fail({.kind = ErrorKind::unsupported,
               .what = "not supported",
               .at = std::string(component),
               .expected = std::string(known),
               .found = std::move(found)});
}

Result<Json> json_members(Json component, std::string_view name, std::string_view key) {
  const auto list = component.find(key);
  if (!list || !list->is_array())
    return fail(Error{.what = "missing list", .at = fmt::format("{}, key {}", name, key)});
  return *list;
}

Result<std::vector<Json>> json_steps(Json component, std::string_view name, std::string_view key) {
  const auto too_many = [&] {
    return fail({.kind = ErrorKind::unsupported,
                 .what = "too many steps",
                 .at = std::string(name),
                 .expected = fmt::format("at most {}, the Sequences around them included", limits::kSteps)});
  };
  std::vector<Json> waiting{component}, steps;  // the next one last
  for (int seen = 0; !waiting.empty(); ++seen) {
    if (seen == limits::kSteps) return too_many();
    const Json step = waiting.back();
    waiting.pop_back();
    if (json_component_type(step) != "Sequence") {
      steps.push_back(step);
      continue;
    }
    LSTAR_ASSIGN(const Json parts, json_members(step, name, key));
    if (parts.size() > limits::kSteps) return too_many();
    waiting.insert(waiting.end(), parts.items().begin(), parts.items().end());
    std::reverse(waiting.end() - static_cast<ptrdiff_t>(parts.size()), waiting.end());
  }
  return steps;
}

Result<Pattern> read_json_pattern(Json component, std::string_view name) {
  const auto pattern = component.find("pattern");
  const auto regex = pattern ? pattern->string("Regex") : std::nullopt;
  if (const auto text = pattern ? pattern->string("String") : std::nullopt) return *text;
  if (!regex) return fail({.what = "missing pattern", .at = std::string(name), .expected = "Regex or String"});
  auto compiled = Regex::compile(*regex);
  if (compiled) return *std::move(compiled);
  Error error = std::move(compiled).error();
  error.at = name;
  return fail(std::move(error));
}

}  // namespace lstar
