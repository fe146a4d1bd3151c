#include <array>
#include <ctime>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "lstar/base/atomic_file.h"
#include "lstar/cli/arguments.h"
#include "lstar/cli/command.h"
#include "lstar/cli/controls.h"
#include "lstar/cli/cross_heritage.h"
#include "lstar/cli/dry_run.h"
#include "lstar/cli/locate.h"
#include "lstar/cli/models.h"
#include "lstar/cli/options.h"
#include "lstar/cli/results.h"
#include "lstar/cli/stored_run.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/text/study_text.h"
#include "lstar/study/prompts.h"
#include "lstar/study/store/private_paths.h"
#include "lstar/study/store/store.h"

namespace lstar::cli {
namespace {

struct StudyOptions {
  std::vector<std::string> models, labs;
  std::string manifest, store;
  PromptOptions prompts;
  ComputeOptions compute;
  ControlOptions controls;
  AnalysisOptions analysis;
  ResultOptions result;
  std::string command;  // as it was typed
  bool yes = false, strict = false, again = false, dry_run = false, spectral = false;

  bool is_built_in_study() const { return models.empty() && manifest.empty(); }
  // Where measurements are kept; empty: nowhere.
  std::string store_file() const {
    if (!store.empty() || result.out.empty()) return store;
    return store_in(result.out);
  }
};

// The manifest's study with the command line's words over it.
Result<Study> asked_for(const StudyOptions& options) {
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
    if (options.is_built_in_study()) study.note.clear();  // which is about its own prompts
  }
  if (study.prompts.empty()) {
    LSTAR_ASSIGN(PromptsOfSets notebook, prompts_of_sets(std::array<std::string, 1>{"notebook"}));
    study.prompts = std::move(notebook.prompts);
    study.prompts_read = std::move(notebook.read);
  }
  options.analysis.put_into(study);
  study.dtype = options.compute.chosen_dtype().value_or(study.dtype);
  study.head_layout = options.compute.chosen_layout().value_or(study.head_layout);
  options.controls.put_into(study);
  study.spectral = study.spectral || options.spectral;
  LSTAR_TRY(check(study));
  return study;
}

// The store that is asked for, opened; without it the study is run all the same.
struct OpenStore {
  std::optional<Store> store;
  bool failed = false;

  explicit OpenStore(const std::string& file) {
    if (file.empty()) return;
    auto opened = Store::open(file, StoreAccess::create);
    if (opened)
      store = std::move(*opened);
    else
      refuse(opened.error());
  }
  void refuse(const Error& error) {
    if (!std::exchange(failed, true)) message(fmt::format("measurements are not kept: {}", error.message()));
  }
};

// What the store had of the models that were run, in words.
class KnownModels {
 public:
  void add(const Kept& kept) {
    models_ += !kept.is_control;
    known_models_ += !kept.is_control && kept.known == kept.asked;
    measured_ += kept.asked - kept.known;
    prompts_ += kept.asked;
  }
  std::string text(const std::string& store) const {
    const std::string measured = measured_ == 0 ? std::string("nothing was measured")
                                                : fmt::format("measured were {} of {} prompts", measured_, prompts_);
    return fmt::format("{} of {} known, {} ({})", known_models_, models_, measured, store);
  }
  bool any() const { return known_models_ > 0 || measured_ < prompts_; }

