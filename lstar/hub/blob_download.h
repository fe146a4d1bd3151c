// One file from the hub into the cache's blobs. It is written front to back to <etag>.<8 digits>.incomplete, hashed as
// it comes, and renamed when size and hash are right. Large files come in several ranges at once. What an earlier
// process left unfinished is taken over and continued.
#pragma once

#include <cstdint>
#include <functional>

#include "lstar/base/result.h"
#include "lstar/hub/hub_cache.h"
#include "lstar/hub/hub_client.h"

namespace lstar {

struct DownloadOptions {
  int connections = 4;
  uint64_t chunk = uint64_t{8} << 20;  // bytes of one range; files of fewer than three come in one piece
};

// Called from the calling thread with how many bytes of this file are there; false ends the download, which a later one
// goes on with.
using ByteProgress = std::function<bool(uint64_t bytes)>;

// Does nothing where the blob is there. Holds the blob's lock while it works.
Result<void> download_blob(HubClient& client, const HubModel& model, const RemoteFile& file, const HubCache& cache,
                           const DownloadOptions& options, const ByteProgress& progress);

}  // namespace lstar
