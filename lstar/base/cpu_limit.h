// How much processor time the system gives this process, beside the processors that it may run on: a control group's
// quota, as containers and batch systems set it. More threads than that only take turns being stopped.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lstar {

// The text of a file; nothing where it cannot be read.
using FileText = std::function<std::optional<std::string>(const std::string& path)>;

// Processors' worth of time, by the least quota from the process's own group up to the root: cpu.max of version 2,
// cpu.cfs_quota_us and cpu.cfs_period_us of version 1. Nothing where there is no limit.
std::optional<double> processor_quota(const FileText& read);
std::optional<double> processor_quota();  // of this process

// The pieces, for tests. "200000 100000" is 2; "max 100000", and whatever is no limit, is nothing.
std::optional<double> parse_cpu_max(std::string_view text);
std::optional<double> parse_cfs(std::string_view quota, std::string_view period);

// The group's path in the hierarchies that count processor time, from /proc/self/cgroup.
struct ControlGroups {
  std::optional<std::string> unified, cpu;  // of version 2; of version 1's controller "cpu"
};
ControlGroups parse_control_groups(std::string_view text);

// "/a/b", "/a" and "": the folders of a group's path and those above it. A path that leads out of what we see ("/../x")
// has the root alone.
std::vector<std::string> groups_above(std::string_view path);

}  // namespace lstar
