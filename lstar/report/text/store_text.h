// What is in a store, for the terminal. Pure; at most 100 columns wide.
#pragma once

#include <span>
#include <string>

#include "lstar/report/store_rows.h"

namespace lstar {

// A table of models and one of runs.
std::string store_text(std::span<const StoredModel>, std::span<const StoredRun>, bool colour);

// One model with its prompts, one run with its models.
std::string stored_model_text(const StoredModel&, std::span<const PromptLine>, bool colour);
std::string stored_run_text(const StoredRun&, bool colour);

std::string pruned_text(const Pruned&, bool really);
std::string merged_text(const Merged&);

}  // namespace lstar
