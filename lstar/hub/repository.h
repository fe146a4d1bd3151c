// What a repository on the hub holds that is no model in Hugging Face's layout, and what to do about it. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/hub_model.h"

namespace lstar {

// One sentence from the names of its files, sorted: "a repository of GGUF files: a.gguf, b.gguf; hf download org/name
// a.gguf --local-dir D, then pass D/a.gguf"; for what a folder on disk may be too, that sentence (handed_over.h).
// Nothing where the names do not tell.
std::optional<Error> what_repository_is(const HubModel& model, const std::vector<std::string>& files);

}  // namespace lstar
