// JSON as Python's json module writes and reads it, restated as JSON that any reader takes. Python goes further than
// the standard: integers of any length, floating-point numbers beyond the largest one, NaN, Infinity, -Infinity, a key
// twice in one object (the last counts) and half a surrogate pair in a text. Files on the hub have all of them.
// Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "lstar/base/result.h"

namespace lstar {

// What JSON cannot hold is restated as a text that begins with this mark, U+FFFF, which Unicode gives no character.
// For a number the literal follows, as it was written; for a text with half a surrogate pair a quotation mark and the
// text, in which the halves are the private characters U+10D800 to U+10DFFF.
inline constexpr std::string_view kBeyondJson = "\xef\xbf\xbf";

// Work and memory in proportion to the text's length, for objects of many keys times its logarithm. The error says
// what Python's reader would refuse, and in which line and column.
Result<std::string> restate_python_json(std::string_view text);

}  // namespace lstar
