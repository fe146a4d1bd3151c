// What people hand over in place of a model, and what to do about it: one table of files, told by their first bytes,
// and one of folders, told by the names in them. Nothing asks these tables as long as a thing can be read as what it
// was taken for; a row is one line to add (handed_over_files.cpp, handed_over_folders.cpp) and one example in its test.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "lstar/base/result.h"
#include "lstar/checkpoint/folder_listing.h"

namespace lstar {

// As much of a file as tells what it is.
struct FileStart {
  std::string path, name;  // the name is the path's last part
  uint64_t size = 0;
  bool is_alone = false;  // it was itself handed over, not the folder that it lies in
  std::string bytes;      // the first 4096, or all
  std::string tail;       // the last 4096, or all

  bool starts_with(std::string_view magic) const { return std::string_view(bytes).starts_with(magic); }
};

// A row answers whether it is that; a detail that its sentence names ("{}") goes into `detail`. What is another thing
// than a model is unsupported; what should be one and has not come, or not as a whole, is missing.
struct FileKind {
  std::string_view id;
  bool (*is)(const FileStart&, std::string& detail);
  std::string_view sentence;
  ErrorKind kind = ErrorKind::unsupported;
};
struct FolderKind {
  std::string_view id;
  bool (*is)(const Listing&, std::string& detail);
  std::string_view sentence;
  ErrorKind kind = ErrorKind::unsupported;
};

std::span<const FileKind> file_kinds();      // the first that fits counts
std::span<const FolderKind> folder_kinds();  // the same

// Whether programs call a download so that is not finished ("x.part").
bool is_unfinished_name(std::string_view name);

// The sentence of the row that fits, "a Git LFS pointer: fetch the file itself (git lfs pull)", and its kind; the file
// is left to the caller.
std::optional<Error> what_is_file(const FileStart& start);
std::optional<Error> what_is_folder(const Listing& listing);
// The same of one row alone.
std::optional<Error> what_is_folder(const Listing& listing, std::string_view id);

// An error of opening what was handed over, put better where the file or the folder that it names is another thing than
// it was taken for.
Error explained(Error error, const std::string& handed_over);
template <class T>
Result<T> explained(Result<T> result, const std::string& handed_over) {
  if (result) return result;
  return fail(explained(std::move(result).error(), handed_over));
}

}  // namespace lstar
