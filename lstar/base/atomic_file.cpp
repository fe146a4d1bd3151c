#include "lstar/base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "lstar/base/file_limit.h"

namespace lstar {
namespace {

tl::unexpected<Error> system_error(const char* what, const std::string& path) {
  return fail({.what = std::string(what) + ": " + std::strerror(errno), .file = path});
}

bool write_all(int fd, std::string_view content) {
  const FileLimitAsError limit;
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

Result<void> write_file(const std::string& path, std::string_view content) {
  std::string temporary = path + ".XXXXXX";
  const int fd = ::mkstemp(temporary.data());
  if (fd < 0) return system_error("cannot be written", path);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  const bool good = write_all(fd, content) && ::fchmod(fd, 0666 & ~mask) == 0 && ::fsync(fd) == 0;
  const int saved = errno;
  ::close(fd);
  if (good && ::rename(temporary.c_str(), path.c_str()) == 0) return {};
  if (!good) errno = saved;
  auto error = system_error("cannot be written", path);
  ::unlink(temporary.c_str());
  return error;
}

Result<void> make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail({.what = "cannot make the folder: " + error.message(), .file = path});
  std::string probe = path + "/.writable.XXXXXX";
  const int fd = ::mkstemp(probe.data());
  if (fd < 0) return system_error("cannot write in this folder", path);
  ::close(fd);
  ::unlink(probe.c_str());
  return {};
}

Result<std::string> read_file(const std::string& path, size_t limit, FileKind kind) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (kind == FileKind::regular ? O_NONBLOCK : 0));
  if (fd < 0) return system_error("cannot be read", path);
  struct stat status {};
  if (kind == FileKind::regular && (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
    ::close(fd);
    errno = EISDIR;
    if (S_ISDIR(status.st_mode)) return system_error("cannot be read", path);
    return fail({.what = "not a regular file", .file = path});
  }
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      auto error = system_error("cannot be read", path);
      ::close(fd);
      return error;
    }
    if (got == 0) break;
    content.append(buffer, static_cast<size_t>(got));
    if (content.size() > limit) {
      ::close(fd);
      return fail({.what = "file too large", .file = path, .expected = "at most " + std::to_string(limit) + " bytes"});
    }
  }
  ::close(fd);
  return content;
}

}  // namespace lstar
