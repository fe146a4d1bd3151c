// What was published, claim by claim, against what follows from the published numbers themselves or from measured ones.
// Numbers alone are held against numbers; chance stands beside each where it is defined. Pure; seeded draws are the
// same on every platform. Definitions and known answers: docs/mathematics.md, docs/audit.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lstar/analysis/intervals.h"
#include "lstar/study/measured_points.h"
#include "lstar/study/published.h"

namespace lstar {

enum class ClaimVerdict { agrees, differs, cannot_be_checked };
const char* name(ClaimVerdict);  // "agrees", "differs", "cannot be checked"

// One of the numbers that a claim's verdict rests on.
struct ClaimNumber {
  std::string what;
  std::optional<double> value;
  std::optional<Interval> interval = {};  // 95 %
};

// What has nothing to do with the models would score.
struct ClaimChance {
  std::string what;                     // "L* uniform on 1 ... L - 1"
  double p = 0;                         // of the recomputed number or a better one
  double p_error = 0;                   // its Monte Carlo standard error; 0: exact
  std::optional<double> expected = {};  // of the number itself
  std::optional<double> least_p = {};   // that this design can reach
};

struct Claim {
  std::string id;                    // "formula-mape"
  std::string claim;                 // in a sentence
  std::string unit;                  // "%" or empty
  std::optional<double> published;   // none: not stated as a number, but needed by what is
  std::optional<double> recomputed;  // none: the reason says why
  ClaimVerdict verdict = ClaimVerdict::cannot_be_checked;
  std::string reason;
  std::vector<ClaimNumber> numbers;
  std::optional<ClaimChance> chance;
  std::string no_chance;  // why there is none
};

// The published numbers against themselves.
std::vector<Claim> audit(const Published&);
// Measured models against what was published. What they cannot speak to is said to be so.
std::vector<Claim> audit(const Published&, const MeasuredPoints&);

}  // namespace lstar
