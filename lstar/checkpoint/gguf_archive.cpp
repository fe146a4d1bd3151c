#include "lstar/checkpoint/gguf_archive.h"

#include <fmt/core.h>

#include <string>
#include <vector>

#include "lstar/checkpoint/folder_listing.h"
#include "lstar/checkpoint/zip_entries.h"

namespace lstar {
namespace {

constexpr size_t kMostCandidates = 64;  // the metadata of each is read

}  // namespace

Result<std::optional<GgufWindow>> find_gguf_in_archive(const MappedFile& mapped) {
  if (!ends_as_zip(mapped)) return std::optional<GgufWindow>();
  const auto entries = read_zip_entries(mapped);
  if (!entries) return std::optional<GgufWindow>();  // another thing, which is named by what opens it
  std::optional<GgufWindow> found;
  std::vector<std::string> names;
  size_t candidates = 0;
  for (const ZipEntry& entry : *entries) {
    if (!entry.name.ends_with(".gguf")) continue;
    if (++candidates > kMostCandidates)
      return fail(
          {.kind = ErrorKind::unsupported,
           .what = fmt::format("holds more than {} GGUFs: unpack the model (unzip) and pass that", kMostCandidates),
           .file = mapped.path()});
    if (entry.fault)
      return fail({.kind = ErrorKind::unsupported,
                   .what = fmt::format("{}: unpack it (unzip) and pass that", entry.fault->what),
                   .file = mapped.path(),
                   .at = plain_text("entry " + entry.name)});
    if (gguf_kind(mapped.bytes().subspan(entry.offset, entry.bytes), mapped.path()) != GgufKind::model) continue;
    found = GgufWindow{entry.offset, entry.bytes};
    names.push_back(entry.name);
  }
  if (names.size() > 1)
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("holds {} models: {}; unpack one of them (unzip) and pass that", names.size(),
                                     first_few(names)),
                 .file = mapped.path()});
  return found;
}

}  // namespace lstar
