#include "lstar/checkpoint/hub/remote_safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "lstar/checkpoint/hub/model_files.h"
#include "lstar/checkpoint/mapped_checkpoint.h"
#include "lstar/checkpoint/mxfp4_pairs.h"
#include "lstar/checkpoint/safetensors.h"
#include "lstar/checkpoint/widen.h"

namespace lstar {
namespace {

constexpr uint64_t kBlock = uint64_t{256} << 10;  // fetched and kept at once; a header rarely needs more
constexpr uint64_t kLargestConfig = uint64_t{16} << 20;
constexpr uint64_t kLargestIndex = uint64_t{64} << 20;

using Bytes = std::vector<std::byte>;

class RemoteSafetensors final : public Checkpoint {
 public:
  RemoteSafetensors(HubModel model, const HubEnvironment& environment, RetryPolicy policy)
      : model_(std::move(model)), environment_(environment), policy_(policy) {
    format_ = "safetensors";
  }

  // False where there are no such weights.
  Result<bool> open() {
    HubClient client(environment_, policy_);
    LSTAR_ASSIGN(const RemoteLookup config, client.look_up(model_, "config.json"));
    if (!config.file) return fail(Error{.what = "the repository has no config.json", .file = model_.text()});
    model_.revision = config.commit;  // whatever becomes of the branch meanwhile
    path_ = fmt::format("{}/{}/resolve/{}", shown_url(environment_.endpoint), model_.repo, config.commit);
    LSTAR_ASSIGN(std::vector<RemoteFile> files, weight_files(client));
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
    LSTAR_TRY(take(std::move(tensors)));
    return true;
  }

  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<float> out) const override {
    return read_rows(tensor, rows, out);
  }
  Result<void> read(const TensorInfo& tensor, RowRange rows, std::span<double> out) const override {
    return read_rows(tensor, rows, out);
  }
  void drop(const TensorInfo& tensor) const override {
    const Place* place = place_of(tensor);
    if (!place) return;
    const std::lock_guard lock(mutex_);
    for (const Extent& part : {place->whole, place->scales})
      if (part.bytes > 0)
        blocks_.erase(blocks_.lower_bound({part.file, part.offset / kBlock}),
                      blocks_.upper_bound({part.file, (part.offset + part.bytes - 1) / kBlock}));
  }
  Json config() const override { return config_.root(); }
  TokenizerSource tokenizer() const override { return {}; }
  std::optional<std::string> revision() const override { return model_.revision; }
  std::string file_of(const TensorInfo& tensor) const override {
    const Place* place = place_of(tensor);
    return place ? path_of(place->whole.file) : path_;
  }

 private:
  struct Place {
    Extent whole, scales;  // the second of an MXFP4 pair, whose blocks are the first
  };

  std::string path_of(size_t file) const { return path_ + "/" + files_[file].name; }

  const Place* place_of(const TensorInfo& tensor) const {
    const TensorInfo* own = find(tensor.name);
    return own ? &places_[static_cast<size_t>(own - tensors_.data())] : nullptr;
  }

