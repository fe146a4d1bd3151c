// A safetensors checkpoint that stays on the hub: of its files only the headers are read, and what read() is asked for,
// in pieces of some hundred kilobytes that are kept until the tensor is dropped. For questions about a few weights;
// nothing is written to the cache. Owns its connections. All const calls may be made from several threads at once.
#pragma once

#include <memory>

#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/hub/hub_client.h"

namespace lstar {

// Null where the repository has no weights as safetensors.
Result<std::unique_ptr<Checkpoint>> open_remote_safetensors(const HubEnvironment& environment, const HubModel& model,
                                                            RetryPolicy policy = {});

}  // namespace lstar
