#include "lstar/base/result.h"

#include <cerrno>

#include "lstar/base/text.h"

namespace lstar {
namespace {

// Names and values read from a file may be as long as the file.
std::string shortened(const std::string& part, size_t longest = 400) {
  if (part.size() <= longest) return part;
  size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(part[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return part.substr(0, end) + "...";
}

}  // namespace

const char* name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::cancelled: return "cancelled";
    case ErrorKind::memory: return "memory";
    case ErrorKind::changed: return "changed";
    case ErrorKind::unreachable: return "unreachable";
    case ErrorKind::unsupported: return "unsupported";
    case ErrorKind::missing: return "missing";
    case ErrorKind::argument: return "argument";
    case ErrorKind::malformed: break;
  }
  return "malformed";
}

ErrorKind kind_of_errno(int error) {
  if (error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG) return ErrorKind::missing;
  return error == ENOMEM ? ErrorKind::memory : ErrorKind::unreachable;
}

std::string Error::message() const {
  std::string line;
  for (const std::string& part : {file, shortened(at), shortened(what)}) {
    if (part.empty()) continue;
    if (!line.empty()) line += ": ";
    line += part;
  }
  if (!expected.empty()) line += (line.empty() ? "expected " : ": expected ") + shortened(expected, 1000);
  if (!found.empty()) line += (expected.empty() ? ": found " : ", found ") + shortened(found);
  return one_plain_line(line);  // a name read from a file never breaks the line and commands no terminal
}

Error Error::in(std::string path) && {
  if (file.empty()) file = std::move(path);
  return std::move(*this);
}

}  // namespace lstar
