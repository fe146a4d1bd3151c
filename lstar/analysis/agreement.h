// Do prompts agree on L*? Pure; safe from any thread.
#pragma once

#include <optional>
#include <span>

namespace lstar {

// Below this share of prompts with the likeliest layer a mean says nothing of a layer.
inline constexpr double kLeastModalShare = 0.8;

struct Agreement {
  int mode = 0;            // the layer of most prompts, the first of equals
  double modal_share = 0;  // of prompts that have it
  double entropy = 0;      // of the distribution of layers, nats: 0 where all agree
  double jackknife = 0;    // standard error of the mean by leaving one prompt out after the other
};

// None of fewer than two prompts.
std::optional<Agreement> agreement(std::span<const double> l_star);

}  // namespace lstar
