#include "lstar/checkpoint/weight_index.h"

#include <fmt/core.h>

#include <optional>
#include <set>
#include <string_view>

#include "lstar/base/limits.h"

namespace lstar {
namespace {

bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == name.npos && name.find('\0') == name.npos;
}

}  // namespace

Result<WeightIndex> parse_weight_index(const JsonDocument& document, const std::string& path) {
  const std::optional<Json> map = document.root().find("weight_map");
  if (!map || !map->is_object()) return fail({.what = "has no object weight_map", .file = path});
  WeightIndex index{.path = path, .files = {}, .weight_map = {}};
  std::set<std::string> names;
  for (const auto& [tensor, value] : map->fields()) {
    const auto name = value.raw_string();
    if (!name || !is_plain_file_name(*name))
      return fail({.what = "bad shard name",
                   .file = path,
                   .at = tensor_label(tensor),
                   .expected = "a plain file name",
                   .found = value.minified()});
    index.weight_map.emplace(tensor, *name);
    names.emplace(*name);
  }
  if (names.empty()) return fail({.what = "weight_map names no tensor", .file = path});
  if (names.size() > size_t{limits::kShards})
    return fail({.kind = ErrorKind::unsupported,
                 .what = "number of shards",
                 .file = path,
                 .expected = fmt::format("1 to {}", limits::kShards),
                 .found = fmt::format("{}", names.size())});
  index.files.assign(names.begin(), names.end());
  return index;
}

void note_stale_entries(const WeightIndex& index, const std::vector<PlacedTensor>& held, UnreadTensors& unread) {
  std::set<std::string_view> names;
  for (const PlacedTensor& tensor : held) names.insert(tensor.info.name);
  const size_t slash = index.path.rfind('/');
  const std::string folder = index.path.substr(0, slash), own_name = index.path.substr(slash + 1);
  for (const auto& [tensor, file] : index.weight_map)
    if (!names.contains(tensor))
      unread.emplace(tensor, Error{.kind = ErrorKind::missing,
                                   .what = "not in the shard that " + own_name + " names, nor in another",
                                   .file = folder + "/" + file,
                                   .at = tensor_label(tensor)});
}

}  // namespace lstar
