#include <algorithm>
#include <ctime>
#include <limits>
#include <memory>

#include <fmt/core.h>

#include "lstar/analysis/forms.h"
#include "lstar/base/atomic_file.h"
#include "lstar/base/catch_memory.h"
#include "lstar/cli/arguments.h"
#include "lstar/cli/asked_run.h"
#include "lstar/cli/command.h"
#include "lstar/cli/options.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/json/fit_json.h"
#include "lstar/report/text/fit_text.h"
#include "lstar/report/text/text_layout.h"
#include "lstar/report/write_fit.h"
#include "lstar/study/fit_study.h"

namespace lstar::cli {
namespace {

struct FitOptions {
  std::vector<std::string> places, forms, formats{"png", "svg"};
  std::string estimator, detector, out, timestamp;
  uint64_t seed = 0;
  bool json = false, verbose = false;
};

std::vector<std::string> form_names() {
  std::vector<std::string> names;
  for (const Form& form : forms()) names.emplace_back(form.name);
  return names;
}

Result<FitStudy> fitted(const FitOptions& options) {
  return catch_memory("fitting", [&]() -> Result<FitStudy> {
    LSTAR_ASSIGN(const std::vector<ResultFile> results,
                 read_results(options.places, options.estimator, options.detector));
    LSTAR_ASSIGN(MeasuredPoints measured, measured_points(results, options.estimator));
    return fit_study(std::move(measured), options.forms, options.seed);
  });
}

// Whether everything that was asked for was written.
Result<bool> write(const FitStudy& study, const FitOptions& options) {
  if (options.out.empty()) return true;
  LSTAR_ASSIGN(const std::vector<FigureFormat> formats, figure_formats(options.formats));
  const std::string time = options.timestamp.empty() ? timestamp_of(std::time(nullptr)) : options.timestamp;
  LSTAR_ASSIGN(const StudyFiles files, write_fit(study, options.out, time, formats));
  if (!options.json) print(wrap(one_line(files_text(files.written)), kColumns, "Saved in ", 2));
  if (!files.other_run.empty())
    message(fmt::format("{} is there already, of another run; this one is {}", files.other_run, files.written[0]));
  for (const Error& error : files.missing) message(error);
  return files.missing.empty();
}

int fit(const FitOptions& options) {
  const auto failed = [](const Error& error) {
    message(error);
    return error.kind == ErrorKind::argument ? kUsage : kNoneRun;
  };
  if (const auto formats = figure_formats(options.formats); !formats) return failed(formats.error());
  if (!options.out.empty()) {
    if (const auto made = make_writable_folder(options.out); !made) return message(made.error()), kUsage;
    write_on_without_reader();
  }
  const auto study = fitted(options);
  if (!study) return failed(study.error());
  print(options.json ? write_json(fit_json(*study)) : fit_text(*study, options.verbose, stdout_takes_colour()));
  const auto written = write(*study, options);
  if (!written) message(written.error());
  return written && *written ? kDone : kSomeFailed;
}

}  // namespace

void add_fit(CLI::App& app, int& status) {
  const auto options = std::make_shared<FitOptions>();
  CLI::App* command = app.add_subcommand(
      "fit", "Forms of a formula fitted to measured L*: intervals, leverage, errors on what was left out");
  command->add_option("RESULT", options->places, std::string(kGivenHelp) + ". Several are one study")->required();
  add_names(*command, "--form", options->forms, form_names(),
            "Form to fit, as it is and bounded to (0, L); all of them");
  command->add_option("--estimator", options->estimator, "Whose L*; the RESULT's headline")
      ->check(one_of(estimator_names()));
  command->add_option("--detector", options->detector, "Detector of L*; the RESULT's own")
      ->check(one_of(detector_names()));
  command->add_option("--seed", options->seed, "Seed of the fits to noise")
      ->check(decimal(0, std::numeric_limits<uint64_t>::max()));
  command->add_option("--out", options->out,
                      "Folder for JSON and a figure of the residuals; without it nothing is written");
  add_names(*command, "--figures", options->formats, {"png", "svg", "pdf", "none"}, "Formats of the figure")
      ->capture_default_str();
  command->add_option("--deterministic-timestamp", options->timestamp, "Stands where the time would in files' names");
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--verbose", options->verbose, "Also the models' leverage and each fit that left something out");
  command->callback([options, &status] { status = fit(*options); });
}

}  // namespace lstar::cli
