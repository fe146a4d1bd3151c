#include "lstar/report/csv.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "lstar/report/prompt_results.h"
#include "lstar/report/text/text_layout.h"

namespace lstar {

std::string csv_number(std::optional<double> value) {
  return value && std::isfinite(*value) ? fmt::format("{}", *value) : std::string();
}

namespace {

// A cell that a spreadsheet would take for a formula, marked as text the way spreadsheets do it.
std::string as_text(std::string cell) {
  if (cell.empty() || std::string_view("=+-@").find(cell[0]) == std::string_view::npos) return cell;
  char* end = nullptr;
  std::strtod(cell.c_str(), &end);
  return *end == '\0' && end != cell.c_str() ? cell : "'" + cell;
}

}  // namespace

std::string csv_row(const std::vector<std::string>& cells) {
  std::string out;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i) out += ',';
    const std::string cell = as_text(one_line(cells[i]));
    if (cell.find_first_of(",\"") == std::string::npos) {
      out += cell;
      continue;
    }
    out += '"';
    for (const char c : cell) out.append(c == '"' ? 2 : 1, c);
    out += '"';
  }
  return out + "\n";
}

namespace {

std::string yes(bool value) { return value ? "true" : "false"; }
std::string layer(const std::optional<int>& value) { return value ? std::to_string(*value) : std::string(); }
std::string mean(const std::optional<OverPrompts>& value) {
  return csv_number(value ? std::optional(value->mean) : std::nullopt);
}

// A row of a table: what its columns read.
struct ModelRow {
  const Study& study;
  const ModelResult& model;
  const ModelScore& score;
  StudyDecides decides;
};

struct PromptRow {
  const Study& study;
  const ModelResult& model;
  const ModelScore& score;
  const MeasuredPrompt& prompt;
  size_t number;  // from 1
  const PromptResult& result;
  const Detector& detector;
  const Detection* found;  // none where the prompt could not be run
  // What was asked of the study's detector alone.
  const Decides* decides() const { return detector.name == study.detector ? result.decides : nullptr; }
};

template <class Row>
struct Column {
  const char* name;
  std::string (*cell)(const Row&);
};

const Column<ModelRow> kModelColumns[] = {
    {"model", [](const ModelRow& r) { return r.model.entry.name; }},
    {"lab", [](const ModelRow& r) { return r.model.entry.lab; }},
    {"L", [](const ModelRow& r) { return std::to_string(r.model.measurement.shape.layers); }},
    {"H", [](const ModelRow& r) { return std::to_string(r.model.measurement.shape.heads); }},
    {"arch", [](const ModelRow& r) { return r.model.measurement.shape.notebook_name; }},
    {"family", [](const ModelRow& r) { return r.model.measurement.shape.family; }},
    {"estimator", [](const ModelRow& r) { return r.score.estimator; }},
    {"detector", [](const ModelRow& r) { return r.study.detector; }},
    {"dtype", [](const ModelRow& r) { return std::string(name(r.model.measurement.numerics.dtype)); }},
    {"formula", [](const ModelRow& r) { return r.study.formula; }},
    {"L_star_predicted", [](const ModelRow& r) { return csv_number(r.model.predicted); }},
    {"L_star_empirical", [](const ModelRow& r) { return csv_number(r.score.l_star); }},
    {"L_star_std", [](const ModelRow& r) { return csv_number(r.score.l_star_std); }},
    {"error_pct", [](const ModelRow& r) { return csv_number(r.score.error_pct); }},
    {"error_of_actual_pct", [](const ModelRow& r) { return csv_number(r.score.error_of_actual_pct); }},
    {"resolved", [](const ModelRow& r) { return r.score.l_star ? yes(r.score.resolved) : std::string(); }},
    {"reason", [](const ModelRow& r) { return r.score.reason; }},
    {"prediction_in_range",
     [](const ModelRow& r) { return r.model.predicted ? yes(r.model.prediction_in_range) : std::string(); }},
    {"prompts", [](const ModelRow& r) { return std::to_string(r.score.l_star_per_prompt.size()); }},
    {"prompts_with_l_star",
     [](const ModelRow& r) {
       const auto& all = r.score.l_star_per_prompt;
       return std::to_string(all.size() - static_cast<size_t>(std::count(all.begin(), all.end(), std::nullopt)));
     }},
    {"prompts_resolved",
     [](const ModelRow& r) {
       return std::to_string(std::count(r.score.resolved_per_prompt.begin(), r.score.resolved_per_prompt.end(), true));
     }},
    {"decided_by", [](const ModelRow& r) { return r.decides.verdict; }},
    {"weights_only", [](const ModelRow& r) { return mean(r.decides.weights_only); }},
    {"attention_only", [](const ModelRow& r) { return mean(r.decides.attention_only); }},
    {"attention_only_std",
     [](const ModelRow& r) {
       const auto& value = r.decides.attention_only;
       return csv_number(value ? std::optional(value->deviation) : std::nullopt);
     }},
    {"permutation_share", [](const ModelRow& r) { return csv_number(r.decides.permutation_share); }},
    {"gain", [](const ModelRow& r) { return csv_number(r.model.gain); }},
    {"warnings", [](const ModelRow& r) { return fmt::format("{}", fmt::join(r.model.measurement.warnings, "; ")); }},
    {"note", [](const ModelRow& r) { return r.model.entry.note; }},
    {"same_as", [](const ModelRow&) { return std::string(); }},  // of duplicates
    {"error", [](const ModelRow&) { return std::string(); }},    // of models that failed
};

const Column<PromptRow> kPromptColumns[] = {
    {"model", [](const PromptRow& r) { return r.model.entry.name; }},
    {"lab", [](const PromptRow& r) { return r.model.entry.lab; }},
    {"L", [](const PromptRow& r) { return std::to_string(r.model.measurement.shape.layers); }},
    {"H", [](const PromptRow& r) { return std::to_string(r.model.measurement.shape.heads); }},
    {"prompt", [](const PromptRow& r) { return std::to_string(r.number); }},
    {"id", [](const PromptRow& r) { return r.prompt.id ? r.prompt.id->text : std::string(); }},
    {"tokens", [](const PromptRow& r) { return std::to_string(r.prompt.ids.size()); }},
    {"estimator", [](const PromptRow& r) { return r.score.estimator; }},
    {"detector", [](const PromptRow& r) { return std::string(r.detector.name); }},
    {"l_star", [](const PromptRow& r) { return r.found ? layer(r.found->layer) : std::string(); }},
    {"resolved", [](const PromptRow& r) { return r.found && r.found->layer ? yes(r.found->resolved) : std::string(); }},
    {"margin", [](const PromptRow& r) { return r.found ? csv_number(r.found->margin) : std::string(); }},
    {"rule", [](const PromptRow& r) { return r.found ? r.found->rule : std::string(); }},
    {"reason", [](const PromptRow& r) { return r.found ? r.found->reason : std::string(); }},
    {"attention_only",
     [](const PromptRow& r) { return r.decides() ? layer(r.decides()->attention_only) : std::string(); }},
    {"permutation_share",
     [](const PromptRow& r) { return r.decides() ? csv_number(r.decides()->permutation_share) : std::string(); }},
    {"decided_by", [](const PromptRow& r) { return r.decides() ? r.decides()->verdict : std::string(); }},
    {"error", [](const PromptRow& r) { return r.prompt.error ? r.prompt.error->message() : std::string(); }},
};

template <class Columns>
std::string header(const Columns& columns) {
  std::vector<std::string> names;
  for (const auto& column : columns) names.emplace_back(column.name);
  return csv_row(names);
}

template <class Columns, class Row>
std::string row_of(const Columns& columns, const Row& row) {
  std::vector<std::string> cells;
  for (const auto& column : columns) cells.push_back(column.cell(row));
  return csv_row(cells);
}

// A model that has no numbers: its name, its lab and why.
std::string row_without_numbers(const ModelEntry& entry, std::string_view column, const std::string& text) {
  std::vector<std::string> cells;
  for (const auto& c : kModelColumns)
    cells.push_back(c.name == std::string_view("model") ? entry.name
                    : c.name == std::string_view("lab") ? entry.lab
                    : c.name == column                  ? text
                                                        : std::string());
  return csv_row(cells);
}

}  // namespace

