// What the targets that run a model share: the numbers of a pass fit each other, whatever the weights are. A number
// that is not finite promises nothing: weights may be so large that it overflows.
#pragma once

#include "fuzz/support.h"
#include "lstar/architecture/architecture.h"
#include "lstar/observe/observation.h"
#include "lstar/observe/weight_norms.h"

namespace lstar::fuzz {

inline constexpr Wants kEverything =
    Want::diagonal | Want::rounded_sum | Want::entropy | Want::residual_norm | Want::output_scale | Want::overlap;

// At most `most`, but for a thousandth of it.
inline bool is_within(double value, double most) {
  return !std::isfinite(value) || !std::isfinite(most) || value <= most + 1e-3 * std::fabs(most);
}
inline bool is_near(double value, double other) { return is_within(value, other) && is_within(other, value); }

inline void require_fitting(const Architecture& a, const Observation& seen, size_t prompts, size_t next_tokens) {
  const size_t layers = static_cast<size_t>(a.layers), heads = static_cast<size_t>(a.heads);
  require(seen.tokens.size() == prompts, "every prompt is seen");
  for (const auto* sums : {&seen.diagonal, &seen.off_diagonal, &seen.entropy})
    require(sums->values().size() == prompts * layers * heads, "there is a number for each head");
  require(seen.rounded_sum.values().size() == prompts * layers, "there is a number for each layer");
  require(seen.output_scale_sq.values().size() == (a.has(Role::attention_output_norm) ? prompts * layers : 0),
          "there is a number for each norm behind W_O");
  require(seen.residual_norm.values().size() == prompts * (layers + 1), "there is a norm before and after each layer");
  require(seen.overlap.values().size() == prompts * layers * pairs_of(heads), "there is a number for every two heads");
  for (size_t p = 0; p < prompts; ++p) {
    const auto n = static_cast<double>(seen.tokens[p]);
    for (size_t l = 0; l < layers; ++l)
      for (size_t h = 0; h < heads; ++h) {
        const double on = seen.diagonal(p, l, h), off = seen.off_diagonal(p, l, h), entropy = seen.entropy(p, l, h);
        require(!(on < 0) && !(off < 0), "probabilities are not negative");
        require(a.has(Role::sinks) ? is_within(on + off, n) : is_near(on + off, n), "rows of probabilities sum to 1");
        require(!(entropy < -1e-3 * n) && is_within(entropy, n * std::log(n + 1) + 1e-3), "entropy is of n tokens");
      }
    for (size_t l = 0; l < layers; ++l)
      for (const double overlap : seen.overlap(p, l))
        require(!(overlap < 0) && is_within(overlap, n), "two rows of probabilities share at most 1");
    for (size_t l = 0; l < seen.output_scale_sq.dim1(); ++l)
      require(!(seen.output_scale_sq(p, l) < 0), "a mean of squares is not negative");
    for (size_t l = 0; l <= layers; ++l) require(!(seen.residual_norm(p, l) < 0), "a norm is not negative");
  }
  require(seen.next_tokens.size() == (next_tokens > 0 ? prompts : 0), "every prompt has next tokens");
  for (const auto& scores : seen.next_tokens) {
    require(scores.size() == std::min(next_tokens, static_cast<size_t>(a.vocab)), "as many next tokens as asked for");
    for (size_t i = 0; i < scores.size(); ++i) {
      require(scores[i].id >= 0 && scores[i].id < a.vocab, "a next token is in the vocabulary");
      require(i == 0 || !(scores[i].logit > scores[i - 1].logit), "the likeliest next token comes first");
    }
  }
}

inline void require_fitting(const Architecture& a, const WeightNorms& norms) {
  const size_t layers = static_cast<size_t>(a.layers), heads = static_cast<size_t>(a.heads);
  const size_t kv_heads = static_cast<size_t>(a.kv_heads);
  require(norms.w_o_sq.size() == layers && norms.ov_sq.values().size() == layers * heads,
          "there are norms of each layer");
  require(norms.w_v_sq.size() == layers && norms.w_v_head_sq.values().size() == layers * kv_heads,
          "there are norms of each value projection");
  for (size_t l = 0; l < layers; ++l) {
    for (size_t h = 0; h < heads; ++h) require(!(norms.ov_sq(l, h) < 0), "a squared norm is not negative");
    require(!(norms.w_o_sq[l] < 0), "a squared norm is not negative");
    double sum = 0;
    for (size_t h = 0; h < kv_heads; ++h) sum += norms.w_v_head_sq(l, h);
    require(!(norms.w_v_sq[l] < 0) && is_near(sum, norms.w_v_sq[l]), "the heads' norms make the layer's");
    if (norms.w_v_spectral.empty()) continue;
    const double w_v = norms.w_v_spectral[l], w_o = norms.w_o_spectral[l];
    require(is_within(w_v * w_v, norms.w_v_sq[l]) && is_within(w_o * w_o, norms.w_o_sq[l]),
            "no singular value is larger than all of them together");
  }
}

}  // namespace lstar::fuzz
