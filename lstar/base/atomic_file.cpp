#include "lstar/base/atomic_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <random>

#include <fmt/core.h>

#include "lstar/base/file_limit.h"

namespace lstar {
namespace {

tl::unexpected<Error> system_error(const char* what, const std::string& path) {
  return fail({.kind = kind_of_errno(errno), .what = std::string(what) + ": " + std::strerror(errno), .file = path});
}

struct Closing {
  int fd;
  ~Closing() {
    if (fd >= 0) ::close(fd);
  }
};

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

// What lies at the path already.
enum class Existing : uint8_t { stays, is_replaced };

std::string beside(const std::string& path) {
  std::random_device random;
  return fmt::format("{}.{:06x}", path, random() & 0xffffff);
}
constexpr int kAttempts = 100;  // at a name beside it that is free

// Renames where the new name is free. File systems that know no such thing are asked to link, and then to rename.
int rename_if_free(const char* from, const char* to) {
  if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno == EEXIST) return -1;
  if (::link(from, to) == 0) return ::unlink(from);
  if (errno == EEXIST) return -1;
  struct stat status;
  if (::lstat(to, &status) == 0) {
    errno = EEXIST;
    return -1;
  }
  return ::rename(from, to);
}

// Gives what lies beside its place that place, or removes it: 0, or -1 and errno.
int put_in_place(const std::string& temporary, const std::string& path, Existing existing) {
  const int done = existing == Existing::stays ? rename_if_free(temporary.c_str(), path.c_str())
                                               : ::rename(temporary.c_str(), path.c_str());
  const int saved = errno;
  if (done != 0) ::unlink(temporary.c_str());
  errno = saved;
  return done;
}

// A file without a name; -1 where the file system has none.
int make_unnamed(const std::string& folder) { return ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666); }

int link_unnamed(int fd, const std::string& path) {
  return ::linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", fd).c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW);
}

// Writes what has no name until all of it is there: a process that is killed leaves nothing of it, but for a moment in
// which a file that is to be replaced lies beside it. Whether it has taken its place; nothing where files without a
// name cannot be had, or not be given one.
std::optional<Result<bool>> write_unnamed(const std::string& path, std::string_view content, Existing existing) {
  const size_t slash = path.find_last_of('/');
  const Closing file{make_unnamed(slash == std::string::npos ? "." : path.substr(0, slash + 1))};
  if (file.fd < 0) return std::nullopt;
  if (!write_all(file.fd, content) || ::fsync(file.fd) != 0) return system_error("cannot be written", path);
  if (link_unnamed(file.fd, path) == 0) return true;
  if (errno == EEXIST && existing == Existing::stays) return false;
  for (int attempt = 0; errno == EEXIST && attempt < kAttempts; ++attempt) {
    const std::string temporary = beside(path);
    if (link_unnamed(file.fd, temporary) != 0) continue;
    if (put_in_place(temporary, path, existing) == 0) return true;
    return system_error("cannot be written", path);
  }
  return std::nullopt;
}

// A new file beside `path`, with the rights that any new file gets (mkstemp's has others, and only a process of one
// thread may ask for its mask).
int make_beside(const std::string& path, std::string& temporary) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    temporary = beside(path);
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

// Whether it has taken its place.
Result<bool> write_whole(const std::string& path, std::string_view content, Existing existing) {
  if (const auto written = write_unnamed(path, content, existing)) return *written;
  std::string temporary;
  const int fd = make_beside(path, temporary);
  if (fd < 0) return system_error("cannot be written", path);
  const bool good = write_all(fd, content) && ::fsync(fd) == 0;
  const int saved = errno;
  ::close(fd);
  if (good && put_in_place(temporary, path, existing) == 0) return true;
  if (good && existing == Existing::stays && errno == EEXIST) return false;
  if (!good) errno = saved;
  auto error = system_error("cannot be written", path);
  if (!good) ::unlink(temporary.c_str());
  return error;
}

}  // namespace

Result<void> write_file(const std::string& path, std::string_view content) {
  const auto written = write_whole(path, content, Existing::is_replaced);
  if (!written) return fail(written.error());
  return {};
}

Result<bool> write_new_file(const std::string& path, std::string_view content) {
  return write_whole(path, content, Existing::stays);
}

bool file_exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

std::error_code make_folders(const std::string& path) {
  std::error_code error, unknown;
  std::filesystem::create_directories(path, error);
  return error && !std::filesystem::is_directory(path, unknown) ? error : std::error_code();
}

Result<void> make_writable_folder(const std::string& path) {
  if (const std::error_code error = make_folders(path))
    return fail(
        {.kind = kind_of_errno(error.value()), .what = "cannot make the folder: " + error.message(), .file = path});
  if (const Closing unnamed{make_unnamed(path)}; unnamed.fd >= 0) return {};
  std::string probe = path + "/.writable.XXXXXX";
  const int fd = ::mkstemp(probe.data());
  if (fd < 0) return system_error("cannot write in this folder", path);
  ::close(fd);
  ::unlink(probe.c_str());
  return {};
}

namespace {

// What a pipe without bytes is waited for: `nobody`, who has not opened it for writing and may never, for ten seconds.
enum class Silence { somebody, nobody };
bool wait_for_bytes(int fd, Silence silence) {
  pollfd asked{fd, POLLIN, 0};
  int ready = -1;
  while ((ready = ::poll(&asked, 1, silence == Silence::nobody ? 10'000 : -1)) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t limit, Pipes pipes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe would be waited for here
  if (fd < 0) return system_error("cannot be read", path);
  const Closing closing{fd};
  struct stat status {};
  const bool is_known = ::fstat(fd, &status) == 0;
  if (pipes == Pipes::refused && !(is_known && S_ISREG(status.st_mode))) {
    if (S_ISDIR(status.st_mode))
      return fail({.kind = ErrorKind::unsupported,
                   .what = std::string("cannot be read: ") + std::strerror(EISDIR),
                   .file = path});
    return fail({.kind = ErrorKind::unsupported, .what = "not a regular file", .file = path});
  }
  std::string content;
  char buffer[1 << 16];
  bool is_silent_pipe = is_known && S_ISFIFO(status.st_mode);  // until it is seen that somebody writes
  while (true) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {  // it is open for writing
      is_silent_pipe = false;
      if (wait_for_bytes(fd, Silence::somebody)) continue;
    }
    if (got < 0) return system_error("cannot be read", path);
    if (got == 0 && is_silent_pipe) {
      is_silent_pipe = !wait_for_bytes(fd, Silence::nobody);
      if (!is_silent_pipe) continue;
      return fail({.kind = ErrorKind::unreachable, .what = "a pipe into which nobody writes", .file = path});
    }
    if (got == 0) break;
    is_silent_pipe = false;
    content.append(buffer, static_cast<size_t>(got));
    if (content.size() > limit)
      return fail({.kind = ErrorKind::unsupported,
                   .what = "file too large",
                   .file = path,
                   .expected = "at most " + std::to_string(limit) + " bytes"});
  }
  return content;
}

}  // namespace lstar
