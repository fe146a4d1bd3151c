#include <csignal>
#include <exception>
#include <new>
#include <sstream>

#include <fmt/core.h>

#include "lstar/base/catch_memory.h"
#include "lstar/checkpoint/mapped_file.h"
#include "lstar/cli/arguments.h"
#include "lstar/cli/command.h"
#include "lstar/cli/terminal.h"
#include "lstar/version.h"

int main(int argc, char** argv) {
  using namespace lstar::cli;
  std::signal(SIGPIPE, SIG_IGN);  // `lstar run --out DIR | head` still writes its files
  // Our own files are guarded where they are written (base/file_limit.h); this is for standard output, and for whatever
  // libraries write: beyond the process's limit (ulimit -f) that is a write error, told at the end.
  std::signal(SIGXFSZ, SIG_IGN);
  lstar::end_at_shortened_files("lstar", kNoneRun);
  CLI::App app{
      "lstar: at which layer does the trace of a language model's sheaf Laplacian change most (L*), what decides that, "
      "and do the published formulas predict it across labs?",
      "lstar"};
  const std::string version = std::string("lstar ") + lstar::kVersion;
  app.set_version_flag("-V,--version", version);
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  int status = kDone;
  add_run(app, status, typed(argc, argv));
  add_trace(app, status);
  add_predict(app, status);
  add_inspect(app, status);
  add_tokenize(app, status);
  add_detect(app, status);
  add_fetch(app, status);
  add_store(app, status);
  add_report(app, status);
  add_diff(app, status);
  add_fit(app, status);
  add_audit(app, status);
  add_help(app, status, version);
  const std::vector<std::string> arguments = arguments_of(app, argc, argv);
  try {
    std::vector<std::string> words = arguments;
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0 && asks_for_help(arguments)) {
      std::ostringstream text;
      app.exit(error, text, text);
      print(text.str());
    } else {
      message(usage_line(app, error, arguments));
      return kUsage;
    }
  } catch (const std::bad_alloc&) {  // where no call of the library could make an error of it
    message(lstar::out_of_memory("reading the command's words or writing its result"));
    return kNoneRun;
  } catch (const std::exception& error) {  // a broken standard library call: say so in one line
    message(error.what());
    return kNoneRun;
  }
  end_if_nobody_reads();
  if (stdout_failed()) {
    message("standard output could not be written");
    return status == kDone ? kSomeFailed : status;
  }
  return status;
}
