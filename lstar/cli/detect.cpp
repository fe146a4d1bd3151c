#include <algorithm>
#include <cmath>
#include <memory>

#include "lstar/cli/arguments.h"
#include "lstar/cli/command.h"
#include "lstar/cli/options.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/detections.h"
#include "lstar/study/trace_files.h"

namespace lstar::cli {

void add_detect(CLI::App& app, int& status) {
  struct Options {
    std::string file, nan = "report";
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("detect", "L* of traces made elsewhere");
  command
      ->add_option(
          "FILE", options->file,
          "JSON: an array of numbers (null and NaN are no number), an object of named arrays, or what trace and "
          "run print with --json; CSV: a column of numbers for each trace, or what trace prints with --csv and run "
          "writes as l_star_traces; - is "
          "standard input")
      ->required();
  command->add_option("--nan", options->nan, "A NaN in a trace: no L* and the reason, or what numpy would answer")
      ->check(one_of({"report", "propagate"}))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] {
    status = kNoneRun;
    const auto content = read_input(options->file);
    if (!content) return message(content.error());
    const auto traces = parse_traces(*content, options->file == kStandardInput ? "standard input" : options->file);
    if (!traces) return message(traces.error());
    const NanPolicy policy = options->nan == "report" ? NanPolicy::report : NanPolicy::propagate;
    print(options->json ? detections_json(*traces, policy) : detections_text(*traces, policy, stdout_takes_colour()));
    const bool broken = std::any_of(traces->begin(), traces->end(), [](const NamedTrace& trace) {
      return !std::all_of(trace.trace.begin(), trace.trace.end(), [](double value) { return std::isfinite(value); });
    });
    if (broken) message("a trace is not finite");
    status = broken ? kSomeFailed : kDone;
  });
}

}  // namespace lstar::cli
