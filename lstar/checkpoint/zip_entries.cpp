#include "lstar/checkpoint/zip_entries.h"

#include <fmt/core.h>
#include <minizip/unzip.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

namespace lstar {
namespace {

constexpr std::string_view kMagic = "PK\3\4";
constexpr size_t kLongestName = 1024;
constexpr uint64_t kSmallestEntry = 46;  // in the central directory

// minizip reads through these. The stream is the mapping and a place in it; it may be asked for any place and length.
struct MappedStream {
  std::span<const std::byte> bytes;
  uint64_t place = 0;
};

void* open_stream(void* opaque, const void*, int) { return opaque; }

uLong read_stream(void*, void* stream, void* out, uLong size) {
  auto& s = *static_cast<MappedStream*>(stream);
  const uint64_t left = s.place < s.bytes.size() ? s.bytes.size() - s.place : 0;
  const uint64_t count = std::min<uint64_t>(size, left);
  if (count > 0) std::memcpy(out, s.bytes.data() + s.place, count);
  s.place += count;
  return count;
}

uLong write_stream(void*, void*, const void*, uLong) { return 0; }

ZPOS64_T tell_stream(void*, void* stream) { return static_cast<MappedStream*>(stream)->place; }

long seek_stream(void*, void* stream, ZPOS64_T offset, int origin) {
  auto& s = *static_cast<MappedStream*>(stream);
  const uint64_t from = origin == SEEK_CUR ? s.place : origin == SEEK_END ? s.bytes.size() : 0;
  uint64_t place = 0;
  if (__builtin_add_overflow(from, offset, &place) || place > s.bytes.size()) return -1;
  s.place = place;
  return 0;
}

int close_stream(void*, void*) { return 0; }
int stream_error(void*, void*) { return 0; }

struct CloseArchive {
  void operator()(void* archive) const { unzClose(archive); }
};

// The entry that the archive stands at.
Result<ZipEntry> current_entry(unzFile archive, uint64_t file_size) {
  unz_file_info64 about{};
  char name[kLongestName + 1] = {};
  if (unzGetCurrentFileInfo64(archive, &about, name, kLongestName, nullptr, 0, nullptr, 0) != UNZ_OK)
    return fail("broken directory of the ZIP archive");
  if (about.size_filename > kLongestName)
    return fail({.kind = ErrorKind::unsupported,
                 .what = "entry's name too long",
                 .found = fmt::format("{} bytes", about.size_filename)});
  ZipEntry entry{.name = std::string(name, about.size_filename), .bytes = about.uncompressed_size};
  const auto refuse = [&entry](Error error) {
    error.at = "entry " + entry.name;
    return fail(std::move(error));
  };
  if (about.flag & 1) entry.fault = Error{.kind = ErrorKind::unsupported, .what = "encrypted"};
  if (about.compression_method != 0)
    entry.fault = Error{.kind = ErrorKind::unsupported,
                        .what = "compressed",
                        .expected = "stored as torch.save writes it",
                        .found = fmt::format("method {}", about.compression_method)};
  if (entry.fault) {
    entry.fault->at = "entry " + entry.name;
    entry.bytes = 0;
    return entry;
  }
  if (about.compressed_size != about.uncompressed_size) return refuse({.what = "two different sizes"});
  int method = 0, level = 0;
  if (unzOpenCurrentFile2(archive, &method, &level, 1) != UNZ_OK)
    return refuse({.what = "its own header does not agree with the archive's directory"});
  entry.offset = unzGetCurrentFileZStreamPos64(archive);
  unzCloseCurrentFile(archive);
  if (entry.bytes > file_size || entry.offset > file_size - entry.bytes)
    return refuse({.what = "lies outside the file (is it truncated?)",
                   .expected = fmt::format("{} bytes from byte {}", entry.bytes, entry.offset),
                   .found = fmt::format("a file of {}", file_size)});
  return entry;
}

}  // namespace

bool is_zip(const MappedFile& mapped) {
  return mapped.size() >= kMagic.size() && std::memcmp(mapped.bytes().data(), kMagic.data(), kMagic.size()) == 0;
}

bool ends_as_zip(const MappedFile& mapped) {
  constexpr std::string_view kEnd = "PK\5\6";
  constexpr size_t kFixed = 22, kLongestComment = 65535;
  if (mapped.size() < kFixed) return false;
  const size_t count = std::min<size_t>(mapped.size(), kFixed + kLongestComment);
  const auto tail = mapped.bytes().last(count);
  return std::string_view(reinterpret_cast<const char*>(tail.data()), tail.size()).rfind(kEnd) !=
         std::string_view::npos;
}

Result<std::vector<ZipEntry>> read_zip_entries(const MappedFile& mapped) {
  MappedStream stream{mapped.bytes()};
  zlib_filefunc64_def functions{open_stream, read_stream,  write_stream, tell_stream,
                                seek_stream, close_stream, stream_error, &stream};
  const std::unique_ptr<void, CloseArchive> archive(unzOpen2_64("", &functions));
  unz_global_info64 about{};
  if (!archive || unzGetGlobalInfo64(archive.get(), &about) != UNZ_OK)
    return fail({.what = "a ZIP archive without its directory (is it truncated?)", .file = mapped.path()});
  if (about.number_entry > mapped.size() / kSmallestEntry)
    return fail({.what = "more entries than the file can hold",
                 .file = mapped.path(),
                 .expected = fmt::format("at most {}", mapped.size() / kSmallestEntry),
                 .found = fmt::format("{}", about.number_entry)});
  std::vector<ZipEntry> entries;
  for (uint64_t i = 0; i < about.number_entry; ++i) {
    if ((i == 0 ? unzGoToFirstFile(archive.get()) : unzGoToNextFile(archive.get())) != UNZ_OK)
      return fail({.what = "broken directory of the ZIP archive", .file = mapped.path()});
    auto entry = current_entry(archive.get(), mapped.size());
    if (!entry) return fail(std::move(entry).error().in(mapped.path()));
    if (!entry->name.ends_with('/')) entries.push_back(*std::move(entry));
  }
  const auto by_name = [](const ZipEntry& a, const ZipEntry& b) { return a.name < b.name; };
  std::sort(entries.begin(), entries.end(), by_name);
  const auto twice = std::adjacent_find(entries.begin(), entries.end(),
                                        [](const ZipEntry& a, const ZipEntry& b) { return a.name == b.name; });
  if (twice != entries.end())
    return fail({.what = "appears twice", .file = mapped.path(), .at = "entry " + twice->name});
  return entries;
}

}  // namespace lstar
