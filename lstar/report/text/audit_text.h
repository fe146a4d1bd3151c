// An audit for the terminal. Pure; at most 100 columns wide.
#pragma once

#include <span>
#include <string>

#include "lstar/study/audit.h"

namespace lstar {

// A line a claim with both numbers and the verdict, below it the reason and chance; how many agree on the last line.
// `measured` is null where the published numbers were held against themselves.
std::string audit_text(std::span<const Claim>, const MeasuredPoints* measured, bool colour);

}  // namespace lstar
