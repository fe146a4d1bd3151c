#include <algorithm>
#include <memory>

#include <fmt/core.h>

#include "lstar/base/atomic_file.h"
#include "lstar/cli/asked_run.h"
#include "lstar/cli/command.h"
#include "lstar/cli/options.h"
#include "lstar/cli/results.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/text/study_text.h"
#include "lstar/study/evaluate_run.h"

namespace lstar::cli {
namespace {

struct ReportOptions {
  NamedRun named;
  ResultOptions result;
};

Result<StudyResult> reported(const ReportOptions& options) {
  LSTAR_ASSIGN(const AskedRun asked, asked_run(options.named));
  LSTAR_ASSIGN(Store store, Store::open(asked.store));
  LSTAR_ASSIGN(const StoredRun run, store.find_run(asked.digits));
  LSTAR_ASSIGN(const Study study, questions(run.study, asked.result, options.named));
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
  command->add_option("RESULT", options->named.place, kGivenHelp)->required();
  command->add_option("--store", options->named.store, "Where a RESULT's measurements are, if not beside it");
  command->add_option("--run", options->named.run, "Another run of a store, by its first digits (lstar store list)")
      ->check(run_digits());
  options->named.analysis.add_to(*command);
  add_head_layout(*command, options->named.head_layout);
  options->result.add_to(*command);
  command->callback([options, &status] { status = report(*options); });
}

}  // namespace lstar::cli
