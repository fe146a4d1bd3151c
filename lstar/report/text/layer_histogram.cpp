#include "lstar/report/text/layer_histogram.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/core.h>

#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

constexpr size_t kMostBins = 8;
constexpr int kWidestBar = 40;

std::string repeated(std::string_view piece, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += piece;
  return out;
}

struct Line {
  std::string layers, count;
  size_t resolved = 0, unresolved = 0;
};

// Columns for `count` where `most` has `width`: never none for something.
int length_of(size_t count, size_t most, int width) {
  if (count == 0) return 0;
  return std::max(1, static_cast<int>(std::lround(static_cast<double>(count) * width / static_cast<double>(most))));
}

}  // namespace

std::vector<LayerBin> layer_bins(std::span<const FoundLayer> found, size_t most) {
  std::map<int, LayerBin> layers;
  for (const FoundLayer& prompt : found) {
    if (!prompt.layer) continue;
    LayerBin& bin = layers.try_emplace(*prompt.layer, LayerBin{*prompt.layer, *prompt.layer}).first->second;
    ++(prompt.resolved ? bin.resolved : bin.unresolved);
  }
  std::vector<LayerBin> bins;
  if (layers.size() <= most) {
    for (const auto& [layer, bin] : layers) bins.push_back(bin);
    return bins;
  }
  const int first = layers.begin()->first, span = layers.rbegin()->first - first + 1, rows = static_cast<int>(most);
  const int each = (span + rows - 1) / rows;
  for (int from = first; from < first + span; from += each) bins.push_back({from, from + each - 1});
  bins.back().last = layers.rbegin()->first;
  for (const auto& [layer, bin] : layers) {
    LayerBin& into = bins[static_cast<size_t>((layer - first) / each)];
    into.resolved += bin.resolved;
    into.unresolved += bin.unresolved;
  }
  return bins;
}

std::string resolved_text(std::span<const FoundLayer> found) {
  const auto count = [&](auto is) { return std::count_if(found.begin(), found.end(), is); };
  const auto none = count([](const FoundLayer& prompt) { return !prompt.layer; });
  const auto resolved = count([](const FoundLayer& prompt) { return prompt.layer && prompt.resolved; });
  const auto unresolved = static_cast<ptrdiff_t>(found.size()) - none - resolved;
  std::string text = fmt::format("{} of {} resolved", resolved, found.size());
  if (unresolved > 0) text += fmt::format(", {} not", unresolved);
  if (none > 0) text += fmt::format(", {} without an L*", none);
  return text;
}

std::string histogram_text(std::span<const FoundLayer> found, int width, int indent) {
  std::vector<Line> lines;
  for (const LayerBin& bin : layer_bins(found, kMostBins)) {
    const bool mixed = bin.resolved > 0 && bin.unresolved > 0;
    lines.push_back({bin.first == bin.last ? std::to_string(bin.first) : fmt::format("{}-{}", bin.first, bin.last),
                     fmt::format("{}{}", bin.resolved + bin.unresolved,
                                 mixed                ? fmt::format(", {} not resolved", bin.unresolved)
                                 : bin.unresolved > 0 ? ", not resolved"
                                                      : ""),
                     bin.resolved, bin.unresolved});
  }
  const auto none = static_cast<size_t>(
      std::count_if(found.begin(), found.end(), [](const FoundLayer& prompt) { return !prompt.layer; }));
  if (none > 0) lines.push_back({"none", std::to_string(none)});

  int label = 0, count = 0;
  size_t most = 0;
  for (const Line& line : lines) {
    label = std::max(label, display_width(line.layers));
    count = std::max(count, display_width(line.count));
    most = std::max(most, line.resolved + line.unresolved);
  }
  const int bar = std::clamp(width - indent - label - count - 4, 4, kWidestBar);
  std::string out;
  for (const Line& line : lines) {
    const int dark = length_of(line.resolved, most, bar);
    const int pale = line.resolved == 0 ? length_of(line.unresolved, most, bar)
                                        : std::max(line.unresolved > 0 ? 1 : 0,
                                                   length_of(line.resolved + line.unresolved, most, bar) - dark);
    out += fmt::format("{}{:>{}}  {}{}{}{}\n", std::string(static_cast<size_t>(indent), ' '), line.layers, label,
                       repeated("█", dark), repeated("░", pale), dark + pale > 0 ? " " : "", line.count);
  }
  return out;
}

}  // namespace lstar
