#include "lstar/study/trace_files.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include <fmt/core.h>

#include "lstar/base/catch_memory.h"
#include "lstar/base/delimited.h"
#include "lstar/base/json.h"
#include "lstar/base/text.h"
#include "lstar/base/text_file.h"

namespace lstar {
namespace {

using Traces = std::vector<NamedTrace>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view kFloor = "_rounding_floor";

std::optional<double> number(Json item) { return item.is_null() ? std::optional(kNaN) : item.number(); }

// A trace is read from layer 0 on; a file that counts otherwise would be answered with another's layer.
tl::unexpected<Error> out_of_order(const std::string& source, std::string at, size_t expected, std::string found) {
  return fail({.what = "the layers of a trace are not in order",
               .file = source,
               .at = std::move(at),
               .expected = fmt::format("layer {}, counted from 0", expected),
               .found = std::move(found)});
}

class JsonTraces {
 public:
  explicit JsonTraces(const std::string& source) : source_(source) {}

  Result<Traces> read(Json root) const {
    if (root.is_array()) return list(root);
    if (!root.is_object())
      return fail(
          {.what = "no traces", .file = source_, .expected = "an array of numbers, or an object of named arrays"});
    if (root.find("prompts") && root.find("layers")) return printed_by_trace(root);
    if (root.find("traces") && root.find("by_estimator")) return printed_by_run(root);
    Traces traces;
    if (root.size() == 0) return fail({.what = "no traces", .file = source_});
    for (const auto& [key, values] : root.fields()) {
      const std::string name(key);
      if (!values.is_array()) return fail({.what = "not an array", .file = source_, .at = "key " + name});
      LSTAR_ASSIGN(std::vector<double> trace, numbers(values, name));
      traces.push_back({name, std::move(trace), {}});
    }
    return traces;
  }

 private:
  // [1, 2, 3], or one such list for each trace.
  Result<Traces> list(Json values) const {
    if (values.at(0).value_or(Json()).is_array()) {
      Traces traces;
      for (Json item : values.items()) {
        const std::string name = fmt::format("trace {}", traces.size() + 1);
        if (!item.is_array()) return fail({.what = "not an array", .file = source_, .at = name});
        LSTAR_ASSIGN(std::vector<double> trace, numbers(item, name));
        traces.push_back({name, std::move(trace), {}});
      }
      return traces;
    }
    LSTAR_ASSIGN(std::vector<double> trace, numbers(values, "trace"));
    return Traces{{"trace", std::move(trace), {}}};
  }

  Result<std::vector<double>> numbers(Json list, const std::string& name) const {
    std::vector<double> trace;
    for (Json item : list.items()) {
      const auto value = number(item);
      if (!value)
        return fail({.what = "not a number",
                     .file = source_,
                     .at = fmt::format("{}, layer {}", name, trace.size()),
                     .expected = "a number or null",
                     .found = item.shown(40)});
      trace.push_back(*value);
    }
    if (trace.empty()) return fail({.what = "empty trace", .file = source_, .at = name});
    return trace;
  }

  tl::unexpected<Error> misshapen(std::string at) const {
    return fail({.what = "not as lstar writes it", .file = source_, .at = std::move(at)});
  }

  tl::unexpected<Error> unlike_first_layer(const std::string& at, std::string_view key, std::string expected) const {
    return fail({.what = "layers with different estimators",
                 .file = source_,
                 .at = fmt::format("{}, key {}", at, key),
                 .expected = std::move(expected)});
  }

