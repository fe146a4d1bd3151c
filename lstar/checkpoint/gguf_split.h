// Names of the parts of a GGUF model in several files: "NAME-00002-of-00003.gguf".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lstar {

struct GgufPartName {
  std::string prefix;  // all before the first dash: folders, too
  int number = 0;      // from 1
  int count = 0;

  std::string path(int part) const;  // of part 1 ... count
};

// Absent for a name that is not of this form.
std::optional<GgufPartName> parse_gguf_part_name(std::string_view path);

}  // namespace lstar
