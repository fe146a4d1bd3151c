#include "lstar/hub/near_path.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "lstar/base/nearest.h"
#include "lstar/base/walk_folder.h"

namespace lstar {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostEntries = 10'000;  // of a folder
constexpr size_t kShortestBeginning = 3;
constexpr size_t kLongestPath = 4096;

std::optional<std::string> near_name(const fs::path& folder, const std::string& name) {
  std::vector<std::string> names, beginning;
  walk_folder(folder, [&](const FolderEntry& entry) {
    if (entry.name.starts_with('.') && !name.starts_with('.')) return true;
    if (entry.name.starts_with(name)) beginning.emplace_back(entry.name);
    names.emplace_back(entry.name);
    return names.size() < kMostEntries;
  });
  std::sort(names.begin(), names.end());
  if (auto close = nearest(name, names)) return close;
  if (name.size() >= kShortestBeginning && beginning.size() == 1) return beginning[0];
  return std::nullopt;
}

}  // namespace

std::optional<std::string> near_path(const std::string& path) {
  if (path.empty() || path.size() > kLongestPath) return std::nullopt;
  fs::path there;
  for (const fs::path& part : fs::path(path).lexically_normal()) {
    if (part.empty()) continue;  // behind a '/' at the end
    std::error_code error;
    if (fs::exists(there / part, error)) {
      there /= part;
      continue;
    }
    const auto name = near_name(there.empty() ? "." : there, part);
    if (!name) return std::nullopt;
    there /= *name;
  }
  std::error_code error;
  if (!fs::exists(there, error)) return std::nullopt;
  const std::string found = there;
  return found.starts_with('/') || found.starts_with("../") ? found : "./" + found;
}

}  // namespace lstar
