// The difference of two results for the terminal. Pure; at most 100 columns wide.
#pragma once

#include <string>

#include "lstar/study/result_diff.h"

namespace lstar {

// What was asked, L*, verdicts, numbers, what cannot be compared, and on the last line whether anything changed.
std::string diff_text(const ResultDiff&, bool colour);

}  // namespace lstar
