#include <algorithm>
#include <memory>

#include <fmt/core.h>

#include "lstar/cli/arguments.h"
#include "lstar/cli/command.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/store_rows.h"
#include "lstar/report/text/store_text.h"

namespace lstar::cli {
namespace {

struct StoreOptions {
  std::string store, name, format = "csv";
  std::vector<std::string> from, models;
  bool json = false, per_head = false, outdated = false, unused = false, yes = false;
};
using Shared = std::shared_ptr<StoreOptions>;

// A subcommand of store: an error is a message, and the status tells whether anything was done.
CLI::App* add(CLI::App& store, const Shared& options, int& status, const std::string& name, const std::string& help,
              Result<void> (*run)(const StoreOptions&)) {
  CLI::App* command = store.add_subcommand(name, help);
  command->add_option("STORE", options->store, "A store's file: measurements.sqlite in a folder of lstar run --out")
      ->required();
  command->callback([options, &status, run] {
    const auto done = run(*options);
    if (!done) message(done.error());
    status = done ? kDone : done.error().kind == ErrorKind::argument ? kUsage : kNoneRun;
  });
  return command;
}

// Whether a hash is meant by its first digits, or a model by its name.
bool is_meant(const std::string& given, const std::string& hash, const std::string& name) {
  constexpr size_t kLeastDigits = 4;
  return given == name || (given.size() >= kLeastDigits && hash.starts_with(given));
}

Error not_there(const StoreOptions& options, const std::string& name, bool also_runs) {
  return {.kind = ErrorKind::argument,
          .what = fmt::format("no model{} of that name in the store; lstar store list shows them",
                              also_runs ? " or run" : ""),
          .file = options.store,
          .at = name};
}

Result<void> list(const StoreOptions& options) {
  LSTAR_ASSIGN(Store store, Store::open(options.store));
  LSTAR_ASSIGN(const auto models, store.models());
  LSTAR_ASSIGN(const auto runs, store.runs());
  print(options.json ? write_json(store_json(models, runs)) : store_text(models, runs, stdout_takes_colour()));
  return {};
}

Result<void> show(const StoreOptions& options) {
  LSTAR_ASSIGN(Store store, Store::open(options.store));
  LSTAR_ASSIGN(const auto models, store.models());
  LSTAR_ASSIGN(const auto runs, store.runs());
  auto of_models = JsonValue::array(), of_runs = JsonValue::array();
  std::string text;
  for (const StoredModel& model : models) {
    if (!is_meant(options.name, model.key.content, model.measurement.identity.model)) continue;
    std::vector<PromptLine> prompts;
    LSTAR_TRY(store.each_prompt(model.key, [&](const PromptObservation& seen) -> Result<void> {
      prompts.push_back(line_of(seen));
      return {};
    }));
    if (options.json)
      of_models.push_back(stored_model_json(model, prompts));
    else
      text += (text.empty() ? "" : "\n") + stored_model_text(model, prompts, stdout_takes_colour());
  }
  for (const StoredRun& run : runs) {
    if (!is_meant(options.name, run.digest, "")) continue;
    if (options.json)
      of_runs.push_back(stored_run_json(run));
    else
      text += (text.empty() ? "" : "\n") + stored_run_text(run, stdout_takes_colour());
  }
  if (of_models.empty() && of_runs.empty() && text.empty()) return fail(not_there(options, options.name, true));
  print(options.json ? write_json({{"models", of_models}, {"runs", of_runs}}) : text);
  return {};
}

// Written as it is read: a store may be larger than memory.
Result<void> export_store(const StoreOptions& options) {
  const ExportFormat format = options.format == "csv" ? ExportFormat::csv : ExportFormat::json_lines;
  const ExportRows rows = options.per_head ? ExportRows::heads : ExportRows::layers;
  LSTAR_ASSIGN(Store store, Store::open(options.store));
  LSTAR_ASSIGN(const auto models, store.models());
  for (const std::string& name : options.models)
    if (std::none_of(models.begin(), models.end(), [&](const StoredModel& model) {
          return is_meant(name, model.key.content, model.measurement.identity.model);
        }))
      return fail(not_there(options, name, false));
  print(export_head(format, rows));
  for (size_t i = 0; i < models.size(); ++i) {
    const StoredModel& model = models[i];
    const bool is_again = i > 0 && models[i - 1].key == model.key;  // with another head layout
    const bool is_asked = options.models.empty() ||
                          std::any_of(options.models.begin(), options.models.end(), [&](const std::string& name) {
                            return is_meant(name, model.key.content, model.measurement.identity.model);
                          });
    if (is_again || !is_asked) continue;
    LSTAR_TRY(store.each_prompt(model.key, [&](const PromptObservation& seen) -> Result<void> {
      print(export_rows(model, seen, format, rows));
      return {};
    }));
  }
  return {};
}

Result<void> prune(const StoreOptions& options) {
  const PruneWishes wishes{.outdated = options.outdated, .unused = options.unused, .names = options.models};
  if (!wishes.outdated && !wishes.unused && wishes.names.empty())
    return fail({.kind = ErrorKind::argument, .what = "nothing to remove: --outdated, --unused or --model says what"});
  LSTAR_ASSIGN(Store store, Store::open(options.store, StoreAccess::write));
  LSTAR_ASSIGN(const Pruned pruned, store.prune(wishes, options.yes));
  print(options.json ? write_json(pruned_json(pruned, options.yes)) : pruned_text(pruned, options.yes));
  return {};
}

Result<void> merge(const StoreOptions& options) {
  std::vector<Store> others;  // before a new one is made, for nothing, where one of them is none
  for (const std::string& from : options.from) {
    LSTAR_ASSIGN(Store other, Store::open(from));
    others.push_back(std::move(other));
  }
  LSTAR_ASSIGN(Store store, Store::open(options.store, StoreAccess::create));
  Merged all;
  for (Store& other : others) {
    LSTAR_ASSIGN(const Merged merged, store.merge(other));
    if (merged.damaged > 0)
      message(fmt::format("{}: {} damaged records were passed over", other.path(), merged.damaged));
    all += merged;
  }
  print(options.json ? write_json(merged_json(all)) : merged_text(all));
  return {};
}

}  // namespace

void add_store(CLI::App& app, int& status) {
  const auto options = std::make_shared<StoreOptions>();
  CLI::App* store =
      app.add_subcommand("store", "Measurements that were kept: what there is, as a table, less, together");
  store->require_subcommand(1);
  const auto json = [&](CLI::App* command) { command->add_flag("--json", options->json, "Print JSON"); };
  json(add(*store, options, status, "list", "Models and runs", list));

  CLI::App* of_one =
      add(*store, options, status, "show", "One model with its prompts, or one run with its models", show);
  of_one->add_option("NAME", options->name, "A model's name, or the first digits of its content or of a run")
      ->required();
  json(of_one);

  CLI::App* rows = add(*store, options, status, "export", "A row for each model, prompt and layer", export_store);
  rows->add_option("--format", options->format, "csv, or jsonl: an object a line")
      ->check(one_of({"csv", "jsonl"}))
      ->capture_default_str();
  rows->add_flag("--per-head", options->per_head, "A row for each head of each layer");
  rows->add_option("--model", options->models,
                   "Only this model, by its name or the first digits of its content; may be repeated")
      ->take_all()
      ->allow_extra_args(false);

  CLI::App* less =
      add(*store, options, status, "prune", "Remove measurements; without --yes only say what would go", prune);
  less->add_flag("--outdated", options->outdated, "What another version of lstar computed otherwise");
  less->add_flag("--unused", options->unused, "What is part of no run");
  less->add_option("--model", options->models,
                   "This model, by its name or the first 8 digits of its content; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  less->add_flag("--yes", options->yes, "Do it");
  json(less);

  CLI::App* together =
      add(*store, options, status, "merge", "Take over what other stores have; STORE is made if there is none", merge);
  together->add_option("FROM", options->from, "Other stores")->required();
  json(together);
}

}  // namespace lstar::cli
