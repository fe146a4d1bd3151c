#include "lstar/hub/model_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "lstar/base/atomic_file.h"
#include "lstar/base/json.h"
#include "lstar/checkpoint/folder_listing.h"
#include "lstar/checkpoint/weight_files.h"
#include "lstar/hub/repository.h"

namespace lstar {
namespace {

// Any of these holds a vocabulary; where there is the first, the others are not needed.
constexpr const char* kVocabularies[] = {"tokenizer.json",          "vocab.json",   "tokenizer.model",
                                         "sentencepiece.bpe.model", "spiece.model", "vocab.txt"};
constexpr const char* kTokenizerSettings[] = {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"};

bool has_weights(const HubCache& cache, const std::string& commit) {
  const auto has = [&](const std::string& file) { return cache.has(commit, file); };
  const auto has_shards = [&](const std::string& index) {
    const std::string path = cache.snapshot(commit) + "/" + index;
    const auto text = read_file(path, kLargestIndex);
    if (!text) return false;
    const auto shards = parse_hub_index(*text, path);
    return shards && std::all_of(shards->files.begin(), shards->files.end(), has);
  };
  bool no_usual = true;  // as far as is known
  for (const UsualWeights& names : kUsualWeights) {
    if (has(names.file)) return true;
    if (has(names.index)) return has_shards(names.index);
    no_usual = no_usual && cache.known_absent(commit, names.file) && cache.known_absent(commit, names.index);
  }
  if (!no_usual) return false;  // other names may be those of other programs' files, beside weights not yet brought
  const auto listing = list_folder(cache.snapshot(commit));
  const auto others = listing ? choose_weights(*listing, cache.snapshot(commit)) : Result<WeightChoice>();
  if (!others || others->empty()) return false;
  if (!others->index.empty()) return has(others->index) && has_shards(others->index);
  return std::all_of(others->files.begin(), others->files.end(), has);
}

// A vocabulary is there, or it is known that there is none.
bool has_tokenizer(const HubCache& cache, const std::string& commit) {
  if (cache.has(commit, "vocab.json") && cache.has(commit, "merges.txt")) return true;
  return std::any_of(std::begin(kVocabularies), std::end(kVocabularies),
                     [&](const char* file) { return file != kVocabularies[1] && cache.has(commit, file); }) ||
         std::all_of(std::begin(kVocabularies), std::end(kVocabularies),
                     [&](const char* file) { return cache.known_absent(commit, file); });
}

// Why a repository that lacks something is no model: what it holds, as far as the hub's API told.
Error no_model(const HubModel& model, const std::string& lacks, const std::optional<RemoteRepository>& described) {
  Error error{.kind = ErrorKind::missing, .what = "the repository has no " + lacks, .file = model.text()};
  const std::string what = described ? what_repository_is(model, described->files) : "";
  if (!what.empty()) {
    error.kind = ErrorKind::unsupported;
    error.what = what;
  } else if (lacks != "config.json") {
    error.expected = "model.safetensors or pytorch_model.bin, whole or in shards";
  }
  return error;
}

class Planner {
 public:
  Planner(HubClient& client, const HubCache& cache, const HubModel& model)
      : client_(client), cache_(cache), plan_{.model = model} {}

  Result<DownloadPlan> plan(ModelNeeds needs) {
    if (is_commit(plan_.model.revision)) plan_.commit = plan_.model.revision;
    LSTAR_ASSIGN(const bool has_config, want("config.json"));
    if (!has_config) return fail(nothing_to_read("config.json"));
    if (needs.tokenizer) LSTAR_TRY(want_tokenizer());
    if (needs.weights) LSTAR_TRY(want_weights());
    for (const RemoteFile& file : plan_.files)
      if (!cache_.has_blob(file.etag)) plan_.bytes += file.size;
    return std::move(plan_);
  }

 private:
  HubModel pinned() const { return {plan_.model.repo, plan_.commit.empty() ? plan_.model.revision : plan_.commit}; }

  // Whether the repository has this file; one that the snapshot lacks goes into the plan.
  Result<bool> want(const std::string& file) {
    if (!plan_.commit.empty()) {
      if (cache_.has(plan_.commit, file)) return true;
      if (cache_.known_absent(plan_.commit, file)) return false;
    }
    LSTAR_ASSIGN(RemoteLookup found, client_.look_up(pinned(), file));
    if (plan_.commit.empty()) plan_.commit = found.commit;
    if (!found.file) {
      if (!plan_.commit.empty()) cache_.note_absent(plan_.commit, file);
      return false;
    }
    if (found.commit != plan_.commit)
      return fail({.kind = ErrorKind::unreachable,
                   .what = "the hub answers for another commit",
                   .file = plan_.model.text(),
                   .at = file,
                   .expected = plan_.commit,
                   .found = found.commit});
    if (!cache_.has(plan_.commit, file)) plan_.files.push_back(*std::move(found.file));
    return true;
  }

  Result<void> want_tokenizer() {
    for (const char* file : kTokenizerSettings) LSTAR_TRY(want(file));
    for (const char* file : kVocabularies) {
      LSTAR_ASSIGN(const bool there, want(file));
      if (there && std::string_view(file) == "vocab.json") {
        LSTAR_ASSIGN([[maybe_unused]] const bool merges, want("merges.txt"));
      }
      if (there) return {};
    }
    return {};
  }

  Result<void> want_weights() {
    for (const UsualWeights& names : kUsualWeights) {
      LSTAR_ASSIGN(const bool one, want(names.file));
      if (one) return {};
      LSTAR_ASSIGN(const bool several, want(names.index));
      if (several) return want_shards(names.index);
    }
    LSTAR_ASSIGN(const WeightChoice others, other_weights());
    if (!others.index.empty()) {
      LSTAR_ASSIGN(const bool there, want(others.index));
      if (there) return want_shards(others.index);
    }
    bool are_there = !others.files.empty();
    for (const std::string& file : others.files) {
      LSTAR_ASSIGN(const bool there, want(file));
      are_there = are_there && there;
    }
    if (are_there) return {};
    return fail(nothing_to_read("weights that can be read"));
  }

  Result<void> want_shards(const std::string& index) {
    LSTAR_ASSIGN(const std::string text, text_of(index));
    LSTAR_ASSIGN(const WeightIndex shards, parse_hub_index(text, plan_.model.text() + "/" + index));
    for (const std::string& shard : shards.files) {
      LSTAR_ASSIGN(const bool there, want(shard));
      if (!there)
        return fail({.kind = ErrorKind::missing,
                     .what = "the repository lacks a shard that its index names",
                     .file = plan_.model.text() + "/" + index,
                     .found = shard});
    }
    return {};
  }

  // By the rule for folders, of the names that the API tells.
  Result<WeightChoice> other_weights() {
    Listing listing;
    if (description())
      for (const std::string& name : description()->files)
        if (is_repo_file_name(name)) listing.names.push_back(name);
    return choose_weights(listing, plan_.model.text());
  }

  Error nothing_to_read(const std::string& lacks) { return no_model(plan_.model, lacks, description()); }

  // Asked for once.
  const std::optional<RemoteRepository>& description() {
    if (!std::exchange(has_asked_, true)) described_ = client_.describe(pinned(), RemoteRepository::Kind::model);
    return described_;
  }

  Result<std::string> text_of(const std::string& file) {
    if (cache_.has(plan_.commit, file)) return read_file(cache_.snapshot(plan_.commit) + "/" + file, kLargestIndex);
    const auto planned = std::find_if(plan_.files.begin(), plan_.files.end(),
                                      [&](const RemoteFile& remote) { return remote.name == file; });
    return client_.get_text(plan_.model, *planned, kLargestIndex);
  }

  HubClient& client_;
  const HubCache& cache_;
  DownloadPlan plan_;
  bool has_asked_ = false;
  std::optional<RemoteRepository> described_;
};

}  // namespace

Result<WeightIndex> parse_hub_index(std::string_view text, const std::string& source) {
  LSTAR_ASSIGN(const JsonDocument document, JsonDocument::parse(text, source));
  LSTAR_ASSIGN(WeightIndex index, parse_weight_index(document, source));
  for (const std::string& file : index.files)
    if (!is_repo_file_name(file))
      return fail({.what = "bad shard name", .file = source, .expected = "a plain file name", .found = file});
  return index;
}

std::optional<std::string> cached_snapshot(const HubCache& cache, const HubModel& model, ModelNeeds needs) {
  const auto commit = cache.commit_of(model.revision);
  if (!commit || !cache.has(*commit, "config.json")) return std::nullopt;
  if (needs.weights && !has_weights(cache, *commit)) return std::nullopt;
  if (needs.tokenizer && !has_tokenizer(cache, *commit)) return std::nullopt;
  return cache.snapshot(*commit);
}

Result<DownloadPlan> plan_download(HubClient& client, const HubCache& cache, const HubModel& model, ModelNeeds needs) {
  return Planner(client, cache, model).plan(needs);
}

Result<std::string> download(HubClient& client, const HubCache& cache, const DownloadPlan& plan,
                             const DownloadOptions& options, const OnStep& on_step) {
  Steps steps(on_step);
  const auto total = static_cast<int64_t>(plan.bytes);
  uint64_t before = 0;
  for (const RemoteFile& file : plan.files) {
    const bool was_there = cache.has_blob(file.etag);
    LSTAR_TRY(download_blob(client, plan.model, file, cache, options, [&](uint64_t bytes) {
      return steps.at(Phase::downloading, static_cast<int64_t>(before + bytes), total, file.name).has_value();
    }));
    LSTAR_TRY(cache.link(plan.commit, file.name, file.etag));
    if (!was_there) before += file.size;
    LSTAR_TRY(steps.at(Phase::downloading, static_cast<int64_t>(std::min(before, plan.bytes)), total, file.name));
  }
  // Where everything was there, a cache that cannot be written is as good as one that can.
  if (auto ref = cache.set_ref(plan.model.revision, plan.commit); !ref && !plan.files.empty())
    return fail(std::move(ref).error());
  return cache.snapshot(plan.commit);
}

}  // namespace lstar
