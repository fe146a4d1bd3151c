#include <csignal>
#include <exception>

#include <fmt/format.h>

#include "lstar/cli/command.h"
#include "lstar/cli/terminal.h"
#include "lstar/version.h"

int main(int argc, char** argv) {
  using namespace lstar::cli;
  std::signal(SIGPIPE, SIG_IGN);  // `lstar run | head` still writes its files
  CLI::App app{
      "lstar: at which layer does the trace of a language model's sheaf Laplacian change most (L*), what decides that, "
      "and do the published formulas predict it across labs?",
      "lstar"};
  app.set_version_flag("--version", std::string("lstar ") + lstar::kVersion);
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  int status = kDone;
  add_run(app, status);
  add_trace(app, status);
  add_predict(app, status);
  add_inspect(app, status);
  add_tokenize(app, status);
  add_detect(app, status);
  add_fetch(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  } catch (const std::exception& error) {  // out of memory, a broken standard library call: say so in one line
    message(error.what());
    return kNoneRun;
  }
  if (stdout_failed()) {
    message("standard output could not be written");
    return status == kDone ? kSomeFailed : status;
  }
  return status;
}