std::string study_csv(const StudyResult& result) {
  std::string out = header(kModelColumns);
  for (const ModelResult& model : result.models)
    for (const ModelScore& score : model.scores)
      out += row_of(kModelColumns, ModelRow{result.study, model, score, score.decides.value_or(StudyDecides{})});
  for (const FailedModel& failed : result.failed)
    out += row_without_numbers(failed.entry, "error", failed.error.message());
  for (const DuplicateModel& duplicate : result.duplicates)
    out += row_without_numbers(duplicate.entry, "same_as", duplicate.same_as);
  return out;
}

std::string prompts_csv(const StudyResult& result) {
  std::string out = header(kPromptColumns);
  const auto all = detectors();
  for (const ModelResult& model : result.models) {
    std::vector<std::vector<PromptResult>> found;  // by estimator
    for (const ModelScore& score : model.scores) found.push_back(prompt_results(result.study, model, score));
    for (size_t i = 0; i < model.measurement.prompts.size(); ++i)
      for (size_t e = 0; e < model.scores.size(); ++e)
        for (size_t k = 0; k < all.size(); ++k) {
          const PromptTrace* trace = found[e][i].trace;
          out +=
              row_of(kPromptColumns,
                     PromptRow{result.study, model, model.scores[e], model.measurement.prompts[i], i + 1, found[e][i],
                               all[k], trace && k < trace->detections.size() ? &trace->detections[k] : nullptr});
        }
  }
  return out;
}

}  // namespace lstar
