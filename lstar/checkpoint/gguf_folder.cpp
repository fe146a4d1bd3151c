#include "lstar/checkpoint/gguf_folder.h"

#include <fmt/core.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "lstar/checkpoint/gguf.h"
#include "lstar/checkpoint/shard_name.h"

namespace lstar {
namespace {

constexpr size_t kMostFiles = 10'000;

}  // namespace

Result<std::optional<MappedFile>> find_gguf(const Listing& listing) {
  std::map<std::string, MappedFile> models;  // by name; of parts, the first that is there
  std::vector<std::string> others;
  std::set<std::pair<std::string, int>> split;
  std::optional<Error> unopened;
  std::optional<MappedFile> unread;  // one by its name, which is something else
  size_t seen = 0;
  for (const std::string& name : listing.files("", "")) {
    if (++seen > kMostFiles) break;
    const bool is_named = name.ends_with(".gguf") && !name.starts_with('.');
    if (const auto part = parse_gguf_part_name(name); part && !split.emplace(part->before, part->count).second)
      continue;
    auto mapped = MappedFile::open(listing.folder + "/" + name);
    if (!mapped && is_named && !unopened) unopened = mapped.error();
    if (!mapped) continue;
    if (!is_gguf(*mapped)) {
      if (is_named && !unread) unread = *std::move(mapped);
      continue;
    }
    const GgufKind kind = gguf_kind(mapped->bytes(), mapped->path());
    if (kind == GgufKind::model)
      models.emplace(name, *std::move(mapped));
    else
      others.push_back(fmt::format("{} is {}", plain_text(name, 60), name_of(kind)));
  }
  if (models.size() == 1 && unopened) {  // it may be the one that is meant
    unopened->what += fmt::format("; pass {} itself if that is the model", plain_text(models.begin()->first));
    return fail(*std::move(unopened));
  }
  if (models.size() == 1) return std::optional(std::move(models.begin()->second));
  if (models.size() > 1) {
    std::vector<std::string> names;
    for (const auto& [name, file] : models) names.push_back(name);
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("holds {} models: {}; pass one of them", names.size(), first_few(names, 20)),
                 .file = listing.folder});
  }
  if (unopened) return fail(*std::move(unopened));
  if (!others.empty())
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("holds no language model: {}", first_few(others)),
                 .file = listing.folder});
  return unread;
}

}  // namespace lstar
