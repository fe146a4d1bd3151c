// --dry-run: what a study would take.
#pragma once

#include "lstar/study/study.h"

namespace lstar::cli {

// Says time, memory and bytes, and measures nothing. Models that are not on this machine are named with what their
// download takes. The exit status.
int dry_run(const Study&, int threads, bool keeps, bool json);

}  // namespace lstar::cli
