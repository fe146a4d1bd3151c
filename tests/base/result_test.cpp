// What an error is made of, and what becomes of exceptions that stand for a lack of memory.
#include "lstar/base/result.h"

#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lstar/base/catch_memory.h"
#include "lstar/base/steps.h"
#include "lstar/base/worker_pool.h"

namespace lstar {
namespace {

constexpr ErrorKind kAll[] = {ErrorKind::cancelled,   ErrorKind::memory,  ErrorKind::changed,  ErrorKind::unreachable,
                              ErrorKind::unsupported, ErrorKind::missing, ErrorKind::argument, ErrorKind::malformed};

TEST(ErrorKinds, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const ErrorKind kind : kAll) names.insert(name(kind));
  EXPECT_EQ(names, (std::set<std::string>{"cancelled", "memory", "changed", "unreachable", "unsupported", "missing",
                                          "argument", "malformed"}));
}

TEST(ErrorKinds, OfSystemCalls) {
  EXPECT_EQ(kind_of_errno(ENOENT), ErrorKind::missing);
  EXPECT_EQ(kind_of_errno(ENOTDIR), ErrorKind::missing);
  EXPECT_EQ(kind_of_errno(ENAMETOOLONG), ErrorKind::missing);
  EXPECT_EQ(kind_of_errno(ENOMEM), ErrorKind::memory);
  for (const int error : {EACCES, EPERM, EIO, ENOSPC, EROFS, EMFILE, ETIMEDOUT})
    EXPECT_EQ(kind_of_errno(error), ErrorKind::unreachable) << error;
}

TEST(ErrorKinds, StandBesideTheMessage) {
  const Error error{.kind = ErrorKind::missing, .what = "not on disk", .file = "a"};
  EXPECT_EQ(error.message(), "a: not on disk");
  EXPECT_EQ(Error(error).in("b").kind, ErrorKind::missing);
  EXPECT_EQ(fail("x").value().kind, ErrorKind::malformed);
  EXPECT_EQ(fail(ErrorKind::argument, "x").value().kind, ErrorKind::argument);
  EXPECT_EQ(cancelled().kind, ErrorKind::cancelled);
}

TEST(CatchMemory, MakesAnErrorOfWhatWasThrown) {
  const auto thrown = [](auto exception) {
    return catch_memory("running the prompts: fewer take less", "zoo/a", [&]() -> Result<int> { throw exception; });
  };
  for (const auto& result :
       {thrown(std::bad_alloc()), thrown(std::bad_array_new_length()), thrown(std::length_error("vector"))}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::memory);
    EXPECT_EQ(result.error().message(), "zoo/a: out of memory while running the prompts: fewer take less");
  }
  EXPECT_THROW(thrown(std::runtime_error("a bug")), std::runtime_error);  // which must not look like something else
}

TEST(CatchMemory, PassesOnWhatIsReturned) {
  EXPECT_EQ(catch_memory("counting", [] { return Result<int>(7); }), 7);
  const auto failed = catch_memory("counting", "a", []() -> Result<void> { return fail(ErrorKind::changed, "b"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::changed);
  EXPECT_EQ(failed.error().message(), "b");
}

TEST(CatchMemory, OfAThreadOfAPool) {
  WorkerPool pool(4);
  const auto result = catch_memory("sharing a loop", [&]() -> Result<void> {
    pool.for_each(100, [](size_t index, int) {
      if (index == 50) throw std::bad_alloc();
    });
    return {};
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::memory);
}

}  // namespace
}  // namespace lstar
