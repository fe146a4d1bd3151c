// How long-running calls say where they are, and how they are stopped. The library never prints: a caller passes an
// OnStep and decides.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <thread>

#include "lstar/base/result.h"

namespace lstar {

// What a call is at, and what it counts there.
enum class Phase {
  downloading,  // bytes, of a file of the hub
  opening,      // models: headers are read, weights found, the tokenizer is read when it is first needed
  tokenizing,   // prompts
  norms,        // layers whose weights' norms are known
  layers,       // layers that prompts went through, once for each wave of them
  hashing,      // bytes of weight files
};
std::string_view name_of(Phase);  // "layers"

struct Step {
  Phase phase = Phase::opening;
  int64_t done = 0, total = 0;
  double rate = 0;             // how many a second since this phase began; 0 while there is nothing to tell it by
  std::string_view item = {};  // the file at hand; may be empty
};

// Called from the thread that made the call. False ends the call, with the error cancelled(); a layer that is at hand
// is finished first. May be empty.
using OnStep = std::function<bool(const Step&)>;

inline Error cancelled() { return {.kind = ErrorKind::cancelled, .what = "interrupted"}; }

// One call's steps: keeps the time at which each phase began, and that the call was ended. May be used by the call's
// workers too: what they report goes nowhere, but they hear of the end.
class Steps {
 public:
  explicit Steps(OnStep on_step) : on_step_(std::move(on_step)) {}

  Result<void> at(Phase phase, int64_t done, int64_t total, std::string_view item = {});
  // For hooks that can end a call as well.
  Result<void> end();

 private:
  using Clock = std::chrono::steady_clock;

  OnStep on_step_;
  std::thread::id caller_ = std::this_thread::get_id();
  std::atomic<bool> ended_ = false;
  std::optional<Phase> phase_;
  Clock::time_point began_{};
  int64_t first_ = 0;  // done when it began
};

}  // namespace lstar
