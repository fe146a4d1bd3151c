// What toml++ is not asked: it reads values inside values and the parts of a dotted key by calls inside calls, as deep
// as the file says.
#pragma once

#include <string>
#include <string_view>

#include "lstar/base/result.h"

namespace lstar {

// Refuses TOML that is nested deeper, or has keys of more parts, than limits::kTomlDepth. Text that is not TOML may
// pass: the parser refuses it where it ends to be TOML, and what is in front of that place has been looked at.
Result<void> check_toml_depth(std::string_view text, const std::string& source);

}  // namespace lstar