  // prompts[].layers[].trace.ESTIMATOR and .rounding_floor.ESTIMATOR
  Result<Traces> printed_by_trace(Json root) const {
    Traces traces;
    const Json prompts = root["prompts"];
    if (!prompts.is_array()) return misshapen("key prompts");
    size_t number_of = 0;
    for (Json prompt : prompts.items()) {
      const std::string name = fmt::format("prompt {}", ++number_of);
      const Json layers = prompt["layers"];
      if (!layers.is_array()) return misshapen(name);
      std::map<std::string_view, size_t> trace_of;  // by estimator: every layer has those of the first
      size_t count = 0;
      for (Json layer : layers.items()) {
        const std::string at = fmt::format("{}, layer {}", name, count++);
        const auto written = layer.integer("layer");
        if (written && *written != static_cast<int64_t>(count) - 1)
          return out_of_order(source_, name, count - 1, std::to_string(*written));
        const Json values = layer["trace"], floors = layer["rounding_floor"];
        if (!values.is_object() || !floors.is_object()) return misshapen(at);
        std::map<std::string_view, Json> floor_of;
        for (const auto& [estimator, floor] : floors.fields()) floor_of.insert_or_assign(estimator, floor);
        for (const auto& [estimator, written_value] : values.fields()) {
          if (count == 1 && trace_of.emplace(estimator, traces.size()).second)
            traces.push_back({fmt::format("{}: {}", name, estimator), {}, {}});
          const auto found = trace_of.find(estimator);
          if (found == trace_of.end()) return unlike_first_layer(at, estimator, "no such key, as in layer 0");
          const auto floor = floor_of.find(estimator);
          const auto value = number(written_value),
                     bound = floor == floor_of.end() ? std::optional(kNaN) : number(floor->second);
          if (!value || !bound) return misshapen(at);
          NamedTrace& trace = traces[found->second];
          trace.trace.resize(count);  // of a key that comes twice, the last one counts
          trace.floor.resize(count);
          trace.trace.back() = *value;
          trace.floor.back() = *bound;
        }
        for (const auto& [estimator, place] : trace_of)
          if (traces[place].trace.size() < count) return unlike_first_layer(at, estimator, "this key, as in layer 0");
      }
    }
    if (traces.empty())
      return fail({.kind = ErrorKind::unsupported, .what = "no prompt of this result was run", .file = source_});
    return traces;
  }

  // traces[].by_estimator.ESTIMATOR[].trace and .rounding_floor, a row for each prompt that ran; with many prompts
  // by_estimator is null, and traces[].mean.ESTIMATOR has the mean over them.
  Result<Traces> printed_by_run(Json root) const {
    Traces traces;
    const Json models = root["traces"];
    if (!models.is_array()) return misshapen("key traces");
    const JsonItems results = root["results"].items();  // in the order of the traces
    auto result = results.begin();
    for (Json model : models.items()) {
      const std::string name = model.string("model").value_or("model");
      std::vector<size_t> ran;
      if (result != results.end()) {
        ran = prompts_that_ran(*result);
        ++result;
      }
      const Json by_estimator = model["by_estimator"];
      if (by_estimator.is_null() && model["mean"].is_object()) {
        for (const auto& [estimator, mean] : model["mean"].fields()) {
          const auto count = mean.integer("prompts");
          LSTAR_TRY(add(fmt::format("{}: mean of {} prompts: {}", name, count.value_or(0), estimator), mean["trace"],
                        mean["rounding_floor"], traces));
        }
        continue;
      }
      if (!by_estimator.is_object()) return misshapen(name);
      for (const auto& [estimator, rows] : by_estimator.fields()) {
        if (!rows.is_array()) return misshapen(name);
        size_t row = 0;
        for (Json prompt : rows.items()) {
          const size_t shown = row < ran.size() ? ran[row] : row + 1;
          ++row;
          LSTAR_TRY(add(fmt::format("{}: prompt {}: {}", name, shown, estimator), prompt["trace"],
                        prompt["rounding_floor"], traces));
        }
      }
    }
    if (traces.empty())
      return fail({.kind = ErrorKind::unsupported, .what = "no model of this result was run", .file = source_});
    return traces;
  }

