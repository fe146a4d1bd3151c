// Formulas fitted to the L* that one or several results measured, with what a referee asks of a fit: rank, intervals,
// how alike the columns are, how much each model decides, and errors on what the fit did not see. Pure; seeded draws.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lstar/analysis/fit_null.h"
#include "lstar/analysis/forms.h"
#include "lstar/analysis/linear_fit.h"
#include "lstar/study/measured_points.h"

namespace lstar {

// A fit without the models of one group, and its error on them.
struct HeldOutFit {
  std::string group;  // a model, a lab, "L = 12, H = 12"
  int models = 0;     // held out
  int rank = 0;
  std::optional<double> condition;  // none where the rank is lost
  std::optional<double> mape;
  std::string reason;  // why there is none
};

struct HeldOutFits {
  LeaveOut leave_out = LeaveOut::one;
  std::optional<double> mape;  // over all models; none where one group has none
  std::vector<HeldOutFit> groups;
  std::string reason;
};

struct FittedForm {
  const Form* form = nullptr;
  bool is_bounded = false;              // 1 / (1 + exp(-columns)): it stays in (0, L)
  LinearFit fit;                        // without coefficients where `reason` says why
  int steps = 0;                        // of the bounded fit
  std::string reason;                   // "rank 2 of 3: ...", "no least squares found ..."; empty: it was fitted
  std::vector<double> predicted;        // L* of each model; empty likewise
  int out_of_range = 0;                 // of these outside [0, L)
  std::optional<double> mape;           // on the models themselves
  std::array<HeldOutFits, 3> left_out;  // one model, one lab, one shape
  std::optional<FitNull> null;          // what the same form fits to noise; of linear forms with more than a constant
};

// A prediction that was not fitted to these models.
struct UnfittedFormula {
  std::string name;  // "half", "v3"
  std::optional<double> mape;
};

struct FitStudy {
  MeasuredPoints measured;
  int labs = 0, shapes = 0;
  std::vector<FittedForm> forms;  // the constant first; each form, then the same bounded
  std::vector<UnfittedFormula> unfitted;
  const FittedForm* best() const;  // of least AICc among those that have one; null: none has
};

// `only` names forms (forms.h); empty: all. The constant is always there. Fails without a model.
Result<FitStudy> fit_study(MeasuredPoints, std::span<const std::string> only, uint64_t seed);

const char* name(LeaveOut);  // "model", "lab", "shape"

}  // namespace lstar
