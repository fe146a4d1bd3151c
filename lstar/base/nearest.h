// What somebody may have meant: the known name that a mistyped one is closest to.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lstar {

// The known name that the fewest edits make of `given`: a character put in, left out, replaced, or two neighbours
// swapped; upper and lower case are the same. Of equals the first. Where it takes more than about a third of the
// length, the one name that begins so. Nothing for names of more than 256 bytes.
std::optional<std::string> nearest(std::string_view given, std::span<const std::string> known);

}  // namespace lstar
