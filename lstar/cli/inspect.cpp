#include <memory>

#include "lstar/cli/command.h"
#include "lstar/cli/locate.h"
#include "lstar/cli/options.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/inspection.h"

namespace lstar::cli {

void add_inspect(CLI::App& app, int& status) {
  struct Options {
    std::string model, layout = "true";
    bool tensors = false, json = false;
    int threads = 0;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("inspect", "What is in a checkpoint: family, shapes, dtypes, heads, weight norms");
  command->add_option("MODEL", options->model, kModelHelp)->required();
  command
      ->add_option("--head-layout", options->layout, "W_V of a fused query_key_value: its real rows, or the last third")
      ->check(CLI::IsMember({"true", "thirds"}))
      ->capture_default_str();
  command->add_flag("--tensors", options->tensors, "List every tensor");
  command->add_option("--threads", options->threads, "Threads; 0 is as many as this process may use")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] {
    const auto found = inspect(options->model, options->model, *parse_head_layout(options->layout), options->threads);
    if (!found) {
      message(found.error());
      status = kNoneRun;
      return;
    }
    print(options->json ? inspection_json(*found) : inspection_text(*found, options->tensors, stdout_takes_colour()));
    status = kDone;
  });
}

}  // namespace lstar::cli