  // An estimator that was not measured has no trace.
  Result<void> add(std::string name, Json values, Json floors, Traces& traces) const {
    if (!values.is_array() || !floors.is_array()) return misshapen(std::move(name));
    if (values.size() == 0) return {};
    NamedTrace trace{.name = std::move(name), .trace = {}, .floor = {}};
    LSTAR_ASSIGN(trace.trace, numbers(values, trace.name));
    if (floors.size() > 0) {
      LSTAR_ASSIGN(trace.floor, numbers(floors, trace.name));
    }
    traces.push_back(std::move(trace));
    return {};
  }

  // The numbers, from 1, of the prompts that a model ran: a row of its traces belongs to each.
  static std::vector<size_t> prompts_that_ran(Json result) {
    std::vector<size_t> ran;
    std::set<int64_t> failed;
    for (Json prompt : result["failed_prompts"].items()) failed.insert(prompt.integer("prompt").value_or(0));
    size_t count = result["l_star_per_prompt"].size(), i = 0;
    if (const Json prompts = result["prompts"]; prompts.is_array()) {  // in older files
      count = 0;
      for (Json prompt : prompts.items())
        if (++count; prompt.find("error")) failed.insert(static_cast<int64_t>(count));
    }
    while (++i <= count)
      if (!failed.contains(static_cast<int64_t>(i))) ran.push_back(i);
    return ran;
  }

  const std::string& source_;
};

std::string_view trimmed(std::string_view cell) {
  const size_t first = cell.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view()
                                         : cell.substr(first, cell.find_last_not_of(" \t") - first + 1);
}

// A cell's number; empty cells and what programs write for "none" are NaN.
std::optional<double> number(std::string_view cell) {
  cell = trimmed(cell);
  for (std::string_view none : {"", "NaN", "nan", "NA", "N/A", "null", "None", "-nan"})
    if (cell == none) return kNaN;
  if (cell.starts_with('+')) cell.remove_prefix(1);
  for (std::string_view infinity : {"inf", "Infinity", "Inf", "INF"}) {
    if (cell == infinity) return std::numeric_limits<double>::infinity();
    if (cell.starts_with('-') && cell.substr(1) == infinity) return -std::numeric_limits<double>::infinity();
  }
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (end != cell.data() + cell.size() || error == std::errc::invalid_argument) return std::nullopt;
  if (error != std::errc{}) return std::strtod(std::string(cell).c_str(), nullptr);  // beyond a double: infinity, or 0
  return value;
}

class TableTraces {
 public:
  TableTraces(const std::string& source, std::vector<DelimitedRow> rows) : source_(source), rows_(std::move(rows)) {}

  Result<Traces> read() {
    std::vector<std::string> header;
    const auto& first = rows_[0].cells;
    const bool has_header = std::any_of(first.begin(), first.end(), [](const auto& cell) { return !number(cell); });
    if (has_header) {
      header = first;
      rows_.erase(rows_.begin());
    }
    const auto has = [&](const char* name) { return std::find(header.begin(), header.end(), name) != header.end(); };
    if (has("L_star_empirical") || (has("l_star") && has("detector")) || (has("head") && has("ov_frobenius_sq")))
      return fail({.kind = ErrorKind::unsupported,
                   .what = "a table of a study, which holds no traces; its l_star_traces CSV does",
                   .file = source_});
    if (rows_.empty()) return fail({.what = "no traces", .file = source_});
    const auto is_printed = [&](const std::string& name) { return name.ends_with(kFloor); };
    if (std::any_of(header.begin(), header.end(), is_printed)) return printed_by_trace(header);
    if (!has_header && rows_.size() == 1 && first.size() > 1) return one_row();
    const size_t columns = has_header ? header.size() : rows_[0].cells.size();
    Traces traces;
    for (size_t c = 0; c < columns; ++c) {
      std::string name = has_header     ? std::string(trimmed(header[c]))
                         : columns == 1 ? "trace"
                                        : fmt::format("column {}", c + 1);
      if (has_header && lower_ascii(name) == "layer") {
        for (size_t r = 0; r < rows_.size(); ++r) LSTAR_TRY(is_layer(rows_[r], c, columns, r));
        continue;
      }
      if (has_header && name.empty() && c == 0) {
        LSTAR_TRY(index_grows());
        continue;
      }
      NamedTrace trace{.name = std::move(name), .trace = {}, .floor = {}};
      for (const DelimitedRow& row : rows_) {
        LSTAR_ASSIGN(const double value, cell(row, c, columns, trace.name));
        trace.trace.push_back(value);
      }
      traces.push_back(std::move(trace));
    }
    if (traces.empty()) return fail({.what = "no traces", .file = source_});
    return traces;
  }

