// Which files of a repository make a model, whether the cache has them, and bringing those that it lacks. Weights are
// looked for in the order in which a folder is read: one safetensors file, its shards, one PyTorch file, its shards.
// Only where the repository has none of these is it asked for the names of all its files, of which the rule for folders
// (weight_files.h) chooses.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/base/steps.h"
#include "lstar/checkpoint/weight_index.h"
#include "lstar/hub/blob_download.h"
#include "lstar/hub/hub_cache.h"
#include "lstar/hub/hub_client.h"

namespace lstar {

// config.json always.
struct ModelNeeds {
  bool weights = true;
  bool tokenizer = true;
};

// The snapshot folder of a model whose files are all in the cache; asks nobody.
std::optional<std::string> cached_snapshot(const HubCache& cache, const HubModel& model, ModelNeeds needs);

struct DownloadPlan {
  HubModel model;
  std::string commit;
  std::vector<RemoteFile> files;  // what the snapshot lacks
  uint64_t bytes = 0;             // to be transferred: files whose blob is there already cost nothing
};

// Asks the hub which files there are. Notes in the cache what there is not.
Result<DownloadPlan> plan_download(HubClient& client, const HubCache& cache, const HubModel& model, ModelNeeds needs);

// Brings the plan's files, then says in refs/ which commit the revision is. Returns the snapshot folder. Steps count
// bytes of the whole plan; their item is the file at hand.
Result<std::string> download(HubClient& client, const HubCache& cache, const DownloadPlan& plan,
                             const DownloadOptions& options, const OnStep& on_step);

// An index that lies on the hub, and the most that is read of one. What it names becomes a part of addresses and of
// paths in the cache, so that names are refused which no file of a repository has.
inline constexpr uint64_t kLargestIndex = uint64_t{64} << 20;
Result<WeightIndex> parse_hub_index(std::string_view text, const std::string& source);

}  // namespace lstar