 private:
  size_t models_ = 0, known_models_ = 0, measured_ = 0, prompts_ = 0;
};

int run_models(const StudyOptions& options) {
  if (const auto good = options.result.check(); !good) {
    message(good.error());
    return kUsage;
  }
  const auto study = asked_for(options);
  if (!study) {
    message(study.error());
    return kUsage;
  }
  if (options.dry_run)
    return dry_run(*study, options.compute.threads, !options.store_file().empty(), options.result.json);
  if (!options.result.out.empty()) {
    if (const auto made = make_writable_folder(options.result.out); !made) {
      message(made.error());
      return kUsage;
    }
    write_on_without_reader();
  }
  const bool quiet = options.result.quiet, prints = options.result.prints(), colour = stdout_takes_colour();
  if (options.is_built_in_study() && !may_download(*study, options.yes, quiet)) return kUsage;
  OpenStore store(options.store_file());
  if (prints && options.result.verbose) print(study_banner(*study, colour, options.result.detail()));
  ProgressBar bar(quiet);
  RunOptions running;
  running.threads = options.compute.threads;
  running.hash_memory = hash_memory();
  running.strict = options.strict;
  const std::time_t began = std::time(nullptr);
  running.timestamp = options.result.timestamp.empty() ? timestamp_of(began) : options.result.timestamp;
  std::optional<Error> not_located;  // of the model at hand: with paths that a result does not have
  running.locate = [&](const ModelEntry& entry) -> Result<std::string> {
    auto found = locate(entry, quiet);
    if (found) return found;
    not_located = found.error();
    return fail(without_folder(*not_located, hub_environment().cache, "the cache"));
  };
  running.on_step = bar.callback();
  running.keep.store = store.store ? &*store.store : nullptr;
  running.keep.again = options.again;
  Provenance& from = running.keep.provenance;
  from.time = stored_time_of(began);
  from.command = options.command;
  from.manifest = options.manifest;
  from.threads = options.compute.threads;
  finish_when_interrupted();
  running.goes_on = [] { return !interrupted(); };
  size_t model = 0;
  running.begin = [&](const ModelEntry& entry) {
    bar.label(fmt::format("[{}/{}] {}", ++model, study->models.size(), entry.name));
  };
  running.done = [&](const ModelEntry& entry, const Result<ModelResult>& result) {
    bar.clear();
    print_model(*study, entry, result, options.result, std::exchange(not_located, std::nullopt));
  };
  running.duplicate = [&](const ModelEntry& entry, const std::string& same_as) {
    bar.clear();
    if (prints && options.result.verbose) print(duplicate_text(entry, same_as, colour));
  };
  KnownModels known;
  running.kept = [&](const Kept& kept) {
    bar.clear();
    known.add(kept);
    if (kept.fault) store.refuse(*kept.fault);
  };
  running.not_kept = [&](const Error& error) {
    bar.clear();
    store.refuse(error);
  };
  const Result<StudyResult> ran = run_study(*study, running);
  bar.clear();
  if (!ran) {
    message(ran.error());
    return kNoneRun;
  }
  const StudyResult& result = *ran;
  if (interrupted() && result.models.empty()) {
    message("interrupted before a model was measured; nothing was written");
    return interrupted_status();
  }
  print_result(result, options.result);
  const auto written = write_result(result, options.result);
  if (!written) message(written.error());
  if (!quiet && known.any()) message(known.text(options.store_file()));
  if (interrupted()) {
    message(fmt::format("interrupted; measured were {} of {} models{}", result.models.size(),
                        result.models.size() + result.failed.size(),
                        written && !options.result.out.empty() ? ", which are written" : ""));
    return interrupted_status();
  }
  if (result.models.empty()) return kNoneRun;
  return written && *written && !store.failed && is_complete(result) ? kDone : kSomeFailed;
}

}  // namespace

void add_run(CLI::App& app, int& status, const std::string& command_line) {
  const auto options = std::make_shared<StudyOptions>();
  options->command = command_line;
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
  options->analysis.add_to(*command);
  options->compute.add_to(*command);
  options->controls.add_to(*command);
  command->add_flag("--spectral", options->spectral,
                    "Also the largest singular values of each layer's W_V and W_O, beside their norms");
  options->result.add_to(*command);
  command->add_option("--store", options->store,
                      "Where measurements are kept, and looked up before anything is measured; with --out its "
                      "measurements.sqlite, without it nowhere");
  command->add_flag("--again", options->again, "Measure everything anew, whatever the store knows");
  command->add_flag("--dry-run", options->dry_run,
                    "Say what time, memory and bytes the study would take, and measure nothing");
  command->add_flag("--strict", options->strict, kStrictHelp);
  command->add_flag("--yes", options->yes, "Download the notebook's models without asking");
  command->callback([options, &status] { status = run_models(*options); });
}

}  // namespace lstar::cli
