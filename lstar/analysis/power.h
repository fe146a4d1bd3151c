// What a study could find out at all: the error that it would tell from noise, and the models that would decide its
// question. Definitions: docs/mathematics.md. Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lstar/analysis/formulas.h"

namespace lstar {

// A formula that is off by the same factor less than noise, from study to study, is told from noise in 80 % of studies
// (at 5 %) where its expected error is at most `detectable`.
struct NoisePower {
  double critical = 0;    // the mape that 5 % of noise studies reach: at most this is better than chance
  double detectable = 0;  // expected mape
};
// `noise`: the mapes of noise studies, ascending; `expected` is their expectation. All per cent of the depth.
NoisePower noise_power(std::span<const double> noise, double expected);

// A shape that models have.
struct KnownShape {
  std::string_view like;  // "gpt2-xl"
  int layers = 0, heads = 0;
};
std::span<const KnownShape> known_shapes();

struct NewModels {
  KnownShape shape;
  double differ = 0;          // between the two predictions, per cent of the depth
  std::optional<int> models;  // how many decide; none: more than kMostNewModels
};
inline constexpr int kMostNewModels = 128;

// How many models of each known shape, besides the study's own, would tell a formula from a constant fraction of the
// depth, if the formula were right and L* scattered about it normally by `scatter` per cent of the depth: a paired
// t-test of the two errors, two-sided at 5 %, that succeeds in 80 % of 500 seeded studies. `own` are the formula's
// predictions as fractions of the depth of the study's models. Shapes for which it names no layer are left out, and all
// for a formula that needs more than L and H.
std::vector<NewModels> models_to_decide(const Formula&, std::span<const double> own, double constant, double scatter,
                                        uint64_t seed);

}  // namespace lstar
