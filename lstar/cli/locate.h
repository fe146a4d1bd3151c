// MODEL as the command line takes it, to a folder or file: on disk, in the hub's cache, or downloaded after saying so.
#pragma once

#include <string>

#include "lstar/base/result.h"
#include "lstar/cli/terminal.h"
#include "lstar/hub/locate_model.h"
#include "lstar/study/study.h"

namespace lstar::cli {

inline constexpr const char* kModelHelp =
    "A folder in Hugging Face's layout, a .gguf file, a hub id (org/name or org/name@revision) or its address, or a "
    "name "
    "in Ollama's store (llama3.2:1b)";

// What locate_model is told: the environment's hub, messages and a bar on stderr. `bar` outlives the result.
LocateOptions locate_options(TransferBar& bar, bool quiet, ModelNeeds needs = {});

Result<std::string> locate(const std::string& model, bool quiet, ModelNeeds needs = {});

// A study's model. What a manifest wrote may stand in somebody's home, and knows no other variable than HOME.
// `ask_hub` false: only what is on this machine, and quietly.
Result<std::string> locate(const ModelEntry&, bool quiet, bool ask_hub = true);

std::string bytes_text(uint64_t bytes);  // "541 MB", "3.7 GB"

}  // namespace lstar::cli
