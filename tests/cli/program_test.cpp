// The program as a user runs it: exit status, what goes to stdout and what to stderr, the same bytes again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/json.h"
#include "tests/cli/support.h"
#include "tests/support/recorded.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lstar_program;
using testing::Outcome;
using testing::source_path;
using ::testing::StartsWith;

const std::string kGpt2 = "tests/data/checkpoints/gpt2";

TEST(Program, ExitStatus) {
  EXPECT_EQ(lstar_program("run " + kGpt2 + " --token-ids '1 2 3 4'").status, 0);
  EXPECT_EQ(lstar_program("run " + kGpt2 + " nowhere --token-ids '1 2 3 4'").status, 1);
  EXPECT_EQ(lstar_program("run nowhere --token-ids '1 2 3 4'").status, 3);
  EXPECT_EQ(lstar_program("run --formula v9").status, 2);
  EXPECT_EQ(lstar_program("nonsense").status, 2);
  EXPECT_EQ(lstar_program("run " + kGpt2 + " --dtype float8").status, 2);
  EXPECT_EQ(lstar_program("trace " + kGpt2).status, 2);
  EXPECT_EQ(lstar_program("trace " + kGpt2 + " --token-ids '1 2' --token-ids 99999").status, 1);
  EXPECT_EQ(lstar_program("trace " + kGpt2 + " --token-ids 99999").status, 3);
  EXPECT_EQ(lstar_program("--help").status, 0);
  EXPECT_EQ(lstar_program("run --help").status, 0);
}

TEST(Program, UnwritableOutputsAreNoticed) {
  testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "file", ""));
  const Outcome taken = lstar_program("run " + kGpt2 + " --token-ids '1 2 3' --out " + (folder / "file"));
  EXPECT_EQ(taken.status, 2);
  EXPECT_THAT(taken.out, IsEmpty()) << "the folder is tried before the work";
  EXPECT_NE(lstar_program("predict -L 12 -H 12 --json >/dev/full #").status, 0);
  EXPECT_EQ(lstar_program("run nowhere " + kGpt2 + " --token-ids '1 2 3' --quiet 2>&- #").status, 1);
}

TEST(Program, JsonIsAloneOnStdout) {
  for (const std::string& arguments :
       {"trace " + kGpt2 + " --token-ids '1 2 3' --json", "run " + kGpt2 + " nowhere --token-ids '1 2 3' --json",
        "inspect " + kGpt2 + " --json", std::string("predict -L 12 -H 12 --json"),
        std::string("tokenize zoo/gpt2-12x12 hello --json")}) {
    const Outcome outcome = lstar_program(arguments);
    const auto document = JsonDocument::parse(outcome.out, arguments);
    EXPECT_TRUE(document) << document.error().message();
  }
}

TEST(Program, OneLineOnStderr) {
  const Outcome outcome = lstar_program("inspect nowhere");
  EXPECT_THAT(outcome.err, StartsWith("lstar: nowhere: "));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1);
  EXPECT_THAT(outcome.out, IsEmpty());
}

TEST(Program, SameBytesForAnyNumberOfThreads) {
  testing::TemporaryFolder folder;
  const std::string run =
      "run --manifest zoo/manifest.toml --deterministic-timestamp t --quiet --figures svg,pdf --out ";
  ASSERT_EQ(lstar_program(run + (folder / "one") + " --threads 1").status, 0);
  ASSERT_EQ(lstar_program(run + (folder / "three") + " --threads 3").status, 0);
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "one")) {
    const std::string name = entry.path().filename().string();
    EXPECT_EQ(*read_file(entry.path().string()), *read_file((folder / "three") + "/" + name)) << name;
    ++files;
  }
  EXPECT_EQ(files, 6u);
}

TEST(Program, VerdictOfTheZoo) {
  const Outcome outcome = lstar_program("run --manifest zoo/manifest.toml");
  EXPECT_EQ(outcome.status, 0);
  for (const char* line : {"COMPLETE: 6/6 models", "SUMMARY BY LAB", "OVERALL MAPE",
                           "VERDICT: ", "as_written is rounding residue", "miniatures trained for this project"})
    EXPECT_THAT(outcome.out, HasSubstr(line));
}

}  // namespace
}  // namespace lstar
