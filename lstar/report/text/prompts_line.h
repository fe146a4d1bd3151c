// How many prompts were read, and the first of them: a file that was understood otherwise than it was meant shows here.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "lstar/report/json/json_writer.h"
#include "lstar/study/measurement.h"

namespace lstar {

// "500 prompts from p.csv (CSV, column text); the first: \"Once upon ...\""
std::string prompts_line(const PromptsRead&, const std::vector<Prompt>&);

// {"file": .., "format": .., "count": .., "first": ..}; file and format are null where there is no file.
JsonValue prompts_read_json(const PromptsRead&, const std::optional<std::string>& first);

// A prompt's id for people, and as JSON: a number has the digits that it came with.
std::string shown_id(const PromptId&);
JsonValue json_value(const std::optional<PromptId>&);

}  // namespace lstar
