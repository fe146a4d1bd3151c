#include "lstar/report/text/failed_prompts.h"

#include <algorithm>

#include <fmt/format.h>

#include "lstar/report/text/text_layout.h"

namespace lstar {

std::vector<std::string> failed_prompts_lines(const Measurement& m, size_t most) {
  constexpr size_t kNamed = 5;
  struct Group {
    std::string reason;
    std::vector<size_t> prompts;
  };
  std::vector<Group> groups;
  size_t others = 0;
  for (size_t i = 0; i < m.prompts.size(); ++i) {
    if (!m.prompts[i].error) continue;
    const std::string reason = m.prompts[i].error->message();
    auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.reason == reason; });
    if (group == groups.end()) {
      if (groups.size() == most) {
        ++others;
        continue;
      }
      group = groups.insert(groups.end(), Group{reason, {}});
    }
    group->prompts.push_back(i + 1);
  }
  std::vector<std::string> lines;
  for (const Group& group : groups) {
    const std::vector<size_t>& all = group.prompts;
    const std::vector<size_t> named(all.begin(), all.begin() + static_cast<ptrdiff_t>(std::min(kNamed, all.size())));
    lines.push_back(fmt::format("prompt{} {}{}: {}", all.size() == 1 ? "" : "s", fmt::join(named, ", "),
                                all.size() > kNamed ? fmt::format(" and {} more", all.size() - kNamed) : "",
                                group.reason));
  }
  if (others > 0) lines.push_back(fmt::format("{} more, for other reasons", others));
  return lines;
}

std::string failed_prompts_text(const Measurement& m, int width, int indent) {
  constexpr size_t kReasons = 3;
  std::string out;
  for (const std::string& line : failed_prompts_lines(m, kReasons))
    out += shorten(std::string(static_cast<size_t>(indent), ' ') + "FAILED: " + one_line(line), width) + "\n";
  return out;
}

}  // namespace lstar
