// A fixed set of threads that share a loop. The caller takes part, so a pool of one starts no thread.
// for_each(count, f) calls f(index, worker) once for every index; indices are handed out in order, and the call returns
// when all are done. A worker that sleeps is not waited for: what it would have done, the others do. What f computes
// must depend on the index alone: that is what makes a result independent of the number of threads. `worker` in [0,
// threads()) names the thread's own scratch. f must not call for_each of the same pool.
// Safe from several threads: loops that are shared out run one after the other, in any order, and each caller waits for
// its turn. Two users of one pool take turns, and are no faster than one after the other.
// What f throws (out of memory) for_each throws again, once all threads have stopped.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lstar {

class WorkerPool {
 public:
  // 0: as many as available(). Fewer where the system starts no more of them (`ulimit -u`): the caller's own, at least.
  explicit WorkerPool(int threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  void for_each(size_t count, const std::function<void(size_t index, int worker)>& f);

  // Threads this process may run on: its affinity mask, and its control group's quota rounded up; at least 1.
  static int available();

 private:
  void serve(int worker);
  void take(int worker) noexcept;

  std::vector<std::thread> workers_;
  std::mutex turn_;   // held by the caller whose loop is shared out
  std::mutex mutex_;  // over what follows
  std::condition_variable start_, done_;
  const std::function<void(size_t, int)>* job_ = nullptr;
  size_t count_ = 0;
  std::atomic<size_t> next_{0};
  // Written under the mutex; read without it while a thread spins.
  std::atomic<uint64_t> round_{0};
  std::atomic<size_t> active_{0};  // workers inside this round
  bool open_ = false;              // whether a worker may still enter it
  std::exception_ptr thrown_;      // the first of this round
  std::atomic<bool> stop_ = false;
};

}  // namespace lstar
