// The command line: one file a subcommand, each of which parses, calls the library and prints. stdout carries results,
// stderr progress and messages.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace lstar::cli {

// What the process exits with.
enum Exit : int { kDone = 0, kSomeFailed = 1, kUsage = 2, kNoneRun = 3 };

// Each adds its subcommand; running it sets `status`.
void add_run(CLI::App& app, int& status, const std::string& command_line);  // as it was typed
void add_trace(CLI::App& app, int& status);
void add_predict(CLI::App& app, int& status);
void add_inspect(CLI::App& app, int& status);
void add_tokenize(CLI::App& app, int& status);
void add_detect(CLI::App& app, int& status);
void add_fetch(CLI::App& app, int& status);
void add_store(CLI::App& app, int& status);
void add_report(CLI::App& app, int& status);
void add_diff(CLI::App& app, int& status);
void add_fit(CLI::App& app, int& status);
void add_audit(CLI::App& app, int& status);
void add_help(CLI::App& app, int& status, const std::string& version);  // help, version

}  // namespace lstar::cli
