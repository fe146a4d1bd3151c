#include "lstar/base/worker_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

namespace lstar {
namespace {

TEST(WorkerPool, CallsEveryIndexOnce) {
  for (int threads : {1, 2, 5}) {
    WorkerPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (size_t count : {0u, 1u, 2u, 1000u}) {
      std::vector<std::atomic<int>> calls(count);
      pool.for_each(count, [&](size_t index, int worker) {
        EXPECT_GE(worker, 0);
        EXPECT_LT(worker, threads);
        ++calls[index];
      });
      for (const auto& n : calls) EXPECT_EQ(n, 1);
    }
  }
}

TEST(WorkerPool, NoNumberIsAllThatMayRun) { EXPECT_EQ(WorkerPool(0).threads(), WorkerPool::available()); }

TEST(WorkerPool, ScratchOfOneWorkerIsNeverShared) {
  WorkerPool pool(4);
  std::vector<std::atomic<bool>> busy(4);
  pool.for_each(2000, [&](size_t, int worker) {
    EXPECT_FALSE(busy[static_cast<size_t>(worker)].exchange(true));
    busy[static_cast<size_t>(worker)] = false;
  });
}

// Callers of one pool take turns: each loop is done as a whole, with nobody else's work in it.
TEST(WorkerPool, SeveralCallersTakeTurns) {
  WorkerPool pool(3);
  std::array<std::atomic<bool>, 3> busy{};
  std::atomic<int> wrong{0};
  constexpr int kCallers = 4;
  std::latch all_there(kCallers);  // else the first may be done before the last begins
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller)
    callers.emplace_back([&] {
      all_there.arrive_and_wait();
      for (size_t round = 0; round < 20000; ++round) {
        std::array<std::atomic<int>, 9> seen{};  // of this round alone
        const size_t count = 2 + round % 8;
        pool.for_each(count, [&](size_t index, int worker) {
          if (busy[static_cast<size_t>(worker)].exchange(true)) ++wrong;
          ++seen[index];
          busy[static_cast<size_t>(worker)] = false;
        });
        for (size_t index = 0; index < seen.size(); ++index) wrong += seen[index] != (index < count ? 1 : 0);
      }
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(WorkerPool, ThrowsAgainAndGoesOn) {
  for (int threads : {1, 3}) {
    WorkerPool pool(threads);
    const auto bad = [](size_t index, int) {
      if (index == 7) throw std::runtime_error("seven");
    };
    EXPECT_THROW(pool.for_each(100, bad), std::runtime_error);
    std::atomic<size_t> sum{0};
    pool.for_each(10, [&](size_t index, int) { sum += index; });
    EXPECT_EQ(sum, 45u);
  }
}

// Loops that are over before a sleeping worker wakes, one behind the other: none may enter the next with the last one's
// work, and none may be waited for that never came.
TEST(WorkerPool, ManyShortLoops) {
  for (int threads : {2, 5}) {
    WorkerPool pool(threads);
    for (size_t round = 0; round < 20000; ++round) {
      std::array<int, 7> seen{};  // of this round alone
      const size_t count = round % 8;
      pool.for_each(count, [&](size_t index, int) { ++seen[index]; });
      for (size_t i = 0; i < seen.size(); ++i) ASSERT_EQ(seen[i], i < count ? 1 : 0) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace lstar
