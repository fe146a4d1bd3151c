// Nothing is lost by kill -9: a study that is killed at a random moment, once or several times, and asked again, leaves
// the files of one that nobody disturbed. LSTAR_KILLS says how often (make crash-test: 200); some in the suite.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include <fmt/core.h>

#include "lstar/base/json.h"
#include "tests/cli/support.h"
#include "tests/support/sanitized.h"

namespace lstar {
namespace {

using testing::lstar_program;
using Seconds = std::chrono::duration<double>;
using Clock = std::chrono::steady_clock;

constexpr const char* kStore = "measurements.sqlite";

std::vector<std::string> study(const std::string& out) {
  return {LSTAR_PROGRAM,
          "run",
          "--manifest",
          LSTAR_SOURCE_DIR "/zoo/manifest.toml",
          "--deterministic-timestamp",
          "t",
          "--figures",
          "svg",
          "--threads",
          "1",
          "--quiet",
          "--out",
          out};
}

pid_t start(std::vector<std::string> words) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  if (!std::freopen("/dev/null", "w", stdout) || !std::freopen("/dev/null", "w", stderr)) ::_exit(99);
  ::execv(arguments[0], arguments.data());
  ::_exit(99);
}

// The status of a study that ends by itself; -1 where it was killed.
int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::map<std::string, std::string> files(const std::string& folder) {
  std::map<std::string, std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (const std::string name = entry.path().filename().string(); name != kStore)
      found[name] = read_file(entry.path().string()).value_or("unreadable");
  return found;
}

// All that a store knows but when and how it was measured.
std::string known(const std::string& folder) {
  const auto listed = lstar_program("store list --json " + folder + "/" + kStore);
  const auto document = JsonDocument::parse(listed.out, "store list");
  if (!document) return "unreadable: " + listed.err;
  std::string models;
  for (const Json model : document->root()["models"].items())
    models += fmt::format("{} {} {}\n", model["model"].shown(), model["content"].shown(), model["prompts"].shown());
  return models + fmt::format("{} runs", document->root()["runs"].size());
}

TEST(Crash, AKilledStudyThatIsAskedAgainIsWhole) {
  const char* asked = std::getenv("LSTAR_KILLS");
  const int wanted = asked ? std::atoi(asked) : testing::kSanitized ? 1 : 6;
  const testing::TemporaryFolder folder;
  const std::string whole = folder / "whole";
  const auto began = Clock::now();
  ASSERT_EQ(wait_for(start(study(whole))), 0);
  const double seconds = Seconds(Clock::now() - began).count();
  const auto undisturbed = files(whole);
  const std::string all = known(whole);
  ASSERT_EQ(undisturbed.size(), 6u);
  ASSERT_NE(all.find("zoo/"), all.npos) << all;

  std::mt19937_64 random(20261130);
  std::uniform_real_distribution<double> moment(0, 1.1);
  int kills = 0, too_late = 0, before_files = 0, among_files = 0;
  for (int trial = 0; kills < wanted; ++trial) {
    const std::string out = folder / fmt::format("trial{}", trial);
    const int most = 1 + static_cast<int>(random() % 3);
    int here = 0;
    for (int i = 0; i < most && kills < wanted; ++i) {
      const pid_t child = start(study(out));
      ASSERT_GT(child, 0);  // -1 would be everybody
      std::this_thread::sleep_for(Seconds(seconds * moment(random)));
      ::kill(child, SIGKILL);
      const int status = wait_for(child);
      if (status >= 0) {
        EXPECT_EQ(status, 0);
        ++too_late;
        continue;
      }
      ++kills;
      ++here;
      const auto left = std::filesystem::is_directory(out) ? files(out) : std::map<std::string, std::string>();
      for (const auto& [name, content] : left) {
        if (name.starts_with(kStore)) continue;  // SQLite's own, beside it
        ASSERT_TRUE(undisturbed.contains(name)) << "left behind: " << name;
        EXPECT_EQ(content, undisturbed.at(name)) << name << " is not whole";
      }
      (left.contains(undisturbed.begin()->first) ? among_files : before_files) += 1;
    }
    ASSERT_EQ(wait_for(start(study(out))), 0) << "after " << here << " kills";
    EXPECT_EQ(files(out), undisturbed) << "after " << here << " kills";
    EXPECT_EQ(known(out), all);
    std::filesystem::remove_all(out);
  }
  fmt::print("{} kills: {} before the first file, {} after it; {} studies ended before theirs\n", kills, before_files,
             among_files, too_late);
}

}  // namespace
}  // namespace lstar
