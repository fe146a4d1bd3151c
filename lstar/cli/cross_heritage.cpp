#include "lstar/cli/cross_heritage.h"

#include <fmt/core.h>

#include <optional>
#include <string>
#include <vector>

#include "lstar/cli/locate.h"
#include "lstar/cli/terminal.h"

namespace lstar::cli {

extern const char* const kCrossHeritage;  // made by CMake from the manifest

namespace {

constexpr uint64_t kAboutAll = 3'700'000'000;  // of the manifest's six models, where the hub does not say

struct Lacking {
  std::string model;
  std::optional<uint64_t> bytes;  // none: the hub could not be asked
};

// `trouble` is the first reason why the hub could not say.
std::vector<Lacking> lacking_models(const Study& study, const HubEnvironment& hub, std::optional<Error>& trouble) {
  std::vector<Lacking> lacking;
  for (const ModelEntry& entry : study.models) {
    if (locate_model(entry.path, {.hub = hub, .ask_hub = false})) continue;
    Lacking found{.model = entry.path};
    if (const auto model = parse_hub_model(entry.path); model && !trouble) {
      HubClient client(hub);
      const auto plan = plan_download(client, HubCache(hub.cache, model->repo), *model, {});
      if (plan)
        found.bytes = plan->bytes;
      else
        trouble = plan.error();
    }
    lacking.push_back(std::move(found));
  }
  return lacking;
}

}  // namespace

Result<Study> cross_heritage_study() { return parse_manifest(kCrossHeritage, "cross-heritage.toml"); }

bool may_download(const Study& study, bool yes, bool quiet) {
  const HubEnvironment hub = hub_environment();
  if (hub.offline) return true;  // nothing will be
  if (yes && quiet) return true;
  std::optional<Error> trouble;
  const std::vector<Lacking> lacking = lacking_models(study, hub, trouble);
  if (lacking.empty()) return true;
  uint64_t known = 0;
  bool all_known = true;
  std::string names;
  for (const Lacking& model : lacking) {
    names += (names.empty() ? "" : ", ") + model.model;
    if (model.bytes)
      names += " (" + bytes_text(*model.bytes) + ")";
    else
      all_known = false;
    known += model.bytes.value_or(0);
  }
  const std::string size = all_known                               ? bytes_text(known)
                           : lacking.size() == study.models.size() ? "about " + bytes_text(kAboutAll)
                                                                   : "up to " + bytes_text(kAboutAll);
  message(fmt::format("this study needs {} model{} that {} not in {}: {}", lacking.size(),
                      lacking.size() == 1 ? "" : "s", lacking.size() == 1 ? "is" : "are", hub.cache, names));
  if (trouble) message(*trouble);
  if (yes) return true;
  const std::string what = fmt::format("download {} from {}", size, shown_url(hub.endpoint));
  if (can_ask()) return ask("lstar: " + what + "?");
  message(fmt::format("to {}, say --yes", what));
  return false;
}

}  // namespace lstar::cli
