#include "lstar/report/detections.h"

#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lstar/base/json.h"
#include "lstar/report/text_layout.h"

namespace lstar {
namespace {

Result<std::vector<double>> numbers(simdjson::dom::array items, const std::string& file, const std::string& name) {
  std::vector<double> trace;
  for (Json item : items) {
    const std::optional<double> value = item.is_null() ? std::numeric_limits<double>::quiet_NaN() : json_real(item);
    if (!value)
      return fail({.what = "not a number",
                   .file = file,
                   .at = fmt::format("{}, layer {}", name, trace.size()),
                   .expected = "a number or null",
                   .found = json_shown(item, 40)});
    trace.push_back(*value);
  }
  if (trace.empty()) return fail({.what = "empty trace", .file = file, .at = name});
  return trace;
}

}  // namespace

Result<std::vector<NamedTrace>> read_traces(const std::string& path) {
  LSTAR_ASSIGN(const JsonDocument document, JsonDocument::read(path));
  std::vector<NamedTrace> traces;
  simdjson::dom::array items;
  if (!document.root().get_array().get(items)) {
    LSTAR_ASSIGN(std::vector<double> trace, numbers(items, path, "trace"));
    traces.emplace_back("trace", std::move(trace));
    return traces;
  }
  simdjson::dom::object fields;
  if (document.root().get_object().get(fields))
    return fail({.what = "no traces", .file = path, .expected = "an array of numbers, or an object of named arrays"});
  for (simdjson::dom::key_value_pair field : fields) {
    const std::string name(field.key);
    if (field.value.get_array().get(items)) return fail({.what = "not an array", .file = path, .at = "key " + name});
    LSTAR_ASSIGN(std::vector<double> trace, numbers(items, path, name));
    traces.emplace_back(name, std::move(trace));
  }
  return traces;
}

std::string detections_text(const std::vector<NamedTrace>& traces, NanPolicy policy, bool colour) {
  TextTable table;
  table.column("trace", TextTable::Align::left);
  table.column("layers");
  for (const Detector& detector : detectors()) table.column(std::string(detector.name));
  table.column("", TextTable::Align::left);
  for (const auto& [name, trace] : traces) {
    std::vector<std::string> row{one_line(name), fmt::format("{}", trace.size())};
    std::string remark;
    for (const Detection& found : detect_all(trace, {}, policy)) {
      row.push_back(!found.layer ? "-" : fmt::format("{}{}", *found.layer, found.resolved ? "" : "?"));
      if (!found.resolved && remark.empty()) remark = found.reason;
    }
    row.push_back(remark);
    table.row(std::move(row));
  }
  return table.str(120, "", Paint{colour});
}

std::string detections_json(const std::vector<NamedTrace>& traces, NanPolicy policy) {
  using nlohmann::ordered_json;
  ordered_json json = ordered_json::object();
  for (const auto& [name, trace] : traces) {
    ordered_json entry = ordered_json::object();
    std::string reason;
    const std::vector<Detection> found = detect_all(trace, {}, policy);
    for (size_t i = 0; i < found.size(); ++i) {
      entry[std::string(detectors()[i].name)] = found[i].layer ? ordered_json(*found[i].layer) : ordered_json(nullptr);
      if (!found[i].resolved && reason.empty()) reason = found[i].reason;
    }
    if (!reason.empty()) entry["reason"] = reason;
    json[valid_utf8(name)] = std::move(entry);
  }
  return json.dump(2) + "\n";
}

}  // namespace lstar
