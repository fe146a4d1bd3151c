#include <filesystem>
#include <map>
#include <memory>

#include <fmt/core.h>

#include "lstar/cli/command.h"
#include "lstar/cli/locate.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/json/json_writer.h"

namespace lstar::cli {
namespace {

// What the snapshot holds, this and earlier downloads' files alike.
std::string fetched_json(const HubModel& model, const std::string& folder) {
  std::map<std::string, uint64_t> files;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) files[entry->path().lexically_relative(folder)] = entry->file_size(ignored);
  }
  uint64_t bytes = 0;
  auto list = JsonValue::array();
  for (const auto& [name, size] : files) {
    list.push_back({{"name", name}, {"bytes", size}});
    bytes += size;
  }
  const auto commit = commit_of_snapshot(folder);
  const JsonValue document{{"model", model.repo},
                           {"revision", model.revision},
                           {"commit", json_value(commit)},
                           {"path", folder},
                           {"files", list},
                           {"bytes", bytes}};
  return write_json(document);
}

}  // namespace

void add_fetch(CLI::App& app, int& status) {
  struct Options {
    std::string model;
    bool quiet = false, json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("fetch", "Bring a model from the hub into the Hugging Face cache");
  command
      ->add_option("MODEL", options->model,
                   "A hub id, org/name or org/name@revision (branch, tag, commit), or its address")
      ->required();
  command->add_flag("--quiet", options->quiet, "No messages but errors, no progress");
  command->add_flag("--json", options->json,
                    "Print JSON: model, revision, commit, path of the snapshot, files (name and bytes), bytes of all");
  command->callback([options, &status] {
    status = kUsage;
    TransferBar bar;
    LocateOptions locating = locate_options(bar, options->quiet);
    const auto model = named_on_hub(options->model, locating);
    if (!model) return message(model.error());
    status = kNoneRun;
    locating.disk_first = false;
    locating.update = true;
    const auto folder = locate_model(options->model, locating);
    bar.clear();
    if (!folder) return message(folder.error());
    print(options->json ? fetched_json(*model, *folder) : *folder + "\n");
    status = kDone;
  });
}

}  // namespace lstar::cli
