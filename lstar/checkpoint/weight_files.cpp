#include "lstar/checkpoint/weight_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "lstar/base/limits.h"
#include "lstar/checkpoint/shard_name.h"

namespace lstar {
namespace {

struct Format {
  UsualWeights usual;
  std::string_view stem, middle;          // of the usual name: "model", ".safetensors"
  std::vector<std::string_view> endings;  // of other names
};

const Format kFormats[] = {{kUsualWeights[0], "model", ".safetensors", {".safetensors"}},
                           {kUsualWeights[1], "pytorch_model", ".bin", {".bin", ".pt", ".pth", ".ckpt"}}};

// Indexes of variants: model.safetensors.index.fp16.json as transformers names them, and as others do.
std::vector<std::string> variant_indexes(const Listing& listing, const Format& format) {
  std::vector<std::string> found;
  for (std::string& name : listing.files(format.stem, ".json"))
    if (name.find(std::string(format.middle) + ".index.") != std::string::npos) found.push_back(std::move(name));
  return found;
}

// Whether names differ in their numbers alone, as those of one model's parts do; fp16 and bf16 are no numbers.
bool are_numbered(const std::vector<std::string>& names) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  std::set<std::string> bare;
  for (const std::string& name : names) {
    std::string without;
    for (const char c : name)
      if (!is_digit(c) || (!without.empty() && (is_letter(without.back()) || is_digit(without.back())))) without += c;
    bare.insert(std::move(without));
  }
  return bare.size() == 1;
}

Error several(const std::string& where, const std::vector<std::string>& names, const std::string& usual) {
  constexpr size_t kShown = 5;
  const std::vector<std::string> shown(names.begin(), names.begin() + std::min(names.size(), kShown));
  if (are_numbered(names))
    return {.kind = ErrorKind::unsupported,
            .what = fmt::format("holds {} numbered files: {}{}; if they are parts of one model, let the program that "
                                "wrote them merge them (verl.model_merger, torchtune's export), else leave one there",
                                names.size(), fmt::join(shown, ", "), names.size() > kShown ? ", ..." : ""),
            .file = where};
  return {.kind = ErrorKind::unsupported,
          .what = fmt::format("holds {} sets of weights: {}{}; leave one of them there, or name it {}", names.size(),
                              fmt::join(shown, ", "), names.size() > kShown ? ", ..." : "", usual),
          .file = where};
}

// The files that belong together: one, or the shards of one name.
struct Set {
  ShardName shard;                 // count is 0 for a file that is no shard
  std::vector<std::string> files;  // sorted
};

// Shards by the name that they share ("model-?-of-00002.safetensors"), and files by their own.
std::map<std::string, Set> sets_of(const std::vector<std::string>& names) {
  std::map<std::string, Set> sets;
  for (const std::string& name : names) {
    const auto shard = parse_shard_name(name);
    Set& set = sets[shard ? fmt::format("{}?-of-{}{}", shard->before, shard->count, shard->after) : name];
    if (shard) set.shard = *shard;
    set.files.push_back(name);
  }
  return sets;
}

// Hugging Face's own names before all others: beside them lie the same weights in another layout (consolidated.*).
void prefer_usual(std::map<std::string, Set>& sets, std::string_view stem) {
  const auto is_usual = [&](const auto& set) { return set.first.starts_with(stem); };
  if (std::any_of(sets.begin(), sets.end(), is_usual)) std::erase_if(sets, [&](const auto& s) { return !is_usual(s); });
}

Result<WeightChoice> choose_others(const Listing& listing, const Format& format, const std::string& where) {
  const std::vector<std::string> indexes = variant_indexes(listing, format);
  if (indexes.size() > 1) return fail(several(where, indexes, format.usual.index));
  if (indexes.size() == 1) return WeightChoice{.files = {}, .index = indexes[0]};
  // Mistral's and Meta's own layout, with names of its own.
  const bool is_native = listing.has("params.json") || listing.any("consolidated.0");
  std::vector<std::string> names;
  for (std::string_view ending : format.endings)
    for (std::string& name : listing.files("", ending))
      if (!is_beside_the_model(name) && !(is_native && name.starts_with("consolidated")))
        names.push_back(std::move(name));
  std::sort(names.begin(), names.end());
  std::map<std::string, Set> sets = sets_of(names);
  prefer_usual(sets, format.stem);
  if (sets.empty()) return WeightChoice{};
  if (sets.size() > 1) {
    std::vector<std::string> firsts;
    for (const auto& [name, set] : sets) firsts.push_back(set.files[0]);
    return fail(several(where, firsts, format.usual.file));
  }
  const Set& set = sets.begin()->second;
  if (set.shard.count > limits::kShards)
    return fail({.kind = ErrorKind::unsupported,
                 .what = "number of shards",
                 .file = where,
                 .expected = fmt::format("1 to {}", limits::kShards),
                 .found = fmt::format("{}", set.shard.count)});
  for (int i = 1; i <= set.shard.count; ++i) {
    const std::string name = set.shard.name(i);
    if (!std::binary_search(set.files.begin(), set.files.end(), name))
      return fail({.kind = ErrorKind::missing,
                   .what = fmt::format("{} is not there: the weights are in {} files", name, set.shard.count),
                   .file = where});
  }
  return WeightChoice{.files = set.files, .index = {}};
}

}  // namespace

bool is_beside_the_model(std::string_view name) {
  constexpr std::string_view kBegins[] = {
      "training_args", "optimizer",     "scheduler",    "rng_state", "random_states",
      "scaler",        "adapter_",      "zero_pp_rank", "openvino_", "params_shard_",
      "sampler",       "trainer_state", "imatrix",      "scales_",   "non_lora_trainables"};
  return std::any_of(std::begin(kBegins), std::end(kBegins),
                     [&](std::string_view begin) { return name.starts_with(begin); });
}

Result<WeightChoice> choose_weights(const Listing& listing, const std::string& where) {
  for (const UsualWeights& usual : kUsualWeights) {
    if (listing.has(usual.file)) return WeightChoice{.files = {usual.file}, .index = {}};
    if (listing.has(usual.index)) return WeightChoice{.files = {}, .index = usual.index};
  }
  for (const Format& format : kFormats) {
    LSTAR_ASSIGN(WeightChoice choice, choose_others(listing, format, where));
    if (!choice.empty()) return choice;
  }
  return WeightChoice{};
}

}  // namespace lstar
