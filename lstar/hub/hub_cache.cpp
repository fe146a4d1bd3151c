#include "lstar/hub/hub_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

#include "lstar/base/atomic_file.h"

namespace lstar {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestRef = 4096;

std::string parent(const std::string& path) { return fs::path(path).parent_path(); }

}  // namespace

Result<void> make_cache_folder(const std::string& path) {
  if (const std::error_code error = make_folders(path))
    return fail(cannot_write("cannot make the folder", path, error.value()));
  return {};
}

Error cannot_write(std::string what, const std::string& path, int code) {
  what += std::string(": ") + std::strerror(code);
  if (code == EACCES || code == EPERM || code == EROFS) what += "; set HF_HOME to a folder that you can write";
  if (code == ENOSPC || code == EDQUOT) what += "; set HF_HOME to a folder with more room";
  return {.kind = kind_of_errno(code), .what = std::move(what), .file = path};
}

HubCache::HubCache(const std::string& root, const std::string& repo)
    : root_(root), name_(cache_folder_of(repo)), folder_(root + "/" + name_) {}

std::optional<std::string> HubCache::commit_of(const std::string& revision) const {
  if (is_commit(revision)) return revision;
  const std::string path = folder_ + "/refs/" + revision;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  auto commit = read_file(path, kLargestRef);
  if (!commit) return std::nullopt;
  while (!commit->empty() && (commit->back() == '\n' || commit->back() == '\r')) commit->pop_back();
  return is_commit(*commit) ? std::optional(*std::move(commit)) : std::nullopt;
}

std::optional<Error> HubCache::no_access(const std::string& revision) const {
  const auto refused = [](const std::string& path) {
    return Error{.kind = ErrorKind::unreachable,
                 .what = std::string("the cache cannot be read: ") + std::strerror(EACCES) +
                         "; set HF_HUB_CACHE or HF_HOME to one that you can read",
                 .file = path};
  };
  struct stat status {};
  for (const std::string& path : {root_, folder_, folder_ + "/refs", folder_ + "/snapshots", folder_ + "/blobs"})
    if (::stat((path + "/.").c_str(), &status) != 0 && errno == EACCES) return refused(path);
  const std::string ref = folder_ + "/refs/" + revision;
  const int fd = ::open(ref.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const bool is_refused = fd < 0 && errno == EACCES;
  if (fd >= 0) ::close(fd);
  return is_refused ? std::optional(refused(ref)) : std::nullopt;
}

bool HubCache::has(const std::string& commit, const std::string& file) const {
  return file_exists(snapshot(commit) + "/" + file);
}

bool HubCache::known_absent(const std::string& commit, const std::string& file) const {
  return file_exists(folder_ + "/.no_exist/" + commit + "/" + file);
}

bool HubCache::has_blob(const std::string& etag) const { return file_exists(blob(etag)); }

Result<void> HubCache::link(const std::string& commit, const std::string& file, const std::string& etag) const {
  const std::string path = snapshot(commit) + "/" + file;
  if (file_exists(path)) return {};
  LSTAR_TRY(make_cache_folder(parent(path)));
  std::string target = "../../blobs/" + etag;
  for (auto depth = std::count(file.begin(), file.end(), '/'); depth > 0; --depth) target.insert(0, "../");
  if (::symlink(target.c_str(), path.c_str()) == 0 || file_exists(path)) return {};
  if (errno == EEXIST) {  // a dead link: its blob was removed, and this file may have another by now
    ::unlink(path.c_str());
    if (::symlink(target.c_str(), path.c_str()) == 0 || file_exists(path)) return {};
  }
  if (::rename(blob(etag).c_str(), path.c_str()) == 0 || file_exists(path)) return {};
  return fail(cannot_write("cannot be written", path, errno));
}

Result<void> HubCache::set_ref(const std::string& revision, const std::string& commit) const {
  if (revision == commit) return {};
  const std::string path = folder_ + "/refs/" + revision;
  if (const auto now = read_file(path, kLargestRef); now && *now == commit) return {};
  LSTAR_TRY(make_cache_folder(parent(path)));
  return write_file(path, commit);  // no newline: others read it as it stands
}

void HubCache::note_absent(const std::string& commit, const std::string& file) const {
  const std::string path = folder_ + "/.no_exist/" + commit + "/" + file;
  if (file_exists(path) || !make_cache_folder(parent(path))) return;
  if (const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666); fd >= 0) ::close(fd);
}

HubCache::Lock::~Lock() {
  if (fd_ >= 0) ::close(fd_);  // gives the lock back; the file stays, others may be waiting on it
}

HubCache::Lock HubCache::lock(const std::string& etag, const std::function<bool()>& waiting) const {
  const std::string folder = root_ + "/.locks/" + name_;
  if (!make_cache_folder(folder)) return {};
  Lock lock(::open((folder + "/" + etag + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
  const int fd = lock.fd();
  if (fd < 0) return {};
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return {};
    if (!waiting()) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return lock;
}

}  // namespace lstar
