// MODELs as they are typed: who trained them, and words that are no models.
#pragma once

#include <string>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/study/study.h"

namespace lstar::cli {

// Refuses a manifest or a file of prompts in a model's place, and says where it goes.
Result<void> check_model(const std::string& model);

// The models of a command line. `labs` holds one for all of them, or one for each; without any, a model on the hub
// belongs to its organisation.
Result<std::vector<ModelEntry>> model_entries(const std::vector<std::string>& models,
                                              const std::vector<std::string>& labs);

}  // namespace lstar::cli
