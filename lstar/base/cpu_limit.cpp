#include "lstar/base/cpu_limit.h"

#include <algorithm>
#include <charconv>

#include "lstar/base/atomic_file.h"

namespace lstar {
namespace {

constexpr size_t kLargestFile = 64 << 10;
constexpr size_t kDeepest = 64;

std::string_view first_word(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t\n"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_first_of(" \t\n"));
}

std::optional<double> positive(std::string_view word) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || error != std::errc{} || end != word.data() + word.size() || value <= 0) return std::nullopt;
  return static_cast<double>(value);
}

void keep_least(std::optional<double>& least, std::optional<double> other) {
  if (other && (!least || *other < *least)) least = other;
}

bool names_cpu(std::string_view controllers) {  // "cpu,cpuacct", not "cpuset"
  while (!controllers.empty()) {
    const size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == "cpu") return true;
    controllers.remove_prefix(std::min(controllers.size(), comma + 1));
  }
  return false;
}

}  // namespace

std::optional<double> parse_cfs(std::string_view quota, std::string_view period) {
  const auto time = positive(first_word(quota)), each = positive(first_word(period));  // -1: no limit
  return time && each ? std::optional(*time / *each) : std::nullopt;
}

std::optional<double> parse_cpu_max(std::string_view text) {
  const std::string_view quota = first_word(text);
  const size_t behind = static_cast<size_t>(quota.data() - text.data()) + quota.size();
  return parse_cfs(quota, text.substr(std::min(behind, text.size())));
}

ControlGroups parse_control_groups(std::string_view text) {
  ControlGroups groups;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (line.substr(0, first) == "0" && controllers.empty()) groups.unified = path;
    if (names_cpu(controllers)) groups.cpu = path;
  }
  return groups;
}

std::vector<std::string> groups_above(std::string_view path) {
  std::vector<std::string> found;
  const bool leads_out = path.find("/..") != path.npos || !path.starts_with('/');
  while (!leads_out && path.size() > 1 && found.size() < kDeepest) {
    if (!path.ends_with('/')) found.emplace_back(path);
    path = path.substr(0, path.rfind('/'));
  }
  found.emplace_back();
  return found;
}

std::optional<double> processor_quota(const FileText& read) {
  const auto own = read("/proc/self/cgroup");
  if (!own) return std::nullopt;
  const ControlGroups groups = parse_control_groups(*own);
  std::optional<double> least;
  if (groups.unified)
    for (const std::string& group : groups_above(*groups.unified))
      for (const char* mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
        if (const auto text = read(mount + group + "/cpu.max")) keep_least(least, parse_cpu_max(*text));
  if (groups.cpu)
    for (const std::string& group : groups_above(*groups.cpu))
      for (const char* mount : {"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu"}) {
        const auto quota = read(mount + group + "/cpu.cfs_quota_us"),
                   period = read(mount + group + "/cpu.cfs_period_us");
        if (quota && period) keep_least(least, parse_cfs(*quota, *period));
      }
  return least;
}

std::optional<double> processor_quota() {
  return processor_quota([](const std::string& path) {
    auto text = read_file(path, kLargestFile);
    return text ? std::optional(*std::move(text)) : std::nullopt;
  });
}

}  // namespace lstar
