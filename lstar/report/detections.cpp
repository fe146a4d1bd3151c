#include "lstar/report/detections.h"

#include <fmt/core.h>

#include "lstar/base/text.h"
#include "lstar/report/json/json_writer.h"
#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

// Of a study's model, "/a/long/path: prompt 1: off_diagonal", the last part of the path: the rest is what differs.
std::string shown(const std::string& name) {
  const size_t model = name.find(": prompt ");
  const size_t slash = model == std::string::npos ? std::string::npos : name.rfind('/', model);
  return one_line(slash == std::string::npos ? name : name.substr(slash + 1));
}

}  // namespace

std::string detections_text(const std::vector<NamedTrace>& traces, NanPolicy policy, bool colour) {
  TextTable table;
  table.column("trace", TextTable::Align::left);
  table.column("layers");
  for (const Detector& detector : detectors()) table.column(std::string(detector.name));
  table.column("", TextTable::Align::left);
  for (const auto& [name, trace, floor] : traces) {
    std::vector<std::string> row{shown(name), fmt::format("{}", trace.size())};
    std::string remark;
    for (const Detection& found : detect_all(trace, floor, policy)) {
      row.push_back(!found.layer ? "-" : fmt::format("{}{}", *found.layer, found.resolved ? "" : "?"));
      if (!found.resolved && remark.empty()) remark = found.reason;
    }
    row.push_back(remark);
    table.row(std::move(row));
  }
  return table.str(160, "", Paint{colour});  // a name tells its trace from the others
}

std::string detections_json(const std::vector<NamedTrace>& traces, NanPolicy policy) {
  JsonValue json = JsonValue::object();
  auto& members = json.get_ref<JsonValue::object_t&>();  // names are unique: appended, as [] would search them all
  for (const auto& [name, trace, floor] : traces)
    members.emplace_back(valid_utf8(name), json_detections(detect_all(trace, floor, policy)));
  return write_json(json);
}

}  // namespace lstar
