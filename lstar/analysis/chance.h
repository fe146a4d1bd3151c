// What a formula's error would be if there were no transition: L* drawn at random, or dealt out anew among the models.
// Definitions and known answers stand in docs/mathematics.md. Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lstar/analysis/statistics.h"

namespace lstar {

// The share of equally likely outcomes at or below a value, and how far seeded draws let it be known.
struct Share {
  double p = 0;
  double error = 0;  // its Monte Carlo standard error; 0 where all outcomes were counted
};

Share share_of(size_t count, size_t of_draws);
// The same where the outcome that was seen is one of those there are, and was not drawn: never 0 (B. Phipson and G. K.
// Smyth, Permutation p-values should never be zero, 2010).
Share p_of_draws(size_t count, size_t of_draws);

// The error, as error_pct() has it, to be expected of a prediction where the L* of each prompt is 1, ..., layers - 1
// with equal probability, and the model's is the mean over `prompts` of them. Exact up to a thousand prompts; above by
// the normal distribution, which differs there by less than a thousandth.
double expected_noise_error_pct(double predicted, int layers, int prompts);

// Studies of the same models and numbers of prompts whose L* are such noise.
class NoiseStudies {
 public:
  NoiseStudies(std::span<const ModelPoint>, uint64_t seed, int draws = 20'000);

  // The mape of a prediction in each of them, in ascending order. `predicted` has one value a model.
  std::vector<double> mapes(std::span<const double> predicted) const;

 private:
  std::vector<int> layers_;
  std::vector<double> l_star_;  // (draws, models)
};

struct NoiseNull {
  double expected = 0;       // of the mape: expected_noise_error_pct()
  Share as_good;             // noise that scores the observed mape or better
  double low = 0, high = 0;  // between which 95 % of noise studies lie
  Share below_10, below_15;  // that the notebook's thresholds would praise
};
NoiseNull noise_null(const NoiseStudies&, std::span<const ModelPoint>, std::span<const double> predicted);
// The same from NoiseStudies::mapes of these predictions.
NoiseNull noise_null(std::span<const double> noise, std::span<const ModelPoint>, std::span<const double> predicted);

// The models' L*/L dealt out among them in every way that changes the error, or in seeded draws of these where there
// are more than 200,000: does a formula know whose is whose?
struct AssignmentTest {
  Share as_good;       // assignments with the observed mape or less
  double least_p = 0;  // that a study of so many assignments can reach, whatever its L*: one over them
  double least = 0, mean = 0, greatest = 0;  // of the mape over them
  uint64_t assignments = 0;                  // that were looked at
  bool is_exact = false;                     // all there are
};
AssignmentTest assignment_test(std::span<const ModelPoint>, std::span<const double> predicted, uint64_t seed);

// Which of many tests still say something once it counts how many were made: for each p the least share of false finds
// among those at or below it (Y. Benjamini and Y. Hochberg, Controlling the False Discovery Rate, JRSS B 57, 1995).
std::vector<double> false_discovery_rates(std::span<const double> p);

}  // namespace lstar
