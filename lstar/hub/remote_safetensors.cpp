#include "lstar/hub/remote_safetensors.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "lstar/base/catch_memory.h"
#include "lstar/base/json.h"
#include "lstar/checkpoint/placed_checkpoint.h"
#include "lstar/checkpoint/safetensors.h"
#include "lstar/checkpoint/tensor_prefix.h"
#include "lstar/checkpoint/weight_files.h"
#include "lstar/checkpoint/weight_index.h"
#include "lstar/hub/model_files.h"

namespace lstar {
namespace {

constexpr uint64_t kBlock = uint64_t{256} << 10;  // fetched and kept at once; a header rarely needs more
constexpr uint64_t kLargestConfig = uint64_t{16} << 20;

using Bytes = std::vector<std::byte>;

class RemoteSafetensors final : public PlacedCheckpoint {
 public:
  RemoteSafetensors(HubModel model, const HubEnvironment& environment, RetryPolicy policy)
      : model_(std::move(model)), environment_(environment), policy_(policy) {
    format_ = "safetensors";
  }

  // False where there are no such weights.
  Result<bool> open() {
    HubClient client(environment_, policy_);
    LSTAR_ASSIGN(const RemoteLookup config, client.look_up(model_, "config.json"));
    if (!config.file)
      return fail(
          Error{.kind = ErrorKind::missing, .what = "the repository has no config.json", .file = model_.text()});
    model_.revision = config.commit;  // whatever becomes of the branch meanwhile
    path_ = fmt::format("{}/{}/resolve/{}", shown_url(environment_.endpoint), model_.repo, config.commit);
    WeightIndex index;
    LSTAR_ASSIGN(std::vector<RemoteFile> files, weight_files(client, index));
    if (files.empty()) return false;
    LSTAR_ASSIGN(const std::string text, client.get_text(model_, *config.file, kLargestConfig));
    LSTAR_ASSIGN(config_, JsonDocument::parse(text, path_ + "/config.json"));
    if (!config_.root().is_object()) return fail({.what = "not a JSON object", .file = path_ + "/config.json"});
    files_ = std::move(files);
    std::vector<PlacedTensor> tensors;
    for (size_t file = 0; file < files_.size(); ++file) {
      LSTAR_ASSIGN(std::vector<PlacedTensor> more, read_header(client, file));
      std::move(more.begin(), more.end(), std::back_inserter(tensors));
    }
    note_stale_entries(index, tensors, unread_);
    notes_ = unwrap_names(tensors, unread_);
    LSTAR_TRY(take(std::move(tensors)));
    return true;
  }

  Configuration configuration() const override { return Configuration(config_.root()); }
  TokenizerSource tokenizer() const override { return {}; }
  std::optional<std::string> revision() const override { return model_.revision; }

 private:
  std::string path_of(size_t file) const override { return path_ + "/" + files_[file].name; }

  Result<std::span<const std::byte>> bytes_of(const Extent& extent, Bytes& copy) const override {
    LSTAR_ASSIGN(copy, bytes_in(extent.file, {extent.offset, extent.offset + extent.bytes}));
    return copy;
  }

  void give_back(const Extent& extent) const override {
    const std::lock_guard lock(mutex_);
    blocks_.erase(blocks_.lower_bound({extent.file, extent.offset / kBlock}),
                  blocks_.upper_bound({extent.file, (extent.offset + extent.bytes - 1) / kBlock}));
  }

  // Those of an index, which is read then.
  Result<std::vector<RemoteFile>> weight_files(HubClient& client, WeightIndex& index) const {
    std::vector<RemoteFile> files;
    LSTAR_ASSIGN(RemoteLookup whole, client.look_up(model_, kUsualSafetensors.file));
    if (whole.file) return std::vector<RemoteFile>{*std::move(whole.file)};
    LSTAR_ASSIGN(const RemoteLookup found_index, client.look_up(model_, kUsualSafetensors.index));
    if (!found_index.file) return files;
    LSTAR_ASSIGN(const std::string text, client.get_text(model_, *found_index.file, kLargestIndex));
    LSTAR_ASSIGN(index, parse_hub_index(text, path_ + "/" + found_index.file->name));
    for (const std::string& shard : index.files) {
      LSTAR_ASSIGN(RemoteLookup found, client.look_up(model_, shard));
      if (!found.file)
        return fail({.kind = ErrorKind::missing,
                     .what = "the repository lacks a shard that its index names",
                     .file = path_,
                     .found = shard});
      files.push_back(*std::move(found.file));
    }
    return files;
  }

