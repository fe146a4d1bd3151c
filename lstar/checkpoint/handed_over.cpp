#include "lstar/checkpoint/handed_over.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace lstar {
namespace {

constexpr uint64_t kPiece = 4096;

std::string piece_of(int fd, uint64_t offset, uint64_t count) {
  std::string bytes(count, '\0');
  const ssize_t read = ::pread(fd, bytes.data(), count, static_cast<off_t>(offset));
  bytes.resize(read < 0 ? 0 : static_cast<size_t>(read));
  return bytes;
}

std::optional<FileStart> read_start(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe must not wait
  if (fd < 0) return std::nullopt;
  struct Closing {
    int fd;
    ~Closing() { ::close(fd); }
  } const closing{fd};
  std::optional<FileStart> start;
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    const auto size = static_cast<uint64_t>(status.st_size);
    const uint64_t count = std::min(size, kPiece);
    start = FileStart{.path = path,
                      .name = path.substr(path.find_last_of('/') + 1),
                      .size = size,
                      .bytes = piece_of(fd, 0, count),
                      .tail = piece_of(fd, size - count, count)};
  }
  return start;
}

template <class Kinds, class Thing>
std::optional<std::string> first_that_fits(const Kinds& kinds, const Thing& thing) {
  for (const auto& kind : kinds) {
    std::string detail;
    if (kind.is(thing, detail)) return fmt::format(fmt::runtime(kind.sentence), detail);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> what_is_file(const FileStart& start) { return first_that_fits(file_kinds(), start); }

std::optional<std::string> what_is_folder(const Listing& listing) { return first_that_fits(folder_kinds(), listing); }

std::optional<std::string> what_is_folder(const Listing& listing, std::string_view id) {
  const auto kinds = folder_kinds();
  const auto row = std::find_if(kinds.begin(), kinds.end(), [&](const FolderKind& kind) { return kind.id == id; });
  return row == kinds.end() ? std::nullopt : first_that_fits(std::span(row, 1), listing);
}

Error explained(Error error, const std::string& handed_over) {
  struct stat status {};
  if (error.file.empty() || error.kind == ErrorKind::memory) return error;
  if (::stat(error.file.c_str(), &status) != 0) {
    const auto there = is_there(error.file);
    return there ? error : there.error();
  }
  auto start = read_start(error.file);  // of a file: what a folder is, has been asked where it was opened
  if (!start) return error;
  start->is_alone = error.file == handed_over;
  auto what = what_is_file(*start);
  if (!what) return error;
  return {.kind = ErrorKind::unsupported, .what = *std::move(what), .file = std::move(error.file)};
}

}  // namespace lstar
