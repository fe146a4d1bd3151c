#include <algorithm>

#include <fmt/core.h>

#include "lstar/model/forward.h"

namespace lstar {

Result<void> check_prompt(const Architecture& a, std::span<const int32_t> ids) {
  if (ids.empty()) return fail(ErrorKind::argument, "empty prompt: no tokens");
  // Padding takes no position, where there is any.
  const auto placed = static_cast<int64_t>(ids.size()) - std::count(ids.begin(), ids.end(), a.padding_token);
  if (a.positions_are_limited && placed > a.max_positions)
    return fail({.kind = ErrorKind::argument,
                 .what = "prompt longer than the model's positions",
                 .expected = fmt::format("at most {} tokens", a.max_positions),
                 .found = fmt::format("{}", placed)});
  for (int32_t id : ids)
    if (id < 0 || id >= a.vocab)
      return fail({.kind = ErrorKind::argument,
                   .what = "token id out of range",
                   .expected = fmt::format("0 to {}", a.vocab - 1),
                   .found = fmt::format("{}", id)});
  return {};
}

}  // namespace lstar
