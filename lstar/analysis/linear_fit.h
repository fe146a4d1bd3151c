// Least squares with what a referee asks of it: rank and condition, intervals, how much each row decides, how alike the
// columns are, and whether the whole beats a constant. Pure; safe from any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lstar/analysis/intervals.h"

namespace lstar {

struct Coefficient {
  double value = 0;
  std::optional<double> deviation;   // standard error; none without degrees of freedom, as the next
  std::optional<Interval> interval;  // 95 %, by Student's t
  std::optional<double> inflation;   // variance inflation factor; none for the constant, or where it is the only other
};

struct LinearFit {
  int rows = 0, columns = 0;
  int rank = 0;          // below the number of columns the coefficients are not identified, and there are none
  double condition = 0;  // of the columns, each scaled to length 1: the largest singular value over the smallest
  std::vector<Coefficient> coefficients;  // one a column
  std::vector<double> fitted;             // (rows)
  std::vector<double> leverage;           // (rows): the diagonal of the hat matrix; 1: the row alone decides its value
  double residual_sq = 0;                 // sum of squared residuals
  std::optional<double> r_squared;        // against a constant; none where the target is one
  std::optional<double> f, f_p;           // of all columns but the constant, and its tail; none without degrees
  std::optional<double> aicc;             // Akaike's, corrected for few rows (Hurvich and Tsai 1989)
  bool identified() const { return rank == columns && columns > 0; }
  int degrees() const { return rows - columns; }  // of freedom
};

// `design` has one row of values a point, all of one length; its first column is the constant 1.
LinearFit fit_linear(std::span<const std::vector<double>> design, std::span<const double> target);

}  // namespace lstar
