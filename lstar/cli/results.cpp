#include "lstar/cli/results.h"

#include <algorithm>
#include <limits>

#include <fmt/core.h>

#include "lstar/cli/arguments.h"
#include "lstar/cli/options.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/json/study_json.h"
#include "lstar/report/text/failed_prompts.h"
#include "lstar/report/text/study_text.h"
#include "lstar/report/text/text_layout.h"
#include "lstar/report/write_study.h"

namespace lstar::cli {
namespace {

std::vector<std::string> once_each(const std::vector<std::string>& names) {
  std::vector<std::string> kept;
  for (const std::string& name : names)
    if (std::find(kept.begin(), kept.end(), name) == kept.end()) kept.push_back(name);
  return kept;
}

std::string files_line(const std::string& text) {
  return wrap(one_line(text + "; everything else: --verbose"), kColumns, "Files:    ", 10);
}

}  // namespace

void AnalysisOptions::add_to(CLI::App& app) {
  add_names(app, "--estimator", estimators, estimator_names(), "Trace estimator; the first is the headline");
  app.add_option("--detector", detector, "Detector of L*")->check(one_of(detector_names()));
  app.add_option("--formula", formula, "Formula held against L*")->check(one_of(formula_names()));
  app.add_option("--seed", seed, "Seed of the permutations that ask what decides L*")
      ->check(decimal(0, std::numeric_limits<uint64_t>::max()));
}

void AnalysisOptions::put_into(Study& study) const {
  if (!estimators.empty()) study.estimators = once_each(estimators);
  if (!detector.empty()) study.detector = detector;
  if (!formula.empty()) study.formula = formula;
  if (seed) study.seed = *seed;
}

void ResultOptions::add_to(CLI::App& app) {
  app.add_option("--out", out,
                 "Folder for JSON, CSV and figures, made if it is not there; without it nothing is written");
  add_names(app, "--figures", formats, {"png", "svg", "pdf", "none"}, "Formats of the figures")->capture_default_str();
  app.add_option("--deterministic-timestamp", timestamp,
                 "Stands where the time would, so that results can be compared");
  app.add_flag("--json", json, "Print the result as JSON and nothing else");
  app.add_flag("--per-head", per_head, kPerHeadHelp);
  app.add_flag("--verbose", verbose, kVerboseHelp);
  app.add_flag("--quiet", quiet, "No tables and no progress: the verdict alone, and nothing with --out or --json");
}

Result<std::vector<FigureFormat>> figure_formats(const std::vector<std::string>& names) {
  if (names.size() > 1 && std::find(names.begin(), names.end(), "none") != names.end())
    return fail(ErrorKind::argument, "--figures: none stands alone");
  std::vector<FigureFormat> formats;
  for (const std::string& name : once_each(names))
    if (name != "none")
      formats.push_back(name == "png" ? FigureFormat::png : name == "svg" ? FigureFormat::svg : FigureFormat::pdf);
  return formats;
}

Result<void> ResultOptions::check() const {
  LSTAR_TRY(figure_formats(formats));
  if (per_head && out.empty() && !json)
    return fail(ErrorKind::argument, "--per-head goes into files and JSON: --out or --json");
  return {};
}

void print_model(const Study& study, const ModelEntry& entry, const Result<ModelResult>& result,
                 const ResultOptions& options, const std::optional<Error>& in_full) {
  const bool in_full_text = options.prints() && options.verbose;
  if (in_full_text) print(model_text(study, entry, result, stdout_takes_colour(), options.detail()));
  if (result) {
    constexpr size_t kReasons = 3;
    if (in_full_text && stdout_is_terminal()) return;
    for (const std::string& line : failed_prompts_lines(result->measurement, kReasons))
      message(fmt::format("{}: {}", entry.name, line));
    return;
  }
  const std::string shown = result.error().message(), fault = in_full ? in_full->message() : shown;
  // A report in a file has it, but nobody sees that now.
  if (in_full_text && stdout_is_terminal() && fault == shown) return;
  message(fault.starts_with(entry.name) ? fault : fmt::format("{}: {}", entry.name, fault));
}

void print_result(const StudyResult& result, const ResultOptions& options) {
  if (options.prints()) print(study_summary(result, stdout_takes_colour(), options.detail()));
  if (options.quiet && !options.json && options.out.empty()) print(verdict_line(result));
  if (options.json) print(study_json_text(result, options.per_head));
}

Result<bool> write_result(const StudyResult& result, const ResultOptions& options) {
  if (options.out.empty()) {
    if (options.prints()) print(files_line("none (--out FOLDER)"));
    return true;
  }
  LSTAR_ASSIGN(const std::vector<FigureFormat> formats, figure_formats(options.formats));
  LSTAR_ASSIGN(const StudyFiles files, write_study(result, options.out, formats, options.per_head));
  if (options.prints()) print(files_line(files_text(files.written)));
  if (!files.other_run.empty())
    message(fmt::format("{} is there already, of another run; this one is {}", files.other_run, files.written[0]));
  for (const Error& error : files.missing) message(error);
  return files.missing.empty();
}

}  // namespace lstar::cli
