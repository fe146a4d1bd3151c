#include "lstar/hub/blob_download.h"

#include <fmt/core.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "lstar/base/catch_memory.h"
#include "lstar/base/steps.h"
#include "lstar/hub/incomplete_file.h"

namespace lstar {
namespace {

// The rest of a file by several connections. Each fetches a chunk into memory and waits for its turn to append it, so
// that the file is a beginning of the whole at every moment, and is hashed on the way.
class ParallelDownload {
 public:
  ParallelDownload(const HubClient& client, const HubModel& model, const RemoteFile& file, IncompleteFile& out,
                   const DownloadOptions& options)
      : client_(client), model_(model), file_(file), out_(out), options_(options), next_(out.size()) {}

  Result<void> run(const ByteProgress& progress) {
    try {
      start();
      wait(progress);
    } catch (...) {  // memory, or the caller's progress: no thread outlives what it works on
      stop(cancelled());
      join();
      throw;
    }
    join();
    if (error_) return fail(*std::move(error_));
    return {};
  }

 private:
  void start() {
    threads_.reserve(static_cast<size_t>(options_.connections));
    for (int i = 0; i < options_.connections; ++i) {
      try {
        threads_.emplace_back([this] { serve(); });
      } catch (const std::system_error& trouble) {  // those that were started bring all of it
        const std::lock_guard lock(mutex_);
        running_ -= options_.connections - i;
        if (i == 0)
          error_ = Error{.kind = ErrorKind::memory,
                         .what = std::string("no thread could be started for the download: ") + trouble.what(),
                         .file = file_.name};
        break;
      }
    }
  }

  void wait(const ByteProgress& progress) {
    std::unique_lock lock(mutex_);
    while (out_.size() + buffered_ < file_.size && !error_ && running_ > 0) {
      changed_.wait_for(lock, std::chrono::milliseconds(100));
      const uint64_t bytes = out_.size() + buffered_;
      lock.unlock();
      if (!progress(bytes)) stop(cancelled());
      lock.lock();
    }
  }

  // The first error ends all threads.
  void stop(Error error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    changed_.notify_all();
  }

  void join() {
    for (std::thread& thread : threads_) thread.join();
  }

  void serve() {
    auto done = catch_memory("downloading: fewer connections take less", [&]() -> Result<void> {
      work();
      return {};
    });
    if (!done) stop(std::move(done).error());
    const std::lock_guard lock(mutex_);
    --running_;
    changed_.notify_all();
  }

  void work() {
    HubClient client(client_.environment(), client_.policy());  // connections of its own
    std::vector<std::byte> chunk;
    while (true) {
      ByteRange range;
      {
        const std::lock_guard lock(mutex_);
        range = {next_, std::min(file_.size, next_ + options_.chunk)};
        if (error_ || range.count() == 0) break;
        next_ = range.end;
      }
      chunk.clear();
      chunk.reserve(range.count());  // at most options_.chunk
      const auto got = client.get(model_, file_, range, [&](std::span<const std::byte> bytes) {
        chunk.insert(chunk.end(), bytes.begin(), bytes.end());
        const std::lock_guard lock(mutex_);
        buffered_ += bytes.size();
        return !error_;
      });
      std::unique_lock lock(mutex_);
      if (!got && !error_) error_ = got.error();
      changed_.wait(lock, [&] { return error_ || out_.size() == range.begin; });
      if (!error_)
        if (auto written = out_.append(chunk); !written) error_ = std::move(written).error();
      buffered_ -= std::min<uint64_t>(buffered_, chunk.size());
      changed_.notify_all();
      if (error_) break;
    }
  }

  const HubClient& client_;
  const HubModel& model_;
  const RemoteFile& file_;
  IncompleteFile& out_;
  const DownloadOptions& options_;
  std::vector<std::thread> threads_;

  std::mutex mutex_;  // over all below, and out_
  std::condition_variable changed_;
  uint64_t next_;          // begin of the next chunk
  uint64_t buffered_ = 0;  // in the threads' hands
  int running_ = options_.connections;
  std::optional<Error> error_;
};

Result<void> fetch_rest(HubClient& client, const HubModel& model, const RemoteFile& file, IncompleteFile& out,
                        const DownloadOptions& options, const ByteProgress& progress) {
  Result<void> written;
  const HubClient::Sink append = [&](std::span<const std::byte> bytes) {
    written = out.append(bytes);
    if (written && !progress(out.size())) written = fail(cancelled());
    return written.has_value();
  };
  const auto get = [&](uint64_t end) -> Result<bool> {
    auto got = client.get(model, file, {out.size(), end}, append);
    if (!written) return fail(written.error());
    return got;
  };
  if (!progress(out.size())) return fail(cancelled());
  bool parallel = options.connections > 1 && file.size - out.size() >= 3 * options.chunk;
  if (parallel) {  // the first chunk shows whether this server keeps to ranges
    LSTAR_ASSIGN(parallel, get(out.size() + options.chunk));
  }
  if (parallel) return ParallelDownload(client, model, file, out, options).run(progress);
  LSTAR_ASSIGN([[maybe_unused]] const bool ranges, get(file.size));
  return {};
}

}  // namespace

Result<void> download_blob(HubClient& client, const HubModel& model, const RemoteFile& file, const HubCache& cache,
                           const DownloadOptions& options, const ByteProgress& progress) {
  if (cache.has_blob(file.etag)) return {};
  const std::string folder = cache.folder() + "/blobs";
  LSTAR_TRY(make_cache_folder(folder));
  bool goes_on = true;
  const HubCache::Lock lock = cache.lock(file.etag, [&] { return goes_on = progress(0); });
  if (!goes_on) return fail(cancelled());
  for (bool again = true;; again = false) {
    if (cache.has_blob(file.etag)) return {};  // another process has brought it meanwhile
    LSTAR_ASSIGN(IncompleteFile out, IncompleteFile::open(folder, file));
    auto outcome = fetch_rest(client, model, file, out, options, progress);
    if (outcome) {
      const bool continued = out.continued();
      outcome = out.finish();
      if (!outcome && continued && again) continue;  // what was left behind was no beginning of this file
    }
    if (!outcome) {
      Error error = std::move(outcome).error();
      if (error.file == file.name) error.file = model.text() + "/" + file.name;
      return fail(std::move(error));
    }
    return {};
  }
}

}  // namespace lstar
