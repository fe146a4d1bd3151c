// Small things about text that every folder needs. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lstar {

// A to Z in small letters, all other bytes as they are, whatever the locale.
std::string lower_ascii(std::string_view text);

void append_utf8(uint32_t code_point, std::string& out);

// Whether a character commands a terminal, ends a line, or turns round or hides what stands beside it: controls,
// separators of lines and paragraphs, marks of direction (U+061C, U+200E to U+202E, U+2066 to U+2069), and tags.
bool is_unseen(uint32_t code_point);

// A character of UTF-8 and its bytes. Where none begins: U+FFFD, not valid, and the bytes of the maximal part of one
// (the Unicode Standard's recommended practice, chapter 3.9, which Python's "replace" follows). The text is not empty.
struct DecodedCharacter {
  uint32_t code_point = 0;
  size_t bytes = 1;
  bool valid = true;
};
DecodedCharacter first_character(std::string_view text);

bool is_utf8(std::string_view bytes);

// Nothing for a valid text; else the text with U+FFFD for each maximal part of an ill-formed sequence, as above.
std::optional<std::string> repair_utf8(std::string_view text);

// The text, repaired where it must be.
std::string valid_utf8(std::string_view text);

// A text whose every unseen character is a blank, and a '?' where a byte of its own would be one to an old terminal:
// one line that may be shown anywhere. Other bytes that are not UTF-8 stay: names of files may have them.
std::string one_plain_line(std::string_view text);

// The text behind a byte order mark, if it opens with one.
std::string_view without_mark(std::string_view content);

}  // namespace lstar
