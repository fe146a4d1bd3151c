// What a forward pass is asked for, and what it reports: plain data, sized once a run. Includes base/ only; owns its
// arrays; written by one forward pass at a time, read by anyone afterwards.
#pragma once

#include <cstdint>
#include <vector>

#include "lstar/base/array.h"

namespace lstar {

// Each bit costs work in the pass; a pass computes exactly the bits that somebody reads.
enum class Want : unsigned {
  diagonal = 1,     // diagonal and off-diagonal mass of every head
  rounded_sum = 2,  // sum of the head mean of the dtype-rounded probabilities
  entropy = 4,
  residual_norm = 8,  // carries the last token's row through all of the last layer
  next_token = 16,    // logits of the last token
  output_scale = 32,  // of a norm behind W_O, where there is one; projects all rows in the last layer
  overlap = 64,       // of every two heads: their probabilities are multiplied with each other
  spectral = 128,     // largest singular values of W_V and W_O: nothing of the pass, some time of every layer's weights
};

struct Wants {
  unsigned bits = 0;
  constexpr Wants() = default;
  constexpr Wants(Want want) : bits(static_cast<unsigned>(want)) {}  // NOLINT(google-explicit-constructor)
  constexpr bool has(Want want) const { return bits & static_cast<unsigned>(want); }
  constexpr Wants without(Wants other) const {
    Wants left;
    left.bits = bits & ~other.bits;
    return left;
  }
  constexpr Wants operator|(Wants other) const {
    Wants both;
    both.bits = bits | other.bits;
    return both;
  }
};
constexpr Wants operator|(Want a, Want b) { return Wants(a) | Wants(b); }

// Sums over the keys of a row run in the run's own arithmetic inside a block of at most this many keys, and in double
// from block to block. A kernel keeps to it, and the summation floors (analysis/estimators.cpp) count on it.
inline constexpr int64_t kLargestKeyBlock = 256;

// Where the number of heads `of` and `with`, 0 <= with <= of, stands among those of all pairs, of which there are
// pairs_of(heads): (0, 0), (1, 0), (1, 1), (2, 0), ...
constexpr size_t pair_at(size_t of, size_t with) { return of * (of + 1) / 2 + with; }
constexpr size_t pairs_of(size_t heads) { return pair_at(heads, 0); }

struct TokenScore {
  int32_t id = 0;
  double logit = 0;
};

// A number that was not asked for leaves its array empty.
struct Observation {
  std::vector<int64_t> tokens;  // (prompts): n of each
  Array3<double> diagonal;      // (prompts, layers, heads): tr A, unrounded probabilities
  Array3<double> off_diagonal;  // (prompts, layers, heads): sum of A_ij over i != j, summed itself, never n - diagonal
  Array3<double> entropy;       // (prompts, layers, heads): sum over rows of -sum_j A_ij ln A_ij, nats
  Array2<double>
      rounded_sum;  // (prompts, layers): sum of the head mean of the dtype-rounded probabilities, float32 arithmetic
  Array2<double> residual_norm;  // (prompts, layers + 1): L2 norm of the last token's residual stream before layer l;
                                 // last: after all
  // (prompts, layers, pairs of heads): sum of A^(h)_ij A^(h')_ij over i != j, of unrounded probabilities (pair_at)
  Array3<double> overlap;
  // (prompts, layers): mean over the prompt's rows of 1 / rho^2, rho the root mean square (the norm's epsilon included)
  // of the row of attention's output that the norm behind W_O sees; empty too where no norm stands there.
  Array2<double> output_scale_sq;
  std::vector<std::vector<TokenScore>> next_tokens;  // (prompts): the likeliest next tokens, best first
};

}  // namespace lstar
