// How long-running calls say where they are. The library never prints: a caller passes a Progress and decides.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "lstar/base/result.h"

namespace lstar {

// Called with the step at hand ("layer"), how many are done and how many there are; false ends the call that reports,
// with the error cancelled(). May be empty. Called from the thread that made the call.
using Progress = std::function<bool(std::string_view step, int64_t done, int64_t total)>;

inline Error cancelled() { return {.kind = ErrorKind::cancelled, .what = "interrupted"}; }

inline Result<void> report(const Progress& progress, std::string_view step, int64_t done, int64_t total) {
  if (progress && !progress(step, done, total)) return fail(cancelled());
  return {};
}

}  // namespace lstar
