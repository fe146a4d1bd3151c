// How well would a form fit numbers that have nothing to do with the models' shapes? Definitions and known answers:
// docs/mathematics.md. Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lstar/analysis/chance.h"

namespace lstar {

struct FitNull {
  double mape = 0;        // of the form by least squares, on the points it was fitted to
  double f = 0, f_p = 0;  // of all its coefficients but the constant together
  Share permuted;         // assignments of L*/L to models whose refit has this mape or less: all, or seeded draws
  bool is_exact = false;  // all
  Share random;           // refits of L* uniform on 1 ... layers - 1, of one prompt each
};

// Of L*/L = c_0 + c_1 L + c_2/H, v3's form. None where the shapes do not determine three coefficients, or leave no
// degree of freedom.
std::optional<FitNull> fit_null(std::span<const ModelPoint>, uint64_t seed, size_t draws = 20'000);

// Of L*/L as a sum of these columns, a row a point; the first column is the constant 1.
std::optional<FitNull> fit_null(std::span<const ModelPoint>, std::span<const std::vector<double>> design, uint64_t seed,
                                size_t draws = 20'000);

}  // namespace lstar
