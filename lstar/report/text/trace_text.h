// One model's traces for the terminal and as CSV. Pure.
#pragma once

#include <string>

#include "lstar/study/study.h"

namespace lstar {

// A table of layers for each prompt, then L* by every estimator and detector. At most 100 columns wide.
std::string trace_text(const Measurement&, bool colour, NanPolicy = NanPolicy::report);

// One row a prompt and layer; a number that does not exist leaves its field empty.
std::string trace_csv(const Measurement&, NanPolicy = NanPolicy::report);

}  // namespace lstar
