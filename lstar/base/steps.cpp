#include "lstar/base/steps.h"

namespace lstar {

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::downloading: return "downloading";
    case Phase::opening: return "opening";
    case Phase::tokenizing: return "tokenizing";
    case Phase::norms: return "norms";
    case Phase::layers: return "layers";
    case Phase::hashing: return "hashing";
  }
  return "";
}

Result<void> Steps::at(Phase phase, int64_t done, int64_t total, std::string_view item) {
  if (ended_) return fail(cancelled());
  if (!on_step_ || std::this_thread::get_id() != caller_) return {};
  const auto now = Clock::now();
  if (phase_ != phase || done < first_) {
    phase_ = phase;
    began_ = now;
    first_ = done;
  }
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const double rate = seconds > 0 ? static_cast<double>(done - first_) / seconds : 0;
  return on_step_({.phase = phase, .done = done, .total = total, .rate = rate, .item = item}) ? Result<void>() : end();
}

Result<void> Steps::end() {
  ended_ = true;
  return fail(cancelled());
}

}  // namespace lstar
