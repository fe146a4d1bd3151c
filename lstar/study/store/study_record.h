// What was asked of a study, and what became of each of its models, as bytes: with the observations, all that is needed
// to evaluate it again without a model. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/study/store/store_key.h"
#include "lstar/study/study.h"

namespace lstar {

// A prompt of a model that was measured: what it is stored under, or why it could not be run.
struct StoredPrompt {
  std::string ids_digest;    // 32 bytes (digest_of_ids); empty where it failed
  std::vector<int32_t> ids;  // of one that failed
  std::optional<Error> error;
};

struct StoredControl;

// One model of a study: the measurement it was, as far as that is not stored elsewhere, or its failure.
struct StoredOutcome {
  StoreKey key;
  Identity identity;
  Numerics numerics;
  std::vector<std::string> warnings;
  std::optional<PromptsRead> prompts_read;
  std::vector<StoredPrompt> prompts;  // one for each of the study's
  std::optional<Error> error;         // all else is empty then
  std::vector<StoredControl> controls;
};

// A control of it, which has no text for its prompts, and no controls.
struct StoredControl {
  Control control;
  StoredOutcome outcome;
};

// Paths with a variable of the environment in them are kept as they were written, not as they were opened.
std::string study_record(const Study&);
Result<Study> read_study_record(std::string_view bytes, const std::string& source);

std::string outcome_record(const StoredOutcome&);
Result<StoredOutcome> read_outcome_record(std::string_view bytes, const std::string& source);

}  // namespace lstar
