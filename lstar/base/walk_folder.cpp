#include "lstar/base/walk_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

namespace lstar {
namespace {

struct Close {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

bool is_folder(DIR* folder, const dirent& entry) {
  if (entry.d_type != DT_LNK && entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat status {};
  return ::fstatat(::dirfd(folder), entry.d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

int walk_folder(const std::string& path, const std::function<bool(const FolderEntry&)>& take) {
  const std::unique_ptr<DIR, Close> folder(::opendir(path.c_str()));
  if (!folder) return errno;
  while (true) {
    errno = 0;
    const dirent* const entry = ::readdir(folder.get());
    if (!entry) return errno;
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !take({name, is_folder(folder.get(), *entry)})) return 0;
  }
}

}  // namespace lstar
