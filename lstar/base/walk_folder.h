// What is in a folder, name by name, in the system's order. (libstdc++'s iterators of std::filesystem move on in a
// function that may not throw, and end the process where memory runs out.)
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace lstar {

struct FolderEntry {
  std::string_view name;
  bool is_folder = false;  // or a link to one
};

// Without "." and "..". Ends where `take` answers false. The error of a folder that cannot be read; 0 otherwise.
int walk_folder(const std::string& path, const std::function<bool(const FolderEntry&)>& take);

}  // namespace lstar
