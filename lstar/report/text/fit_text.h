// Fitted forms for the terminal. Pure; at most 100 columns wide.
#pragma once

#include <string>

#include "lstar/study/fit_study.h"

namespace lstar {

// A line a form with its errors, then coefficients and residuals; with `in_full` each form's models with their
// leverage and each fit that left something out.
std::string fit_text(const FitStudy&, bool in_full, bool colour);

}  // namespace lstar
