#include <algorithm>
#include <ctime>
#include <limits>
#include <memory>

#include <fmt/chrono.h>

#include "lstar/base/atomic_file.h"
#include "lstar/cli/arguments.h"
#include "lstar/cli/command.h"
#include "lstar/cli/cross_heritage.h"
#include "lstar/cli/locate.h"
#include "lstar/cli/models.h"
#include "lstar/cli/options.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/json/study_json.h"
#include "lstar/report/text/study_text.h"
#include "lstar/report/write_study.h"

namespace lstar::cli {
namespace {

struct Options {
  std::vector<std::string> models, labs, estimators, formats{"png", "svg"};
  std::string manifest, detector, formula, out, timestamp;
  std::optional<uint64_t> seed;
  PromptOptions prompts;
  ComputeOptions compute;
  bool json = false, quiet = false, yes = false, strict = false;

  bool is_built_in_study() const { return models.empty() && manifest.empty(); }
};

// The notebook's five, for models named without a manifest or prompts.
const char* const kNotebookPrompts[] = {
    "The capital of France is Paris, which is known for the Eiffel Tower.",
    "In mathematics, the derivative of x squared equals two times x.",
    "Climate change affects global temperatures and weather patterns significantly.",
    "The quick brown fox jumps over the lazy dog near the riverbank.",
    "Once upon a time in a land far away, there lived a wise old king.",
};

std::vector<std::string> once_each(const std::vector<std::string>& names) {
  std::vector<std::string> kept;
  for (const std::string& name : names)
    if (std::find(kept.begin(), kept.end(), name) == kept.end()) kept.push_back(name);
  return kept;
}

// The manifest's study with the command line's words over it.
Result<Study> asked_for(const Options& options) {
  Study study;
  if (!options.manifest.empty()) {
    LSTAR_ASSIGN(study, read_manifest(options.manifest));
  } else if (options.is_built_in_study()) {
    LSTAR_ASSIGN(study, cross_heritage_study());
  }
  LSTAR_ASSIGN(const std::vector<ModelEntry> models, model_entries(options.models, options.labs));
  study.models.insert(study.models.end(), models.begin(), models.end());
  LSTAR_ASSIGN(AskedPrompts asked, options.prompts.read());
  if (!asked.prompts.empty()) {
    study.prompts = std::move(asked.prompts);
    study.prompts_read = std::move(asked.read);
  }
  if (study.prompts.empty()) {
    for (const char* text : kNotebookPrompts) study.prompts.push_back({.text = text, .ids = {}});
    study.prompts_read = {.file = "", .format = "", .count = study.prompts.size()};
  }
  if (!options.estimators.empty()) study.estimators = once_each(options.estimators);
  if (!options.detector.empty()) study.detector = options.detector;
  if (!options.formula.empty()) study.formula = options.formula;
  if (options.seed) study.seed = *options.seed;
  study.dtype = options.compute.chosen_dtype().value_or(study.dtype);
  study.head_layout = options.compute.chosen_layout().value_or(study.head_layout);
  LSTAR_TRY(check(study));
  return study;
}

std::string now() {
  const std::time_t time = std::time(nullptr);
  return fmt::format("{:%Y%m%d_%H%M%S}", fmt::localtime(time));
}

// Whether everything that was asked for is there.
Result<bool> write_files(const StudyResult& result, const Options& options) {
  if (options.out.empty()) return true;
  std::vector<FigureFormat> formats;
  for (const std::string& format : once_each(options.formats))
    if (format != "none")
      formats.push_back(format == "png" ? FigureFormat::png : format == "svg" ? FigureFormat::svg : FigureFormat::pdf);
  LSTAR_ASSIGN(const StudyFiles files, write_study(result, options.out, formats));
  if (!options.quiet && !options.json)
    for (const std::string& path : files.written) print(fmt::format("Saved: {}\n", path));
  if (!files.other_run.empty())
    message(fmt::format("{} is there already, of another run; this one is {}", files.other_run, files.written[0]));
  for (const Error& error : files.missing) message(error);
  return files.missing.empty();
}

int run(const Options& options) {
  if (options.formats.size() > 1 &&
      std::find(options.formats.begin(), options.formats.end(), "none") != options.formats.end()) {
    message("--figures: none stands alone");
    return kUsage;
  }
  const auto study = asked_for(options);
  if (!study) {
    message(study.error());
    return kUsage;
  }
  if (!options.out.empty()) {
    if (const auto made = make_writable_folder(options.out); !made) {
      message(made.error());
      return kUsage;
    }
    write_on_without_reader();
  }
  if (options.is_built_in_study() && !may_download(*study, options.yes, options.quiet)) return kUsage;
  const bool prints = !options.quiet && !options.json, colour = stdout_takes_colour();
  if (prints) print(study_banner(*study, colour));
  ProgressBar bar(options.quiet);
  RunOptions running{.threads = options.compute.threads,
                     .hash_memory = hash_memory(),
                     .strict = options.strict,
                     .timestamp = options.timestamp.empty() ? now() : options.timestamp,
                     .locate = [&](const ModelEntry& entry) { return locate(entry, options.quiet); },
                     .on_step = bar.callback()};
  finish_when_interrupted();
  running.goes_on = [] { return !interrupted(); };
  size_t model = 0;
  running.begin = [&](const ModelEntry& entry) {
    bar.label(fmt::format("[{}/{}] {}", ++model, study->models.size(), entry.name));
  };
  running.done = [&](const ModelEntry& entry, const Result<ModelResult>& result) {
    bar.clear();
    if (prints) print(model_text(*study, entry, result, colour));
    if (result || (prints && stdout_is_terminal())) return;  // a report in a file has it, but nobody sees that now
    const std::string fault = result.error().message();
    message(fault.starts_with(entry.name) ? fault : fmt::format("{}: {}", entry.name, fault));
  };
  running.duplicate = [&](const ModelEntry& entry, const std::string& same_as) {
    bar.clear();
    if (prints) print(duplicate_text(entry, same_as, colour));
  };
  const Result<StudyResult> ran = run_study(*study, running);
  if (!ran) {
    bar.clear();
    message(ran.error());
    return kNoneRun;
  }
  const StudyResult& result = *ran;
  if (interrupted() && result.models.empty()) {
    bar.clear();
    message("interrupted before a model was measured; nothing was written");
    return interrupted_status();
  }
  if (prints) print(study_summary(result, colour));
  if (options.quiet && !options.json && options.out.empty()) print(verdict_line(result));
  if (options.json) print(study_json_text(result));
  const auto written = write_files(result, options);
  if (!written) message(written.error());
  if (interrupted()) {
    message(fmt::format("interrupted; measured were {} of {} models{}", result.models.size(),
                        result.models.size() + result.failed.size(),
                        written && !options.out.empty() ? ", which are written" : ""));
    return interrupted_status();
  }
  if (result.models.empty()) return kNoneRun;
  return written && *written && is_complete(result) ? kDone : kSomeFailed;
}

}  // namespace

void add_run(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "The whole study: measure, compare, verdict, figures, JSON");
  command->add_option(
      "MODEL", options->models,
      "Folders in Hugging Face's layout, .gguf files, or hub ids (org/name, org/name@revision); without "
      "any, and without a manifest, the notebook's six models");
  command
      ->add_option(
          "--lab", options->labs,
          "Who trained the models: one lab for every MODEL, or the option again for each in turn; without it, a "
          "hub id's organisation")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--manifest", options->manifest, "A study: models with their labs, prompts, defaults (TOML)")
      ->check(CLI::ExistingFile);
  options->prompts.add_to(*command);
  add_names(*command, "--estimator", options->estimators, estimator_names(),
            "Trace estimator; the first is the headline");
  command->add_option("--detector", options->detector, "Detector of L*")->check(one_of(detector_names()));
  command->add_option("--formula", options->formula, "Formula held against L*")->check(one_of(formula_names()));
  options->compute.add_to(*command);
  command->add_option("--seed", options->seed, "Seed of the permutations that ask what decides L*")
      ->check(decimal(0, std::numeric_limits<uint64_t>::max()));
  command->add_option("--out", options->out,
                      "Folder for JSON, CSV and figures, made if it is not there; without it nothing is written");
  add_names(*command, "--figures", options->formats, {"png", "svg", "pdf", "none"}, "Formats of the figures")
      ->capture_default_str();
  command->add_option("--deterministic-timestamp", options->timestamp,
                      "Stands where the time would, so that results can be compared");
  command->add_flag("--json", options->json, "Print the result as JSON and nothing else");
  command->add_flag("--quiet", options->quiet,
                    "No tables and no progress: the verdict alone, and nothing with --out or --json");
  command->add_flag("--strict", options->strict, kStrictHelp);
  command->add_flag("--yes", options->yes, "Download the notebook's models without asking");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace lstar::cli
