// Names of the files of one result in a folder that may hold others': STEM_TIME.EXTENSION, or STEM_TIME_2.EXTENSION,
// ... where another result of that time is there. The JSON is made first and claims the others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"

namespace lstar {

class FileNames {
 public:
  // `stems` are all that the result may have; the first is the JSON's.
  FileNames(std::string folder, const std::string& timestamp, std::vector<std::string_view> stems);

  std::string path(std::string_view stem, std::string_view extension) const;
  std::string json() const { return path(stems_.front(), "json"); }

  // Writes the JSON under the first of these names that is free, or that has the same JSON, and goes on to it.
  Result<void> claim(const std::string& json);
  // Another file of the same result.
  Result<std::string> write(std::string_view stem, std::string_view extension, std::string_view content) const;

 private:
  bool is_taken() const;  // by files without the JSON that belongs to them

  std::string folder_, timestamp_;
  std::vector<std::string_view> stems_;
  int number_ = 1;
};

}  // namespace lstar