 private:
  Result<double> cell(const DelimitedRow& row, size_t column, size_t columns, const std::string& name) const {
    const std::string at = fmt::format("line {}", row.line);
    if (row.cells.size() != columns)
      return fail({.what = "cells",
                   .file = source_,
                   .at = at,
                   .expected = std::to_string(columns),
                   .found = std::to_string(row.cells.size())});
    const auto value = number(row.cells[column]);
    if (!value)
      return fail({.what = fmt::format("not a number in {}", name),
                   .file = source_,
                   .at = at,
                   .expected = "a column of numbers for each trace",
                   .found = row.cells[column].substr(0, 40)});
    return *value;
  }

  Result<void> is_layer(const DelimitedRow& row, size_t column, size_t columns, size_t expected) const {
    LSTAR_ASSIGN(const double value, cell(row, column, columns, "layer"));
    if (value == static_cast<double>(expected)) return {};
    return out_of_order(source_, fmt::format("line {}", row.line), expected, row.cells[column].substr(0, 40));
  }

  // pandas' own numbers of rows: those of a table that was sorted by something else go back. Any other label is none.
  Result<void> index_grows() const {
    std::optional<double> last;
    for (const DelimitedRow& row : rows_) {
      const auto now = row.cells.empty() ? std::nullopt : number(row.cells[0]);
      if (now && last && *now <= *last)
        return fail({.what = "the rows were sorted anew, and a trace is its layers in order",
                     .file = source_,
                     .at = fmt::format("line {}", row.line),
                     .expected = fmt::format("an index above {}", *last),
                     .found = row.cells[0].substr(0, 40)});
      last = now;
    }
    return {};
  }

  Result<Traces> one_row() const {
    NamedTrace trace{.name = "trace", .trace = {}, .floor = {}};
    const size_t columns = rows_[0].cells.size();
    for (size_t c = 0; c < columns; ++c) {
      LSTAR_ASSIGN(const double value, cell(rows_[0], c, columns, trace.name));
      trace.trace.push_back(value);
    }
    return Traces{std::move(trace)};
  }

  // Rows of prompts and layers; each estimator has a column and one for its floor.
  Result<Traces> printed_by_trace(const std::vector<std::string>& header) const {
    std::map<std::string_view, size_t> columns;  // the first of each name
    for (size_t c = 0; c < header.size(); ++c) columns.emplace(header[c], c);
    const auto column = [&](std::string_view name) {
      const auto found = columns.find(name);
      return found == columns.end() ? header.size() : found->second;
    };
    const size_t model = column("model"), prompt = column("prompt"), layer = column("layer");
    std::vector<std::pair<size_t, size_t>> estimators;
    for (size_t c = 0; c < header.size(); ++c)
      if (const size_t floor = column(header[c] + std::string(kFloor)); floor < header.size())
        estimators.emplace_back(c, floor);
    if (prompt == header.size()) return fail({.what = "no column prompt", .file = source_});
    Traces traces;
    const bool has_models = model < header.size();
    const bool has_several = has_models && std::any_of(rows_.begin(), rows_.end(), [&](const DelimitedRow& row) {
                               return row.cells.size() == header.size() && row.cells[model] != rows_[0].cells[model];
                             });
    std::map<std::pair<std::string, std::string>, size_t> first_of;  // the first trace of a model and prompt
    for (const DelimitedRow& row : rows_) {
      if (row.cells.size() != header.size())
        return cell(row, 0, header.size(), "").map([](double) { return Traces(); });
      const std::string of_model = has_models ? row.cells[model] : "";
      const std::string prefix = has_several ? of_model + ": " : "";
      const auto [found, is_new] = first_of.emplace(std::pair(of_model, row.cells[prompt]), traces.size());
      if (layer < header.size() && !estimators.empty())
        LSTAR_TRY(is_layer(row, layer, header.size(), is_new ? 0 : traces[found->second].trace.size()));
      for (size_t e = 0; e < estimators.size(); ++e) {
        const auto [value_at, floor_at] = estimators[e];
        if (is_new)
          traces.push_back({fmt::format("{}prompt {}: {}", prefix, row.cells[prompt], header[value_at]), {}, {}});
        NamedTrace& trace = traces[found->second + e];
        LSTAR_ASSIGN(const double value, cell(row, value_at, header.size(), trace.name));
        LSTAR_ASSIGN(const double floor, cell(row, floor_at, header.size(), trace.name));
        trace.trace.push_back(value);
        trace.floor.push_back(floor);
      }
    }
    return traces;
  }