  Result<std::vector<RemoteFile>> weight_files(HubClient& client) const {
    std::vector<RemoteFile> files;
    LSTAR_ASSIGN(RemoteLookup whole, client.look_up(model_, "model.safetensors"));
    if (whole.file) return std::vector<RemoteFile>{*std::move(whole.file)};
    LSTAR_ASSIGN(const RemoteLookup index, client.look_up(model_, "model.safetensors.index.json"));
    if (!index.file) return files;
    LSTAR_ASSIGN(const std::string text, client.get_text(model_, *index.file, kLargestIndex));
    LSTAR_ASSIGN(const std::vector<std::string> shards, shards_of_index(text, path_ + "/" + index.file->name));
    for (const std::string& shard : shards) {
      LSTAR_ASSIGN(RemoteLookup found, client.look_up(model_, shard));
      if (!found.file)
        return fail({.what = "the repository lacks a shard that its index names", .file = path_, .found = shard});
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

  Result<void> take(std::vector<PlacedTensor> tensors) {
    std::sort(tensors.begin(), tensors.end(),
              [](const PlacedTensor& a, const PlacedTensor& b) { return a.info.name < b.info.name; });
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (i > 0 && tensors[i].info.name == tensors[i - 1].info.name)
        return fail(
            {.what = "appears twice", .file = path_of(tensors[i].file), .at = tensor_label(tensors[i].info.name)});
    }
    LSTAR_TRY(join_mxfp4_pairs(tensors, [&](size_t file) { return path_of(file); }));
    for (PlacedTensor& tensor : tensors) {
      places_.push_back({{tensor.file, tensor.offset, tensor.bytes}, tensor.scales});
      tensors_.push_back(std::move(tensor.info));
    }
    return {};
  }

  template <class T>
  Result<void> read_rows(const TensorInfo& tensor, RowRange rows, std::span<T> out) const {
    const auto refuse = [&](Error error) {
      error.file = file_of(tensor);
      error.at = tensor_label(tensor.name);
      return fail(std::move(error));
    };
    const Place* place = place_of(tensor);
    if (!place) return refuse({.what = "not in this checkpoint"});
    const StoredTypeInfo& stored = info(tensor.type);
    if (!stored.is_weight)
      return refuse(
          {.what = "holds no weights", .expected = "a floating-point type", .found = std::string(stored.name)});
    const int64_t cols = tensor.shape.cols();
    if (rows.begin < 0 || rows.begin > rows.end || rows.end > tensor.shape.rows() ||
        out.size() != static_cast<size_t>(rows.count() * cols))
      return refuse({.what = "rows out of range",
                     .expected = fmt::format("within 0..{}", tensor.shape.rows()),
                     .found = fmt::format("{}..{} for {} elements", rows.begin, rows.end, out.size())});
    if (out.empty()) return {};
    const auto part = [&](const Extent& extent, uint64_t begin, uint64_t count) {
      return bytes_of(extent.file, {extent.offset + begin, extent.offset + begin + count});
    };
    if (tensor.type == StoredType::mxfp4_pair) {
      const int64_t first = rows.begin * cols, count = rows.count() * cols;
      LSTAR_ASSIGN(const Bytes blocks, part(place->whole, mxfp4_block_bytes(first), mxfp4_block_bytes(count)));
      LSTAR_ASSIGN(const Bytes scales, part(place->scales, mxfp4_scale_bytes(first), mxfp4_scale_bytes(count)));
      widen_mxfp4_pair(blocks.data(), scales.data(), out);
      return {};
    }
    const auto row_bytes = static_cast<uint64_t>(cols / stored.block_elements * stored.block_bytes);
    LSTAR_ASSIGN(const Bytes bytes, part(place->whole, static_cast<uint64_t>(rows.begin) * row_bytes,
                                         static_cast<uint64_t>(rows.count()) * row_bytes));
    widen(tensor.type, bytes.data(), out);
    return {};
  }

  // Bytes of a file, from blocks that are there or are fetched now; neighbours come with one request.
  Result<Bytes> bytes_of(size_t file, ByteRange range) const {
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
      give_back(std::move(client));
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
  void give_back(std::unique_ptr<HubClient> client) const {
    const std::lock_guard lock(mutex_);
    clients_.push_back(std::move(client));
  }

  HubModel model_;  // its revision is the commit
  HubEnvironment environment_;
  RetryPolicy policy_;
  JsonDocument config_;
  std::vector<RemoteFile> files_;
  std::vector<Place> places_;  // beside tensors_

  mutable std::mutex mutex_;                                                            // over the two below
  mutable std::map<std::pair<size_t, uint64_t>, std::shared_ptr<const Bytes>> blocks_;  // by file and number
  mutable std::vector<std::unique_ptr<HubClient>> clients_;
};

}  // namespace

Result<std::unique_ptr<Checkpoint>> open_remote_safetensors(const HubEnvironment& environment, const HubModel& model,
                                                            RetryPolicy policy) {
  auto checkpoint = std::make_unique<RemoteSafetensors>(model, environment, policy);
  LSTAR_ASSIGN(const bool found, checkpoint->open());
  if (!found) return std::unique_ptr<Checkpoint>();
  return std::unique_ptr<Checkpoint>(std::move(checkpoint));
}

}  // namespace lstar
