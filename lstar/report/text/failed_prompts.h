// Prompts that could not be run, in a few lines. Pure.
#pragma once

#include <string>
#include <vector>

#include "lstar/study/measurement.h"

namespace lstar {

// One line for each reason, of which at most `most` are named and the others counted:
// "prompts 3, 17 and 12 more: prompt is empty".
std::vector<std::string> failed_prompts_lines(const Measurement&, size_t most);

// The same for a terminal, under "FAILED: "; empty where all ran.
std::string failed_prompts_text(const Measurement&, int width, int indent);

}  // namespace lstar
