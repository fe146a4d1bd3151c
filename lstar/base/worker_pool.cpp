#include "lstar/base/worker_pool.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "lstar/base/cpu_limit.h"

namespace lstar {
namespace {

// The calls of a forward pass follow each other within microseconds, and the last task of one is waited for half a
// millisecond at most: going to sleep and waking up would cost more. Gives the processor to whoever wants it meanwhile.
template <class Condition>
void spin_while(const Condition& waits) {
  for (int i = 0; i < 1000 && waits(); ++i) std::this_thread::yield();
}

}  // namespace

WorkerPool::WorkerPool(int threads) {
  if (threads == 0) threads = available();
  try {
    for (int worker = 1; worker < threads; ++worker) workers_.emplace_back([this, worker] { serve(worker); });
  } catch (const std::exception&) {  // system_error where no thread can be had, bad_alloc where no memory can
  }
}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void WorkerPool::for_each(size_t count, const std::function<void(size_t, int)>& f) {
  if (workers_.empty() || count <= 1) {
    for (size_t index = 0; index < count; ++index) f(index, 0);
    return;
  }
  const std::lock_guard turn(turn_);
  {
    std::lock_guard lock(mutex_);
    job_ = &f;
    count_ = count;
    next_ = 0;
    open_ = true;
    ++round_;
  }
  start_.notify_all();
  take(0);
  spin_while([this] { return active_ != 0; });
  std::unique_lock lock(mutex_);
  open_ = false;
  done_.wait(lock, [this] { return active_ == 0; });
  job_ = nullptr;
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

void WorkerPool::serve(int worker) {
  uint64_t seen = 0;
  while (true) {
    spin_while([&] { return !stop_ && round_ == seen; });
    {
      std::unique_lock lock(mutex_);
      start_.wait(lock, [&] { return stop_ || round_ != seen; });
      if (stop_) return;
      seen = round_;
      if (!open_) continue;
      ++active_;
    }
    take(worker);
    std::lock_guard lock(mutex_);
    if (--active_ == 0 && !open_) done_.notify_one();
  }
}

void WorkerPool::take(int worker) noexcept {
  try {
    for (size_t index = next_++; index < count_; index = next_++) (*job_)(index, worker);
  } catch (...) {
    next_ = count_;  // nobody starts another
    std::lock_guard lock(mutex_);
    if (!thrown_) thrown_ = std::current_exception();
  }
}

int WorkerPool::available() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const bool is_known = sched_getaffinity(0, sizeof set, &set) == 0;
  const int processors = is_known ? CPU_COUNT(&set) : static_cast<int>(std::thread::hardware_concurrency());
  const auto quota = processor_quota();
  const double most = quota ? std::ceil(*quota) : processors;
  return std::max(1, most < processors ? static_cast<int>(most) : processors);
}

}  // namespace lstar
