// MODEL, as a user writes it, to the folder or file that it is: a path on disk, else a hub id in the cache, else the
// same brought from the hub. A path on disk never leads to a connection, nor does a model whose files are in the cache.
#pragma once

#include <functional>
#include <string>

#include "lstar/base/progress.h"
#include "lstar/base/result.h"
#include "lstar/checkpoint/hub/environment.h"
#include "lstar/checkpoint/hub/hub_client.h"
#include "lstar/checkpoint/hub/model_files.h"

namespace lstar {

struct LocateOptions {
  HubEnvironment hub = {};
  ModelNeeds needs = {};
  bool disk_first = true;  // false: the text is a hub id, whatever lies on disk
  bool update = false;     // ask the hub whether the revision is still the commit that the cache knows
  RetryPolicy retries = {};
  DownloadOptions download = {};
  std::function<void(const DownloadPlan&)> begin;  // before something is downloaded; may be empty, as the next
  std::function<void(const std::string&)> remark;  // what the user should know though all went well
  Progress progress = {};                          // in bytes
};

// A text that can only be a path ("./gpt2", "a.gguf") comes back as it is.
Result<std::string> locate_model(const std::string& text, const LocateOptions& options);

}  // namespace lstar
