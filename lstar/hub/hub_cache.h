// The hub's cache on disk, shared with huggingface_hub: <root>/models--org--name with blobs/ (files by etag),
// snapshots/ <commit>/ (links to them under their names), refs/ (which commit a branch is) and .no_exist/ (files that a
// commit is known not to have). Reading needs no rights to write. All writing is whole or not at all: blobs are renamed
// into place, links and refs come last. May be used from several threads and beside other processes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "lstar/base/result.h"
#include "lstar/checkpoint/hub_model.h"

namespace lstar {

class HubCache {
 public:
  // The part of the cache under `root` that is for this repository.
  HubCache(const std::string& root, const std::string& repo);

  const std::string& folder() const { return folder_; }  // <root>/models--org--name
  std::string snapshot(const std::string& commit) const { return folder_ + "/snapshots/" + commit; }
  std::string blob(const std::string& etag) const { return folder_ + "/blobs/" + etag; }

  // A revision's commit, as far as the cache knows: itself, or what refs/ says. Never a guess.
  std::optional<std::string> commit_of(const std::string& revision) const;

  bool has(const std::string& commit, const std::string& file) const;  // in the snapshot, and not a dead link
  bool known_absent(const std::string& commit, const std::string& file) const;
  bool has_blob(const std::string& etag) const;

  // Why the cache cannot be asked for a revision, where the system does not let us look: that is not the same as
  // absent.
  std::optional<Error> no_access(const std::string& revision) const;

  // Puts a blob under its name into the snapshot: a relative link, or where links cannot be made, the file itself.
  Result<void> link(const std::string& commit, const std::string& file, const std::string& etag) const;
  // Writes refs/<revision>; a commit as revision and a ref that says so already need nothing.
  Result<void> set_ref(const std::string& revision, const std::string& commit) const;
  // Notes that a commit has no such file. A note that cannot be written is no loss.
  void note_absent(const std::string& commit, const std::string& file) const;

  // Holds <root>/.locks/<repository>/<etag>.lock while it lives. Best effort: where a file system has no locks, all go
  // on, and the last rename wins.
  class Lock {
   public:
    Lock() = default;
    explicit Lock(int fd) : fd_(fd) {}
    Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Lock& operator=(Lock&& other) noexcept {
      std::swap(fd_, other.fd_);
      return *this;
    }
    ~Lock();
    int fd() const { return fd_; }

   private:
    int fd_ = -1;
  };
  // Waits for the lock; `waiting` is called while another process holds it, and gives up by false.
  Lock lock(const std::string& etag, const std::function<bool()>& waiting) const;

 private:
  std::string root_, name_, folder_;
};

// "cannot be written: Permission denied", of a place in the cache, and what to do where that is known.
Error cannot_write(std::string what, const std::string& path, int code);

// make_folders, with cannot_write's error.
Result<void> make_cache_folder(const std::string& path);

}  // namespace lstar
