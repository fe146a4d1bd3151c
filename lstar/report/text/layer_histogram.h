// How often each layer is the L* of a prompt, as bars for a terminal. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lstar {

// A prompt's L*; one that could not be run is none of these.
struct FoundLayer {
  std::optional<int> layer;
  bool resolved = false;
};

struct LayerBin {
  int first = 0, last = 0;  // layers
  size_t resolved = 0, unresolved = 0;
  bool operator==(const LayerBin&) const = default;
};

// At most `most` bins, in order: one for each layer that occurs, or, where more occur, layers in runs of one length
// from the first to the last that occurs. Prompts without an L* are in none.
std::vector<LayerBin> layer_bins(std::span<const FoundLayer>, size_t most);

// "498 of 500 resolved, 1 not, 1 without an L*"
std::string resolved_text(std::span<const FoundLayer>);

// A line for each of at most eight bins, and one for prompts without an L*: layers, a bar, and how many prompts; what
// is not resolved is the paler end of its bar. At most `width` columns, indented by `indent`.
std::string histogram_text(std::span<const FoundLayer>, int width, int indent);

}  // namespace lstar
