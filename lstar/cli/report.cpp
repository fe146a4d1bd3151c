#include <algorithm>
#include <memory>

#include <fmt/core.h>

#include "lstar/base/atomic_file.h"
#include "lstar/cli/command.h"
#include "lstar/cli/options.h"
#include "lstar/cli/results.h"
#include "lstar/cli/stored_run.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/text/study_text.h"
#include "lstar/study/evaluate_run.h"

namespace lstar::cli {
namespace {

struct ReportOptions {
  std::string place, store, run, head_layout;
  AnalysisOptions analysis;
  ResultOptions result;
};

// The store, and which run of it.
struct Asked {
  std::string store, digits;
  std::optional<ResultFile> result;
};

tl::unexpected<Error> refused(std::string what, std::string file, std::string at = {}) {
  return fail({.kind = ErrorKind::argument, .what = std::move(what), .file = std::move(file), .at = std::move(at)});
}

// What a RESULT says and no lstar run wrote.
tl::unexpected<Error> not_of_a_run(const ReportOptions& options, std::string what, std::string at, std::string found) {
  constexpr size_t kMost = 80;
  return fail({.what = std::move(what), .file = options.place, .at = std::move(at), .found = found.substr(0, kMost)});
}

Result<Asked> asked_of(const ReportOptions& options) {
  LSTAR_ASSIGN(GivenRun given, read_given(options.place));
  if (!given.result) {
    if (!options.store.empty())
      return refused("is for the JSON of a result; this is a store, or a folder with one", options.place, "--store");
    return Asked{.store = given.store, .digits = options.run, .result = {}};
  }
  if (!options.run.empty()) return refused("the JSON of a result names its run itself", options.place, "--run");
  const std::string digest = given.result->run.value.value_or("");
  if (!given.result->run.is_there)
    return fail({.kind = ErrorKind::missing,
                 .what = "of a version of lstar that did not write which run it is; a STORE with --run does",
                 .file = options.place});
  if (digest.empty())
    return refused("its measurements were not kept: lstar run with --out or --store keeps them", options.place);
  constexpr size_t kDigits = 64;
  if (digest.size() != kDigits || digest.find_first_not_of("0123456789abcdef") != digest.npos)
    return not_of_a_run(options, "not the digest of a run", "key run", digest);
  if (!options.store.empty()) return Asked{options.store, digest, std::move(given.result)};
  const size_t slash = options.place.rfind('/');
  std::string store = store_in(slash == std::string::npos ? "." : options.place.substr(0, std::max<size_t>(slash, 1)));
  if (!file_exists(store))
    return fail({.kind = ErrorKind::missing,
                 .what = "no store beside the result; --store says where its measurements are",
                 .file = std::move(store)});
  return Asked{std::move(store), digest, std::move(given.result)};
}

// The run's study, with the questions of the result that it is a report of, and the command line's over them.
Result<Study> questions(Study study, const std::optional<ResultFile>& result, const ReportOptions& options) {
  if (result) {
    study.estimators = result->estimators.value.value_or(study.estimators);
    study.detector = result->detector.value.value_or(study.detector);
    study.formula = result->formula.value.value_or(study.formula);
    study.seed = result->seed.value.value_or(study.seed);
    const auto layout = parse_head_layout(result->head_layout.value.value_or(""));
    if (!layout && result->head_layout.value)
      return not_of_a_run(options, "unknown head layout", "key head_layout", *result->head_layout.value);
    study.head_layout = layout.value_or(study.head_layout);
    if (auto known = check(study); !known) {  // before the command line's, so that the fault is the file's
      known.error().kind = ErrorKind::malformed;
      return fail(std::move(known).error().in(options.place));
    }
  }
  options.analysis.put_into(study);
  study.head_layout = parse_head_layout(options.head_layout).value_or(study.head_layout);
  LSTAR_TRY(check(study));
  return study;
}

Result<StudyResult> reported(const ReportOptions& options) {
  LSTAR_ASSIGN(const Asked asked, asked_of(options));
  LSTAR_ASSIGN(Store store, Store::open(asked.store));
  LSTAR_ASSIGN(const StoredRun run, store.find_run(asked.digits));
  LSTAR_ASSIGN(const Study study, questions(run.study, asked.result, options));
  LSTAR_ASSIGN(auto models, evaluate_models(store, run, study));
  if (options.result.prints() && options.result.verbose)
    print(study_banner(study, stdout_takes_colour(), options.result.detail()));
  for (size_t i = 0; i < models.size(); ++i) {
    const auto same = earlier_same(models, i);
    if (!same)
      print_model(study, study.models[i], models[i], options.result);
    else if (options.result.prints() && options.result.verbose)
      print(duplicate_text(study.models[i], study.models[*same].name, stdout_takes_colour()));
  }
  std::string timestamp = options.result.timestamp;
  if (timestamp.empty() && asked.result) timestamp = asked.result->timestamp.value.value_or("");
  if (timestamp.empty()) timestamp = timestamp_of(run);
  return evaluate_run(run, study, std::move(models), std::move(timestamp));
}

int failed(const Error& error) {
  message(error);
  return error.kind == ErrorKind::argument ? kUsage : kNoneRun;
}

int report(const ReportOptions& options) {
  if (const auto good = options.result.check(); !good) return failed(good.error());
  if (!options.result.out.empty()) {
    if (const auto made = make_writable_folder(options.result.out); !made) return message(made.error()), kUsage;
    write_on_without_reader();
  }
  const auto result = reported(options);
  if (!result) return failed(result.error());
  print_result(*result, options.result);
  const auto written = write_result(*result, options.result);
  if (!written) message(written.error());
  if (result->models.empty()) return kNoneRun;
  return written && *written && is_complete(*result) ? kDone : kSomeFailed;
}

}  // namespace

void add_report(CLI::App& app, int& status) {
  const auto options = std::make_shared<ReportOptions>();
  CLI::App* command = app.add_subcommand(
      "report", "A run once more from its measurements, by the same or other questions; opens no model");
  command->add_option("RESULT", options->place, kGivenHelp)->required();
  command->add_option("--store", options->store, "Where a RESULT's measurements are, if not beside it");
  command->add_option("--run", options->run, "Another run of a store, by its first digits (lstar store list)")
      ->check(run_digits());
  options->analysis.add_to(*command);
  add_head_layout(*command, options->head_layout);
  options->result.add_to(*command);
  command->callback([options, &status] { status = report(*options); });
}

}  // namespace lstar::cli
