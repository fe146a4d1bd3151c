// The least file of a row of the table of first bytes: its signature between bytes that no text has.
#pragma once

#include <string>

#include "lstar/base/file_magic.h"

namespace lstar::testing {

inline std::string file_with(const FileMagic& magic) {
  std::string content(magic.at, '\x01');
  content += magic.bytes;
  content += std::string("\x01\0\xfe\x01\x01", 5);
  return content;
}

}  // namespace lstar::testing
