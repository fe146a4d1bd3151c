#include <memory>

#include "lstar/base/json.h"
#include "lstar/cli/command.h"
#include "lstar/cli/options.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/detections.h"

namespace lstar::cli {

void add_detect(CLI::App& app, int& status) {
  struct Options {
    std::string file, nan = "report";
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("detect", "L* of traces made elsewhere");
  command->add_option("FILE", options->file, "JSON: an array of numbers (null for NaN), or an object of named arrays")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--nan", options->nan, "A NaN in a trace: no L* and the reason, or what numpy would answer")
      ->check(CLI::IsMember({"report", "propagate"}))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] {
    status = kNoneRun;
    const auto traces = read_traces(options->file);
    if (!traces) return message(traces.error());
    const NanPolicy policy = options->nan == "report" ? NanPolicy::report : NanPolicy::propagate;
    print(options->json ? detections_json(*traces, policy) : detections_text(*traces, policy, stdout_takes_colour()));
    status = kDone;
  });
}

}  // namespace lstar::cli
