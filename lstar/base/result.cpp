#include "lstar/base/result.h"

#include <algorithm>

namespace lstar {
namespace {

// Names and values read from a file may be as long as the file.
std::string shortened(const std::string& part, size_t longest = 400) {
  if (part.size() <= longest) return part;
  size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(part[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return part.substr(0, end) + "...";
}

// A name read from a file never breaks the line and commands no terminal: ASCII's control characters, those from U+0080
// to U+009F, and the separators of lines and paragraphs, U+2028 and U+2029.
void blank_controls(std::string& line) {
  const auto byte = [&](size_t i) { return i < line.size() ? static_cast<unsigned char>(line[i]) : 0; };
  for (size_t i = 0; i < line.size(); ++i) {
    const bool is_c1 = byte(i) == 0xc2 && byte(i + 1) >= 0x80 && byte(i + 1) < 0xa0;
    const bool is_separator = byte(i) == 0xe2 && byte(i + 1) == 0x80 && (byte(i + 2) == 0xa8 || byte(i + 2) == 0xa9);
    const int blank = byte(i) < 0x20 || byte(i) == 0x7f ? 1 : is_c1 ? 2 : is_separator ? 3 : 0;
    std::fill_n(line.begin() + static_cast<std::ptrdiff_t>(i), blank, ' ');
  }
}

}  // namespace

std::string Error::message() const {
  std::string line;
  for (const std::string& part : {file, shortened(at), shortened(what)}) {
    if (part.empty()) continue;
    if (!line.empty()) line += ": ";
    line += part;
  }
  if (!expected.empty()) line += (line.empty() ? "expected " : ": expected ") + shortened(expected, 1000);
  if (!found.empty()) line += (expected.empty() ? ": found " : ", found ") + shortened(found);
  blank_controls(line);
  return line;
}

Error Error::in(std::string path) && {
  if (file.empty()) file = std::move(path);
  return std::move(*this);
}

}  // namespace lstar
