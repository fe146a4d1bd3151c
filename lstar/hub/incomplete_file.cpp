#include "lstar/hub/incomplete_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "lstar/base/file_limit.h"
#include "lstar/base/walk_folder.h"
#include "lstar/checkpoint/digest.h"
#include "lstar/hub/hub_cache.h"

namespace lstar {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".incomplete";

tl::unexpected<Error> system_error(const char* what, const std::string& path) {
  return fail({.kind = kind_of_errno(errno), .what = std::string(what) + ": " + std::strerror(errno), .file = path});
}

std::string fresh_path(const std::string& folder, const std::string& etag) {
  std::random_device random;
  return fmt::format("{}/{}.{:08x}{}", folder, etag, static_cast<uint32_t>(random()), kSuffix);
}

// What earlier processes left of a file, and what is being written now.
std::vector<fs::directory_entry> parts_of(const std::string& folder, const RemoteFile& file) {
  std::vector<fs::directory_entry> parts;
  walk_folder(folder, [&](const FolderEntry& entry) {
    std::error_code ignored;
    if (entry.name.starts_with(file.etag + ".") && entry.name.ends_with(kSuffix))
      parts.emplace_back(fmt::format("{}/{}", folder, entry.name), ignored);
    return true;
  });
  return parts;
}

// The longest file that an earlier process left, opened under a new name that is ours alone. Nobody writes to it any
// more: its writer would hold the blob's lock, which we hold, and a lock on the file itself.
std::optional<std::pair<std::string, int>> left_behind(const std::string& folder, const RemoteFile& file) {
  std::string best;
  uint64_t most = 0;
  for (const fs::directory_entry& entry : parts_of(folder, file)) {
    std::error_code ignored;
    const uint64_t size = entry.file_size(ignored);
    if (ignored || !entry.is_regular_file(ignored) || entry.is_symlink(ignored) || size > file.size) continue;
    if (!best.empty() && size <= most) continue;
    most = size;
    best = entry.path();
  }
  if (best.empty()) return std::nullopt;
  const int fd = ::open(best.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return std::nullopt;
  const std::string ours = fresh_path(folder, file.etag);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0 && ::rename(best.c_str(), ours.c_str()) == 0) return std::pair{ours, fd};
  ::close(fd);
  return std::nullopt;
}

// The blob is there: what other processes left of it, killed ones for the most part, is of no use to anyone. One that
// is longer than the blob was no beginning of it, and is not ours.
void remove_left_behind(const std::string& folder, const RemoteFile& file) {
  for (const fs::directory_entry& part : parts_of(folder, file)) {
    const int fd = ::open(part.path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) continue;
    struct stat status {};
    const bool is_beginning = ::fstat(fd, &status) == 0 && static_cast<uint64_t>(status.st_size) <= file.size;
    if (is_beginning && ::flock(fd, LOCK_EX | LOCK_NB) == 0) ::unlink(part.path().c_str());
    ::close(fd);
  }
}

}  // namespace

IncompleteFile::IncompleteFile(std::string path, int fd, const RemoteFile& file)
    : path_(std::move(path)), fd_(fd), file_(file), digest_(digest_of(file.etag, file.size)) {}

IncompleteFile::IncompleteFile(IncompleteFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      file_(std::move(other.file_)),
      digest_(std::move(other.digest_)),
      size_(other.size_),
      continued_(other.continued_) {}

IncompleteFile::~IncompleteFile() {
  if (fd_ < 0) return;
  if (size_ == 0) ::unlink(path_.c_str());
  ::close(fd_);
}

Result<IncompleteFile> IncompleteFile::open(const std::string& folder, const RemoteFile& file) {
  std::optional<IncompleteFile> opened;
  if (auto left = left_behind(folder, file)) {
    opened.emplace(IncompleteFile(std::move(left->first), left->second, file));
    LSTAR_TRY(opened->take_over());
  } else {
    const std::string path = fresh_path(folder, file.etag);
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return fail(cannot_write("cannot be written", path, errno));
    ::flock(fd, LOCK_EX | LOCK_NB);
    opened.emplace(IncompleteFile(path, fd, file));
  }
  struct statvfs disk {};
  const uint64_t rest = file.size - opened->size_;
  if (::statvfs(folder.c_str(), &disk) == 0 && disk.f_frsize > 0 && rest / disk.f_frsize > disk.f_bavail)
    return fail({.kind = ErrorKind::unreachable,
                 .what = "not enough room on the disk for " + file.name,
                 .file = folder,
                 .expected = fmt::format("{} bytes", rest),
                 .found = fmt::format("{}", static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize)});
  return *std::move(opened);
}

// Hashes what is there, to go on behind it.
Result<void> IncompleteFile::take_over() {
  std::vector<std::byte> buffer(size_t{1} << 20);
  while (true) {
    const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("cannot be read", path_);
    if (got == 0) break;
    digest_.update(std::span(buffer).first(static_cast<size_t>(got)));
    size_ += static_cast<uint64_t>(got);
  }
  continued_ = size_ > 0;
  return {};
}

Result<void> IncompleteFile::append(std::span<const std::byte> bytes) {
  digest_.update(bytes);
  while (!bytes.empty()) {
    const FileLimitAsError limit;
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail(cannot_write("cannot be written", path_, errno));
    bytes = bytes.subspan(static_cast<size_t>(written));
    size_ += static_cast<uint64_t>(written);
  }
  return {};
}

Result<void> IncompleteFile::finish() {
  const std::string hash = digest_.finish();
  if (size_ != file_.size || (is_content_hash(file_.etag) && hash != file_.etag)) {
    size_ = 0;  // nothing of it is of use; the destructor removes it
    return fail({.kind = ErrorKind::unreachable,
                 .what = "arrived damaged",
                 .file = file_.name,
                 .expected = (file_.etag.size() == 40 ? "git sha1 " : "sha256 ") + file_.etag,
                 .found = hash});
  }
  const std::string place = path_.substr(0, path_.rfind('/') + 1) + file_.etag;
  if (::fsync(fd_) != 0 || ::rename(path_.c_str(), place.c_str()) != 0) {
    struct stat status {};
    if (errno != ENOENT || ::stat(place.c_str(), &status) != 0)
      return fail(cannot_write("cannot be written", place, errno));
  }
  ::close(fd_);
  fd_ = -1;
  remove_left_behind(path_.substr(0, path_.rfind('/')), file_);
  return {};
}

}  // namespace lstar
