#include "lstar/base/result.h"

namespace lstar {

std::string Error::message() const {
  std::string line;
  for (const std::string* part : {&file, &at, &what}) {
    if (part->empty()) continue;
    if (!line.empty()) line += ": ";
    line += *part;
  }
  if (!expected.empty()) line += (line.empty() ? "expected " : ": expected ") + expected;
  if (!found.empty()) line += (expected.empty() ? ": found " : ", found ") + found;
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';  // a name read from a file never breaks the line
  return line;
}

Error Error::in(std::string path) && {
  if (file.empty()) file = std::move(path);
  return std::move(*this);
}

}  // namespace lstar
