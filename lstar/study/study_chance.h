// What chance and simpler predictions would have scored on a study's models, how far its numbers reach, and what it
// could have found out at all. Pure: a function of the L* that were found. Definitions: docs/mathematics.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lstar/analysis/chance.h"
#include "lstar/analysis/fit_null.h"
#include "lstar/analysis/formulas.h"
#include "lstar/analysis/intervals.h"
#include "lstar/analysis/power.h"

namespace lstar {

// A model with an L*; the formula's prediction of it too, where a study's errors rest on it.
struct ScoredModel {
  std::string name, path;
  ModelPoint point;  // of the prompts that have an L*
  std::optional<double> gain;
};

// One a model; none where a model has no prediction, or there is none.
std::optional<std::vector<double>> predictions(const Formula&, std::span<const ScoredModel>);

// The mapes of noise studies by their design: the same for all estimators whose L* are of the same prompts.
class NoiseDesigns {
 public:
  explicit NoiseDesigns(uint64_t seed) : seed_(seed) {}
  // Ascending; per cent of the depth.
  const std::vector<double>& mapes(std::span<const ModelPoint>, std::span<const double> predicted);

 private:
  uint64_t seed_;
  std::map<std::vector<int>, NoiseStudies> studies_;                                       // by layers and prompts
  std::map<std::pair<std::vector<int>, std::vector<double>>, std::vector<double>> mapes_;  // and predictions
};

struct FormulaChance {
  std::string formula;
  double mape = 0;
  NoiseNull noise;
};

// The formula's error less that of a simpler prediction of the same L*: positive where the simpler one is better.
struct PairedDifference {
  std::string name;  // "two_thirds", "constant", "random_layer", "refit"
  double mape = 0;   // of the simpler one
  double difference = 0;
  std::optional<Interval> labs, models;  // 95 %: by drawing labs, by drawing models
};

struct ModelsSeen {
  int models = 0;
  std::optional<double> mape;
  std::vector<std::string> names;
};

// How well the form of v3 and a constant fraction, fitted on the others, predict what was left out.
struct LeftOutFits {
  LeaveOut leave_out{};
  std::optional<double> constant, refit;  // mape
  int rank = 0;                           // the least of the refits' design matrices, of 3
  double condition = 0;                   // the greatest of those that are identified
  std::string reason;                     // why there is no refit
};

struct StudyPower {
  NoisePower noise;
  double expected = 0;  // mape of noise
  double constant = 0;  // the formula's mean L*/L: what a constant fraction would be if the formula were right
  double scatter = 0;   // deviation of L*/L about the formula, over models: per cent of the depth
  double differ = 0;    // mean over the study's models of what the two predictions differ by: per cent
  std::vector<NewModels> new_models;
};

struct StudyChance {
  std::vector<FormulaChance> formulas;  // that predict every model; the study's is the first
  std::optional<AssignmentTest> assignment;
  int labs = 0, models = 0;
  std::optional<Interval> mape_by_labs, mape_by_models;  // 95 %
  bool labs_exact = false;                               // all draws of labs were looked at
  std::vector<PairedDifference> paired;
  Share generalizes, partly;        // models drawn anew: how often the notebook's words would have been these
  std::optional<FitNull> fit_null;  // none where these shapes do not determine v3's form
  std::optional<double> shape_bound;
  std::optional<ModelsSeen> seen, unseen;  // by the formula's calibration; none where that is not known
  std::string seen_reason;
  std::vector<LeftOutFits> left_out;  // one model, one lab, one shape
  std::optional<StudyPower> power;
  std::optional<bool> better_than_chance;
  std::string reason;  // of better_than_chance: why it is so, or why there is none
};

// Whether noise is as good in at most 5 % of studies. A share that is drawn is taken for what it may be at most. For a
// formula to be better than chance a layer named blindly must be further off, too: a prediction beyond the last layer
// is far from all noise, and nearer to L* that lie late.
bool is_better_than_noise(const NoiseNull&);

// `models` are those with an error. `not_noise` is how many of them have an L* that rounding could not move: where none
// has, there is nothing that could be better than chance.
StudyChance chance_of(std::span<const ScoredModel> models, const Formula&, int not_noise, uint64_t seed, NoiseDesigns&);

// A row of all that is compared: one estimator, detector and formula over the models that have an L* and a prediction
// by them.
struct FormulaComparison {
  std::string estimator, detector, formula;
  int models = 0;
  double mape = 0;
  Share p;                 // noise that scores this or better
  double false_finds = 0;  // false_discovery_rates() over all comparisons
};

}  // namespace lstar
