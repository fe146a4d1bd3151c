#include "lstar/cli/dry_run.h"

#include <algorithm>

#include <fmt/core.h>

#include "lstar/cli/command.h"
#include "lstar/cli/locate.h"
#include "lstar/cli/terminal.h"
#include "lstar/report/json/json_writer.h"
#include "lstar/report/text/text_layout.h"
#include "lstar/study/cost.h"

namespace lstar::cli {
namespace {

struct Priced {
  const ModelEntry* entry = nullptr;
  Result<ModelCost> cost;
  std::optional<uint64_t> download;  // bytes, where it is not on this machine and the hub says
};

Priced priced(const ModelEntry& entry, const Study& study, int threads) {
  const HubEnvironment hub = hub_environment();
  const auto found = locate(entry, /*quiet=*/true, /*ask_hub=*/false);
  if (found) {
    auto model = OpenModel::open(*found, {.name = entry.name, .threads = threads});
    if (!model) return {&entry, fail(model.error()), {}};
    return {&entry, cost_of(*model, study), {}};
  }
  Priced one{&entry, fail(found.error()), {}};
  const auto model = parse_hub_model(entry.path);
  if (!model || hub.offline) return one;
  HubClient client(hub);
  if (const auto plan = plan_download(client, HubCache(hub.cache, model->repo), *model, {})) one.download = plan->bytes;
  return one;
}

std::string seconds_text(double seconds) {
  if (seconds < 1) return "less than a second";
  if (seconds < 120) return fmt::format("about {:.0f} s", seconds);
  return seconds < 7200 ? fmt::format("about {:.0f} min", seconds / 60) : fmt::format("about {:.1f} h", seconds / 3600);
}

std::string size_text(double bytes) { return bytes_text(static_cast<uint64_t>(bytes)); }

}  // namespace

int dry_run(const Study& study, int threads, bool keeps, bool json) {
  const auto speed = products_per_second(study.dtype, threads);
  if (!speed) return message(speed.error()), kNoneRun;
  TextTable table;
  table.column("model", TextTable::Align::left);
  for (const char* head : {"passes", "tokens", "of controls", "time", "memory", "store"}) table.column(head);
  JsonValue models = JsonValue::array();
  double seconds = 0, memory = 0, store = 0;
  uint64_t download = 0;
  bool all = true;
  for (const ModelEntry& entry : study.models) {
    const Priced one = priced(entry, study, threads);
    if (!one.cost) {
      all = false;
      download += one.download.value_or(0);
      const std::string what = one.download ? fmt::format("to be downloaded: {}", bytes_text(*one.download))
                                            : one_line(one.cost.error().message());
      table.row({one_line(entry.name), "-", "-", "-", shorten(what, 50), "-", "-"});
      models.push_back({{"model", entry.name},
                        {"download", one.download ? JsonValue(*one.download) : JsonValue(nullptr)},
                        {"error", one.cost.error().message()}});
      continue;
    }
    const double of_model = seconds_of(*one.cost, *speed);
    seconds += of_model;
    memory = std::max(memory, one.cost->memory);
    store += one.cost->store;
    table.row({one_line(entry.name), std::to_string(one.cost->passes), std::to_string(one.cost->tokens),
               std::to_string(one.cost->control_tokens), seconds_text(of_model), size_text(one.cost->memory),
               keeps ? size_text(one.cost->store) : "-"});
    models.push_back({{"model", entry.name},
                      {"passes", one.cost->passes},
                      {"tokens", one.cost->tokens},
                      {"control_tokens", one.cost->control_tokens},
                      {"seconds", of_model},
                      {"memory", one.cost->memory},
                      {"store", one.cost->store}});
  }
  if (json) {
    print(write_json({{"seconds", seconds},
                      {"memory", memory},
                      {"store", keeps ? JsonValue(store) : JsonValue(nullptr)},
                      {"download", download},
                      {"models", std::move(models)}}));
    return all ? kDone : kSomeFailed;
  }
  print(table.str(kColumns, "", Paint{}));
  print(fmt::format("In all {}, {} of memory for activations{}{}. An estimate; nothing was measured.\n",
                    seconds_text(seconds), size_text(memory), keeps ? fmt::format(", {} kept", size_text(store)) : "",
                    download > 0 ? fmt::format(", {} to be downloaded first", bytes_text(download)) : ""));
  return all ? kDone : kSomeFailed;
}

}  // namespace lstar::cli
