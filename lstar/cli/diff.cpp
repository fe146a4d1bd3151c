#include <memory>

#include "lstar/base/catch_memory.h"
#include "lstar/cli/command.h"
#include "lstar/cli/stored_run.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/json/diff_json.h"
#include "lstar/report/json/study_json.h"
#include "lstar/report/text/diff_text.h"

namespace lstar::cli {
namespace {

struct DiffOptions {
  std::string a, b, run_a, run_b;
  bool json = false;
};

// A store's run as the JSON that it would have been, so that both sides are the same kind of thing.
Result<ResultFile> result_of(const std::string& place, const std::string& digits, const char* option) {
  LSTAR_ASSIGN(GivenRun given, read_given(place));
  if (!given.result) {
    LSTAR_ASSIGN(const StudyResult result, evaluate_stored(given.store, digits));
    return parse_result(study_json_text(result), place);
  }
  if (!digits.empty())
    return fail({.kind = ErrorKind::argument, .what = "the JSON of a result is one run", .file = place, .at = option});
  return *std::move(given.result);
}

struct Said {
  std::string text;
  bool changed = false;
};

Result<Said> compared(const DiffOptions& options) {
  return catch_memory("comparing two results", [&]() -> Result<Said> {
    LSTAR_ASSIGN(const ResultFile a, result_of(options.a, options.run_a, "--run-a"));
    LSTAR_ASSIGN(const ResultFile b, result_of(options.b, options.run_b, "--run-b"));
    const ResultDiff found = compare(a, b);
    return Said{.text = options.json ? write_json(diff_json(found)) : diff_text(found, stdout_takes_colour()),
                .changed = found.changed()};
  });
}

// 1 is "something changed", and nothing else is.
int diff(const DiffOptions& options) {
  const auto said = compared(options);
  if (!said) return message(said.error()), kUsage;
  print(said->text);
  if (stdout_failed()) return kUsage;  // which the program tells at its end
  return said->changed ? kSomeFailed : kDone;
}

}  // namespace

void add_diff(CLI::App& app, int& status) {
  const auto options = std::make_shared<DiffOptions>();
  CLI::App* command = app.add_subcommand(
      "diff", "What is different in two results: 0 nothing, 1 something, 2 could not be compared; opens no model");
  command->add_option("A", options->a, kGivenHelp)->required();
  command->add_option("B", options->b, "Likewise")->required();
  command->add_option("--run-a", options->run_a, "Another run of A, by its first digits (lstar store list)")
      ->check(run_digits());
  command->add_option("--run-b", options->run_b, "Likewise of B")->check(run_digits());
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] { status = diff(*options); });
}

}  // namespace lstar::cli
