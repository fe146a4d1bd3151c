// A blob on its way: bytes are appended and hashed, then the file is renamed into place or left for the next process to
// continue. Owns the open file. One thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lstar/base/result.h"
#include "lstar/checkpoint/digest.h"
#include "lstar/hub/hub_client.h"

namespace lstar {

class IncompleteFile {
 public:
  // Takes over what somebody left in `folder` of the same etag, else makes an empty file. Refuses when the disk cannot
  // hold the rest.
  static Result<IncompleteFile> open(const std::string& folder, const RemoteFile& file);

  IncompleteFile(IncompleteFile&& other) noexcept;
  IncompleteFile& operator=(IncompleteFile&&) = delete;
  ~IncompleteFile();

  uint64_t size() const { return size_; }
  bool continued() const { return continued_; }  // began with bytes of an earlier process

  Result<void> append(std::span<const std::byte> bytes);

  // Checks size and hash, syncs, renames to <folder>/<etag>. A file of another hash is removed.
  Result<void> finish();

 private:
  IncompleteFile(std::string path, int fd, const RemoteFile& file);
  Result<void> take_over();

  std::string path_;
  int fd_ = -1;
  RemoteFile file_;
  Digest digest_;
  uint64_t size_ = 0;
  bool continued_ = false;
};

}  // namespace lstar
