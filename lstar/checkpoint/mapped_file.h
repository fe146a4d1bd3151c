// A whole file mapped into memory for reading. Owns the mapping and a descriptor of the file; the spans it gives out
// live as long as it. Links are followed (a hub's cache is made of them). All const calls may be made from several
// threads at once. Bytes behind the end of a file that somebody shortens meanwhile raise SIGBUS when they are touched:
// a program that should end with a line then calls end_at_shortened_files().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "lstar/base/result.h"

namespace lstar {

// What of a file changes when its bytes do. All zero for bytes that are no file's.
struct FileStamp {
  uint64_t device = 0, inode = 0, size = 0;
  int64_t modified = 0, changed = 0;  // nanoseconds since 1970: of its content, and of anything about it
  bool operator==(const FileStamp&) const = default;
};

class MappedFile {
 public:
  // Refuses what is not a regular file. The size is the file's at this moment.
  static Result<MappedFile> open(const std::string& path);

  // Bytes in memory in place of a file's: the caller owns them. A reader that goes past their end is then found out,
  // where a mapping would give it the rest of a page.
  static MappedFile borrow(std::span<const std::byte> bytes, std::string path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  const std::string& path() const { return path_; }
  std::string file_name() const;  // the path's last part
  uint64_t size() const { return bytes_.size(); }
  std::span<const std::byte> bytes() const { return bytes_; }
  const FileStamp& stamp() const { return stamp_; }  // when it was opened

  // Whether the file is as it was when it was opened, whatever lies at its path by now; else "changed while it was
  // read". What was computed from the bytes before this call is then of no use.
  Result<void> unchanged() const;

  // Gives the pages that hold these bytes back to the system. They are read again when touched, so this is never wrong,
  // only slow where somebody still needs them.
  void drop(uint64_t offset, uint64_t count) const;

 private:
  MappedFile() = default;

  std::string path_;
  std::span<const std::byte> bytes_;
  FileStamp stamp_;
  int descriptor_ = -1;  // none: the bytes are borrowed
  int watched_ = -1;     // its place among the files that end_at_shortened_files() knows by name
};

// From now on the process ends with `status` and one line on standard error, "PROGRAM: PATH: shortened while it was
// read", where it would die of SIGBUS. For programs; may be called once, before there are threads.
void end_at_shortened_files(const char* program, int status);

}  // namespace lstar
