#include <algorithm>
#include <deque>
#include <set>

#include "lstar/study/result_diff.h"

namespace lstar {
namespace {

using Content = std::pair<std::optional<std::string>, std::vector<int64_t>>;

Content content_of(const ReportedPrompt& prompt) { return {prompt.text, prompt.ids}; }

}  // namespace

// First those of the same content, however they were moved about. Of what is left, the same id is the same prompt with
// another content; where as many are left of each, the same place is.
PromptsDiff match_prompts(const std::vector<ReportedPrompt>& a, const std::vector<ReportedPrompt>& b) {
  PromptsDiff diff{.is_comparable = true, .a = a.size(), .b = b.size()};
  diff.b_of_a.resize(a.size());
  std::map<Content, std::deque<size_t>> by_content;
  for (size_t j = 0; j < b.size(); ++j) by_content[content_of(b[j])].push_back(j);
  std::set<size_t> left_a, left_b;
  for (size_t j = 0; j < b.size(); ++j) left_b.insert(j);
  const auto changed = [&](size_t i, size_t j) { diff.changed.push_back({i, j, a[i], b[j]}); };
  std::optional<size_t> last;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto found = by_content.find(content_of(a[i]));
    if (found == by_content.end() || found->second.empty()) {
      left_a.insert(i);
      continue;
    }
    const size_t j = found->second.front();
    found->second.pop_front();
    left_b.erase(j);
    diff.b_of_a[i] = j;
    diff.is_reordered = diff.is_reordered || (last && j < *last);
    last = j;
    if (a[i].id != b[j].id) changed(i, j);
  }
  std::map<std::string, size_t> by_id;
  for (const size_t j : left_b)
    if (!b[j].id.empty()) by_id.emplace(b[j].id, j);
  const auto pair = [&](size_t i, size_t j) {
    changed(i, j);
    left_b.erase(j);
    return true;
  };
  std::erase_if(left_a, [&](size_t i) {
    const auto found = by_id.find(a[i].id);
    return found != by_id.end() && left_b.contains(found->second) && pair(i, found->second);
  });
  if (left_a.size() == left_b.size()) std::erase_if(left_a, [&](size_t i) { return left_b.contains(i) && pair(i, i); });
  for (const size_t i : left_a) diff.changed.push_back({.a = i, .b = {}, .before = a[i], .after = {}});
  for (const size_t j : left_b) diff.changed.push_back({.a = {}, .b = j, .before = {}, .after = b[j]});
  std::stable_sort(diff.changed.begin(), diff.changed.end(), [](const PromptDifference& x, const PromptDifference& y) {
    return x.a.value_or(x.b.value_or(0)) < y.a.value_or(y.b.value_or(0));
  });
  return diff;
}

}  // namespace lstar
