#include <memory>
#include <string>

#include <fmt/format.h>

#include "lstar/cli/arguments.h"
#include "lstar/cli/command.h"
#include "lstar/cli/terminal.h"

namespace lstar::cli {

void add_help(CLI::App& app, int& status, const std::string& version) {
  const auto asked = std::make_shared<std::string>();
  CLI::App* help = app.add_subcommand("help", "This help, or that of a command");
  help->add_option("COMMAND", *asked, "A command");
  help->callback([&app, &status, asked] {
    // app.help() would be that of the command that was parsed, which is this one.
    if (asked->empty()) return print(app.get_formatter()->make_help(&app, app.get_name(), CLI::AppFormatMode::Normal));
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(command->get_name());
      if (names.back() == *asked) return print(command->help(app.get_name()));
    }
    message(fmt::format("unknown command {}{}; one of {}", *asked, meant(*asked, names), fmt::join(names, ", ")));
    status = kUsage;
  });
  app.add_subcommand("version", "The version")->callback([version] { print(version + "\n"); });
}

}  // namespace lstar::cli
