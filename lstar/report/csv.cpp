#include "lstar/report/csv.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "lstar/report/json/json_writer.h"
#include "lstar/report/text/notes.h"
#include "lstar/report/text/prompts_line.h"
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

// A JSON list, in the order of l_star_per_prompt; empty where no prompt has an id.
std::string prompt_ids(const Measurement& m) {
  const auto has_id = [](const MeasuredPrompt& prompt) { return prompt.id.has_value(); };
  if (std::none_of(m.prompts.begin(), m.prompts.end(), has_id)) return {};
  std::string list;
  for (const MeasuredPrompt& prompt : m.prompts) {
    std::string id = write_json(json_value(prompt.id));
    id.pop_back();  // its line break
    list += (list.empty() ? "" : ", ") + id;
  }
  return "[" + list + "]";
}

}  // namespace

std::string study_csv(const StudyResult& result) {
  constexpr size_t kColumns = 28;
  std::string out =
      "model,lab,L,H,arch,family,estimator,detector,dtype,formula,L_star_predicted,L_star_empirical,L_star_std,"
      "error_pct,error_of_actual_pct,resolved,prediction_in_range,l_star_per_prompt,decided_by,weights_only,"
      "attention_only,permutation_share,gain,error,prompt_ids,warnings,attention_only_std,note\n";
  const auto over = [](const std::optional<OverPrompts>& value, double OverPrompts::*number) {
    return csv_number(value ? std::optional((*value).*number) : std::nullopt);
  };
  const auto yes = [](bool value) { return std::string(value ? "true" : "false"); };
  for (const ModelResult& model : result.models)
    for (const ModelScore& s : model.scores) {
      const Measurement& m = model.measurement;
      std::string per_prompt;  // separated by spaces, "-" for none, "?" behind what is not resolved
      for (size_t i = 0; i < s.l_star_per_prompt.size(); ++i) {
        const std::optional<int>& value = s.l_star_per_prompt[i];
        const bool doubtful = value && !(i < s.resolved_per_prompt.size() && s.resolved_per_prompt[i]);
        per_prompt.append(i ? " " : "").append(value ? std::to_string(*value) : "-").append(doubtful ? "?" : "");
      }
      const std::string ids = prompt_ids(m);
      const StudyDecides d = s.decides.value_or(StudyDecides{});
      out += csv_row({model.entry.name,
                      model.entry.lab,
                      std::to_string(m.shape.layers),
                      std::to_string(m.shape.heads),
                      m.shape.notebook_name,
                      m.shape.family,
                      s.estimator,
                      result.study.detector,
                      std::string(name(m.numerics.dtype)),
                      result.study.formula,
                      csv_number(model.predicted),
                      csv_number(s.l_star),
                      csv_number(s.l_star_std),
                      csv_number(s.error_pct),
                      csv_number(s.error_of_actual_pct),
                      yes(s.resolved),
                      yes(model.prediction_in_range),
                      per_prompt,
                      d.verdict,
                      over(d.weights_only, &OverPrompts::mean),
                      over(d.attention_only, &OverPrompts::mean),
                      csv_number(d.permutation_share),
                      csv_number(model.gain),
                      s.reason,
                      ids,
                      fmt::format("{}", fmt::join(m.warnings, "; ")),
                      over(d.attention_only, &OverPrompts::deviation),
                      model.entry.note});
    }
  for (const FailedModel& failed : result.failed) {
    std::vector<std::string> cells(kColumns);
    cells[0] = failed.entry.name;
    cells[1] = failed.entry.lab;
    cells[23] = failed.error.message();
    out += csv_row(cells);
  }
  for (const DuplicateModel& duplicate : result.duplicates) {
    std::vector<std::string> cells(kColumns);
    cells[0] = duplicate.entry.name;
    cells[1] = duplicate.entry.lab;
    cells[23] = duplicate_note(duplicate.entry, duplicate.same_as);
    out += csv_row(cells);
  }
  return out;
}

}  // namespace lstar
