// Small things about text that every folder needs. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lstar {

// A to Z in small letters, all other bytes as they are, whatever the locale.
std::string lower_ascii(std::string_view text);

void append_utf8(uint32_t code_point, std::string& out);

// The text behind a byte order mark, if it opens with one.
std::string_view without_mark(std::string_view content);

}  // namespace lstar
