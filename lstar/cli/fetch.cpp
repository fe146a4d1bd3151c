#include <memory>

#include <fmt/format.h>

#include "lstar/cli/command.h"
#include "lstar/cli/locate.h"
#include "lstar/cli/terminal.h"

namespace lstar::cli {

void add_fetch(CLI::App& app, int& status) {
  struct Options {
    std::string model;
    bool quiet = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("fetch", "Bring a model from the hub into the Hugging Face cache");
  command->add_option("MODEL", options->model, "A hub id: org/name or org/name@revision (branch, tag, commit)")
      ->required();
  command->add_flag("--quiet", options->quiet, "No messages but errors, no progress");
  command->callback([options, &status] {
    status = kUsage;
    if (const auto model = parse_hub_model(options->model); !model) return message(model.error());
    status = kNoneRun;
    TransferBar bar;
    LocateOptions locating = locate_options(bar, options->quiet);
    locating.disk_first = false;
    locating.update = true;
    const auto folder = locate_model(options->model, locating);
    bar.clear();
    if (!folder) return message(folder.error());
    print(*folder + "\n");
    status = kDone;
  });
}

}  // namespace lstar::cli
