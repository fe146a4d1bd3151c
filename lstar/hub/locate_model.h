// MODEL, as a user writes it, to the folder or file that it is: a path on disk, else Ollama's for a name with a tag,
// else a hub id in the cache, else the same brought from the hub. A path on disk never leads to a connection, nor does
// a model whose files are in the cache.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lstar/base/result.h"
#include "lstar/base/steps.h"
#include "lstar/hub/environment.h"
#include "lstar/hub/hub_client.h"
#include "lstar/hub/model_files.h"

namespace lstar {

struct LocateOptions {
  HubEnvironment hub = {};
  Variables variables = process_variables();  // for "$HOME/gpt2"
  ModelNeeds needs = {};
  bool disk_first = true;  // false: the text is a hub id, whatever lies on disk
  bool update = false;     // ask the hub whether the revision is still the commit that the cache knows
  bool ask_hub = true;     // false: only what is on this machine, and quietly
  RetryPolicy retries = {};
  DownloadOptions download = {};
  std::function<void(const DownloadPlan&)> begin;  // before something is downloaded; may be empty, as the next
  std::function<void(const std::string&)> remark;  // what the user should know though all went well
  OnStep on_step = {};                             // of downloads, in bytes
};

Result<std::string> locate_model(const std::string& text, const LocateOptions& options);

// The hub's model that a text names: an id, an address, a folder of the hub's cache. An error for all that is no hub
// id. Looks at no disk: "zoo/gpt2" is an id here.
Result<HubModel> named_on_hub(const std::string& text, const LocateOptions& options);

// Puts an error of asking the hub for a model better, where the repository was not found: that it is not on disk
// either, which path may be meant, what else the hub has of this name.
Error not_located(const std::string& text, const HubModel& model, Error error, HubClient& client);

// Who published the model that a text names: "org" of an id, of an address of the hub, of a path into the hub's cache.
// Nothing for other paths on disk, for names without an organisation, and for Ollama's own library.
std::optional<std::string> organisation_of(const std::string& text, const HubEnvironment& hub = hub_environment());

}  // namespace lstar
