#include "lstar/checkpoint/folder_listing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "lstar/base/walk_folder.h"

namespace lstar {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostNames = 100'000;
constexpr size_t kMostFolders = 1000;  // each of which may be looked into

bool fits(std::string_view name, std::string_view begin, std::string_view end) {
  return name.size() >= begin.size() + end.size() && name.starts_with(begin) && name.ends_with(end);
}

}  // namespace

bool Listing::has(std::string_view name) const {
  if (std::binary_search(names.begin(), names.end(), name, std::less<>())) return true;
  if (!name.ends_with('/')) return false;
  const auto next = std::lower_bound(names.begin(), names.end(), name, std::less<>());
  return next != names.end() && next->starts_with(name);
}

std::vector<std::string> Listing::files(std::string_view begin, std::string_view end) const {
  std::vector<std::string> found;
  for (const std::string& name : names)
    if (name.find('/') == std::string::npos && fits(name, begin, end)) found.push_back(name);
  return found;
}

std::vector<std::string> Listing::folders() const {
  std::vector<std::string> found;
  for (const std::string& name : names) {
    const size_t slash = name.find('/');
    if (slash == std::string::npos) continue;
    if (!found.empty() && found.back() == std::string_view(name).substr(0, slash)) continue;
    if (found.size() == kMostFolders) break;
    found.push_back(name.substr(0, slash));
  }
  return found;
}

Listing Listing::under(const std::string& name) const {
  if (!folder.empty()) {
    auto listed = list_folder(folder + "/" + name);
    return listed ? *std::move(listed) : Listing{.folder = folder + "/" + name, .names = {}};
  }
  Listing inner;
  const std::string prefix = name + "/";
  // What begins so is together, as the names are sorted.
  for (auto path = std::upper_bound(names.begin(), names.end(), prefix);
       path != names.end() && path->starts_with(prefix); ++path)
    inner.names.push_back(path->substr(prefix.size()));
  return inner;
}

Result<Listing> list_folder(const std::string& path) {
  Listing listing{.folder = path, .names = {}};
  const int error = walk_folder(path, [&](const FolderEntry& entry) {
    listing.names.emplace_back(entry.name);
    if (entry.is_folder) listing.names.back() += '/';
    return listing.names.size() < kMostNames;
  });
  if (error != 0)
    return fail(
        {.kind = kind_of_errno(error), .what = std::string("cannot be read: ") + std::strerror(error), .file = path});
  std::sort(listing.names.begin(), listing.names.end());
  return listing;
}

Result<bool> is_there(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return true;
  const int error = errno;
  if (error != ENOENT && error != ENOTDIR && error != ENAMETOOLONG)
    return fail(
        {.kind = kind_of_errno(error), .what = std::string("cannot be read: ") + std::strerror(error), .file = path});
  if (::lstat(path.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return false;
  std::error_code ignored;
  return fail({.kind = ErrorKind::missing,
               .what = "points to a file that is not there",
               .file = path,
               .found = plain_text(fs::read_symlink(path, ignored).string(), 300)});
}

Result<bool> is_readable(const std::string& path) {
  LSTAR_ASSIGN(const bool there, is_there(path));
  if (there && ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0)
    return fail(
        {.kind = kind_of_errno(errno), .what = std::string("cannot be read: ") + std::strerror(errno), .file = path});
  return there;
}

std::string first_few(const std::vector<std::string>& names, size_t count) {
  std::string few;
  for (size_t i = 0; i < std::min(names.size(), count); ++i) few += (i == 0 ? "" : ", ") + plain_text(names[i]);
  return names.size() > count ? few + " and " + std::to_string(names.size() - count) + " more" : few;
}

std::string plain_text(std::string_view text, size_t longest) {
  std::string plain(text.substr(0, longest));
  for (char& c : plain)
    if (c < ' ' || c > '~') c = '?';
  return text.size() > longest ? plain + "..." : plain;
}

}  // namespace lstar
