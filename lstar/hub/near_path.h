// A path that is on disk and that a mistyped one may have meant.
#pragma once

#include <optional>
#include <string>

namespace lstar {

// The same path with those parts corrected that lead nowhere, each to the nearest name beside it
// (lstar/base/nearest.h), or to the one name that it is the beginning of; relative ones begin with "./". Nothing where
// that finds no file.
std::optional<std::string> near_path(const std::string& path);

}  // namespace lstar
