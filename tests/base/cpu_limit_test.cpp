// Control groups as the kernel writes them; the file system here is a map.
#include "lstar/base/cpu_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace lstar {
namespace {

using ::testing::ElementsAre;
using Files = std::map<std::string, std::string>;

std::optional<double> quota(const Files& files) {
  return processor_quota([&](const std::string& path) {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(CpuLimit, CpuMax) {
  EXPECT_EQ(parse_cpu_max("200000 100000\n"), 2.0);
  EXPECT_EQ(parse_cpu_max("50000 100000"), 0.5);
  EXPECT_EQ(parse_cpu_max("150000 100000"), 1.5);
  for (const char* text : {"max 100000\n", "max", "", "200000", "0 100000", "-1 100000", "1 0", "x y", "2e5 100000"})
    EXPECT_EQ(parse_cpu_max(text), std::nullopt) << text;
}

TEST(CpuLimit, CfsQuota) {
  EXPECT_EQ(parse_cfs("300000\n", "100000\n"), 3.0);
  EXPECT_EQ(parse_cfs("-1\n", "100000\n"), std::nullopt);
}

TEST(CpuLimit, ControlGroupsOfAProcess) {
  const ControlGroups two = parse_control_groups("0::/user.slice/a:b.scope\n");
  EXPECT_EQ(two.unified, "/user.slice/a:b.scope");
  EXPECT_EQ(two.cpu, std::nullopt);
  const ControlGroups one = parse_control_groups("12:cpuset:/x\n4:cpu,cpuacct:/docker/1\n1:name=systemd:/y\n");
  EXPECT_EQ(one.unified, std::nullopt);
  EXPECT_EQ(one.cpu, "/docker/1");
  EXPECT_EQ(parse_control_groups("nonsense\n\n:").unified, std::nullopt);
}

TEST(CpuLimit, GroupsAbove) {
  EXPECT_THAT(groups_above("/a/b"), ElementsAre("/a/b", "/a", ""));
  EXPECT_THAT(groups_above("/"), ElementsAre(""));
  EXPECT_THAT(groups_above("/../../x"), ElementsAre("")) << "out of what this name space sees";
  EXPECT_THAT(groups_above(""), ElementsAre(""));
}

TEST(CpuLimit, TheLeastOnTheWayUp) {
  Files files{{"/proc/self/cgroup", "0::/job/step\n"}};
  EXPECT_EQ(quota(files), std::nullopt);
  files["/sys/fs/cgroup/job/step/cpu.max"] = "max 100000\n";
  EXPECT_EQ(quota(files), std::nullopt);
  files["/sys/fs/cgroup/job/cpu.max"] = "350000 100000\n";
  EXPECT_EQ(quota(files), 3.5);
  files["/sys/fs/cgroup/job/step/cpu.max"] = "800000 100000\n";
  EXPECT_EQ(quota(files), 3.5);
  files["/sys/fs/cgroup/job/step/cpu.max"] = "100000 100000\n";
  EXPECT_EQ(quota(files), 1.0);
}

TEST(CpuLimit, InAContainerAndUnderVersionOne) {
  EXPECT_EQ(quota({{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "150000 100000\n"}}), 1.5);
  EXPECT_EQ(
      quota({{"/proc/self/cgroup", "3:cpu,cpuacct:/docker/1\n0::/\n"},  // the path is the host's; only the root is seen
             {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n"},
             {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"}}),
      2.5);
  EXPECT_EQ(quota({{"/sys/fs/cgroup/cpu.max", "150000 100000\n"}}), std::nullopt) << "no /proc";
}

}  // namespace
}  // namespace lstar
