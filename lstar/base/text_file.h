// Text that a user wrote or exported: read as UTF-8 or refused by what it is, with the way to make text of it. Pure but
// for read_text_file.
#pragma once

#include <string>
#include <string_view>

#include "lstar/base/result.h"

namespace lstar {

// The whole of a text file; refused as check_text does.
Result<std::string> read_text_file(const std::string& path, size_t limit = size_t{1} << 30);

// Refuses what is not UTF-8 text: another format by its name, UTF-16 and UTF-32, a NUL, the first malformed byte.
// `source` names it in the error.
Result<void> check_text(std::string_view content, const std::string& source);

// The last of these alone, for what somebody typed.
Result<void> check_utf8(std::string_view content, const std::string& source);

// Takes the next line off `rest`, without its end: LF, CRLF, or the CR alone of older systems.
std::string_view next_line(std::string_view& rest);

// Whether there is nothing but white space, that of other scripts included.
bool is_blank(std::string_view text);

}  // namespace lstar
