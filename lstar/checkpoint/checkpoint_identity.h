// Which bytes a result came from: the weight files of a checkpoint with their sizes and SHA-256.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "lstar/base/result.h"

namespace lstar {

class Checkpoint;

struct FileIdentity {
  std::string file;  // its name, without folders
  uint64_t bytes = 0;
  std::string sha256;  // 64 lower-case hexadecimal digits

  bool operator==(const FileIdentity&) const = default;
};

// For another thread: how far it is, and that it should end soon, with an error that nobody reads.
struct HashWatch {
  std::atomic<uint64_t> done = 0;  // bytes
  std::atomic<bool> stop = false;
};

// Hashes every weight file as it is mapped (so the bytes that are computed with, whatever became of the path since),
// about a second for each 1-2 GB. Pages are given back on the way. Thread-safe.
// A folder in `memory` keeps what was found: a file with the same inode, size and times of change is not hashed again.
// One that was changed within the last seconds is not remembered, and a folder that cannot be written is no error.
// A blob of a cache that is named after another SHA-256 is an error: it was damaged since it was fetched.
Result<std::vector<FileIdentity>> identify(const Checkpoint&, const std::string& memory = {},
                                           HashWatch* watch = nullptr);

// Whether every weight file is as it was when it was opened. What was computed, and hashed, before this call belongs to
// one state of the files only if it is.
Result<void> check_unchanged(const Checkpoint&);

}  // namespace lstar
