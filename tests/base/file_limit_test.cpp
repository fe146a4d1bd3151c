// Writing beyond `ulimit -f` is an error, not the end of the process; threads beyond `ulimit -u` are done without.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "lstar/base/atomic_file.h"
#include "lstar/base/worker_pool.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

TEST(FileLimit, IsAnErrorWithoutALeftover) {
  testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "old", "as it was"));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = write_file(folder / "old", std::string(5000, 'x'));
  const auto short_one = write_file(folder / "short", std::string(500, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message(), folder / "old" + ": cannot be written: File too large");
  EXPECT_TRUE(short_one);
  EXPECT_EQ(*read_file(folder / "old"), "as it was");
  size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++entries;
  EXPECT_EQ(entries, 2u);
  sigset_t pending, blocked;
  ::sigpending(&pending);
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  EXPECT_EQ(sigismember(&pending, SIGXFSZ), 0) << "the signal is taken";
  EXPECT_EQ(sigismember(&blocked, SIGXFSZ), 0);
}

// In a process of its own, whose address space has no room for so many stacks, or for any.
TEST(ThreadLimit, FewerThreadsDoTheWork) {
  if (testing::kSanitized) GTEST_SKIP() << "a sanitizer needs the address space itself";
  const auto work = [](rlim_t room) {
    const rlimit limit{room, room};
    ::setrlimit(RLIMIT_AS, &limit);
    WorkerPool pool(1000);
    std::atomic<size_t> sum{0};
    pool.for_each(5000, [&](size_t index, int) { sum += index; });
    std::fprintf(stderr, "%d threads", pool.threads());
    std::_Exit(pool.threads() >= 1 && pool.threads() < 1000 && sum == 4999 * 5000 / 2 ? 3 : 1);
  };
  EXPECT_EXIT(work(rlim_t{512} << 20), ::testing::ExitedWithCode(3), "[1-9][0-9]* threads");
  EXPECT_EXIT(work(1), ::testing::ExitedWithCode(3), "[1-9] threads");
}

}  // namespace
}  // namespace lstar