  const std::string& source_;
  std::vector<DelimitedRow> rows_;
};

// Names that occur again get a number that no other name has, so that an object of them holds all. They are made valid
// first: what is malformed may differ and be printed alike.
void make_unique(Traces& traces) {
  std::set<std::string> taken;
  for (NamedTrace& trace : traces) taken.insert(trace.name = valid_utf8(trace.name));
  std::map<std::string, int> times;  // each count only grows, so that no taken name is met twice
  for (NamedTrace& trace : traces) {
    int& last = times[trace.name];
    if (++last == 1) continue;
    std::string name = fmt::format("{} ({})", trace.name, last);
    while (!taken.insert(name).second) name = fmt::format("{} ({})", trace.name, ++last);
    trace.name = std::move(name);
  }
}

// What separates the numbers: a tab, a comma, a semicolon, or nothing but blanks.
char delimiter_of(std::string_view content) {
  std::string_view line;
  while (is_blank(line) && !content.empty()) line = next_line(content);
  for (const char delimiter : {'\t', ',', ';'})
    if (line.find(delimiter) != std::string_view::npos) return delimiter;
  return ' ';
}

Result<Traces> parse(std::string_view content, const std::string& source) {
  LSTAR_TRY(check_text(content, source));
  content = without_mark(content);
  if (is_blank(content)) return fail({.what = "no traces", .file = source});
  const size_t first = content.find_first_not_of(" \t\r\n");
  Traces traces;
  if (content[first] == '[' || content[first] == '{') {
    LSTAR_ASSIGN(const JsonDocument document, JsonDocument::parse(content, source));
    LSTAR_ASSIGN(traces, JsonTraces(source).read(document.root()));
  } else {
    const char delimiter = delimiter_of(content);
    std::string packed;  // blanks between numbers are one delimiter, however many
    if (delimiter == ' ') {
      std::string_view rest = content;
      while (!rest.empty()) {
        std::string_view line = trimmed(next_line(rest));
        for (size_t i = 0; i < line.size(); ++i)
          if (line[i] != ' ' || line[i - 1] != ' ') packed += line[i];
        packed += '\n';
      }
    }
    LSTAR_ASSIGN(std::vector<DelimitedRow> rows,
                 read_delimited(delimiter == ' ' ? packed : content, delimiter, source));
    std::erase_if(rows, [](const DelimitedRow& row) { return row.cells.size() == 1 && is_blank(row.cells[0]); });
    if (rows.empty()) return fail({.what = "no traces", .file = source});
    LSTAR_ASSIGN(traces, TableTraces(source, std::move(rows)).read());
  }
  make_unique(traces);
  return traces;
}

}  // namespace

Result<std::vector<NamedTrace>> parse_traces(std::string_view content, const std::string& source) {
  return catch_memory("reading the traces", source, [&] { return parse(content, source); });
}

}  // namespace lstar