  Result<Bytes> fetch(HubClient& client, size_t file, ByteRange range) const {
    Bytes bytes;
    LSTAR_ASSIGN([[maybe_unused]] const bool ranges,
                 client.get(model_, files_[file], range, [&](std::span<const std::byte> piece) {
                   bytes.insert(bytes.end(), piece.begin(), piece.end());
                   return true;
                 }));
    return bytes;
  }

  Result<std::vector<PlacedTensor>> read_header(HubClient& client, size_t file) const {
    const uint64_t size = files_[file].size;
    LSTAR_ASSIGN(Bytes start, fetch(client, file, {0, std::min(size, kBlock)}));
    LSTAR_ASSIGN(const uint64_t length, safetensors_header_length(start, size, path_of(file)));
    const uint64_t end = 8 + length;
    if (start.size() < end) {
      LSTAR_ASSIGN(const Bytes rest, fetch(client, file, {start.size(), end}));
      start.insert(start.end(), rest.begin(), rest.end());
    }
    return parse_safetensors_header({reinterpret_cast<const char*>(start.data()) + 8, length}, size, path_of(file),
                                    file);
  }

  // Bytes of a file, from blocks that are there or are fetched now; neighbours come with one request.
  Result<Bytes> bytes_in(size_t file, ByteRange range) const {
    Bytes out(range.count());  // no more than the file has: its header was checked
    const uint64_t last = (range.end - 1) / kBlock;
    for (uint64_t block = range.begin / kBlock; block <= last;) {
      std::shared_ptr<const Bytes> bytes = kept(file, block);
      if (bytes) {
        copy(block * kBlock, *bytes, range, out);
        ++block;
        continue;
      }
      uint64_t end = block + 1;
      while (end <= last && !kept(file, end)) ++end;
      const ByteRange missing{block * kBlock, std::min(files_[file].size, end * kBlock)};
      std::unique_ptr<HubClient> client = borrow();
      auto fetched = fetch(*client, file, missing);
      put_back(std::move(client));
      if (!fetched) return fail(std::move(fetched).error());
      copy(missing.begin, *fetched, range, out);
      keep(file, block, *fetched);
      block = end;
    }
    return out;
  }

  static void copy(uint64_t begin, const Bytes& bytes, ByteRange range, Bytes& out) {
    const uint64_t from = std::max(begin, range.begin), to = std::min(begin + bytes.size(), range.end);
    if (from < to) std::memcpy(out.data() + (from - range.begin), bytes.data() + (from - begin), to - from);
  }

  std::shared_ptr<const Bytes> kept(size_t file, uint64_t block) const {
    const std::lock_guard lock(mutex_);
    const auto found = blocks_.find({file, block});
    return found == blocks_.end() ? nullptr : found->second;
  }

  void keep(size_t file, uint64_t first, const Bytes& bytes) const {
    const std::lock_guard lock(mutex_);
    for (uint64_t at = 0; at < bytes.size(); at += kBlock) {
      const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
      const auto end = begin + static_cast<std::ptrdiff_t>(std::min<uint64_t>(kBlock, bytes.size() - at));
      blocks_[{file, first + at / kBlock}] = std::make_shared<const Bytes>(begin, end);
    }
  }

  // Connections, one for each thread that reads at the moment.
  std::unique_ptr<HubClient> borrow() const {
    const std::lock_guard lock(mutex_);
    if (clients_.empty()) return std::make_unique<HubClient>(environment_, policy_);
    auto client = std::move(clients_.back());
    clients_.pop_back();
    return client;
  }
  void put_back(std::unique_ptr<HubClient> client) const {
    const std::lock_guard lock(mutex_);
    clients_.push_back(std::move(client));
  }

  HubModel model_;  // its revision is the commit
  HubEnvironment environment_;
  RetryPolicy policy_;
  JsonDocument config_;
  std::vector<RemoteFile> files_;

  mutable std::mutex mutex_;                                                            // over the two below
  mutable std::map<std::pair<size_t, uint64_t>, std::shared_ptr<const Bytes>> blocks_;  // by file and number
  mutable std::vector<std::unique_ptr<HubClient>> clients_;
};

}  // namespace

Result<std::unique_ptr<Checkpoint>> open_remote_safetensors(const HubEnvironment& environment, const HubModel& model,
                                                            RetryPolicy policy) {
  return catch_memory("opening the checkpoint", model.repo, [&]() -> Result<std::unique_ptr<Checkpoint>> {
    auto checkpoint = std::make_unique<RemoteSafetensors>(model, environment, policy);
    LSTAR_ASSIGN(const bool found, checkpoint->open());
    if (!found) return std::unique_ptr<Checkpoint>();
    return std::unique_ptr<Checkpoint>(std::move(checkpoint));
  });
}

}  // namespace lstar
