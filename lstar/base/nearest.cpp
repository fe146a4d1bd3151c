#include "lstar/base/nearest.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "lstar/base/text.h"

namespace lstar {
namespace {

constexpr size_t kLongest = 256;

// Edits between two texts, or anything above `most` where there are more.
size_t edits(std::string_view a, std::string_view b, size_t most) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > most) return most + 1;
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);  // of a's first i-2, i-1, i bytes
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, last);
    std::swap(last, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    if (std::min(*std::min_element(row.begin(), row.end()), *std::min_element(last.begin(), last.end())) > most)
      return most + 1;
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view given, std::span<const std::string> known) {
  if (given.size() > kLongest) return std::nullopt;
  const std::string wanted = lower_ascii(given);
  std::optional<std::string> best;
  size_t most = (given.size() + 1) / 3;
  for (const std::string& name : known) {
    if (name.size() > kLongest) continue;
    const size_t distance = edits(wanted, lower_ascii(name), most);
    if (distance > most) continue;
    best = name;
    if (distance == 0) break;
    most = distance - 1;
  }
  if (best || given.size() < 3) return best;
  for (const std::string& name : known) {  // the beginning of one name alone
    if (name.size() > kLongest || !lower_ascii(name).starts_with(wanted)) continue;
    if (best) return std::nullopt;
    best = name;
  }
  return best;
}

}  // namespace lstar
