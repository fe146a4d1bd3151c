// What is different between two results: first in what was asked, then in what came of it. Layers, resolutions, words
// and verdicts are compared exactly; numbers that rounding moves from one vector target to the next, by how far they
// are apart. Times, paths and the machine are no difference. What one result does not say is not comparable, which is
// not the same as equal. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lstar/study/result_file.h"

namespace lstar {

// None: null, or not applicable.
struct ValueDifference {
  std::string what;
  std::optional<std::string> a, b;
};

struct PromptDifference {
  std::optional<size_t> a, b;  // its number in each, from 0; none: added, removed
  ReportedPrompt before, after;
};

struct PromptsDiff {
  bool is_comparable = false;
  size_t a = 0, b = 0;                        // how many
  std::vector<std::optional<size_t>> b_of_a;  // the same prompt's number in b; none where there is none
  std::vector<PromptDifference> changed;
  bool is_reordered = false;
};

struct LayerDifference {  // of one prompt
  size_t prompt_a = 0, prompt_b = 0;
  std::optional<int64_t> a, b;
  bool is_resolved_a = false, is_resolved_b = false;
};

// What is different of a model by one estimator, with both values of all of it.
struct ScoreDiff {
  std::string estimator;
  ReportedScore a, b;
  bool l_star = false, deviation = false, resolved = false, error = false, decided = false, reason = false;
  size_t prompts_compared = 0;
  std::vector<LayerDifference> prompts;
  bool any() const { return l_star || deviation || resolved || error || decided || reason || !prompts.empty(); }
};

struct ModelDiff {
  std::string a, b;                      // its name in each
  std::vector<ValueDifference> asked;    // name, lab, revision, weights and their dtype
  std::vector<ValueDifference> outcome;  // shape, prediction, gain, failure
  size_t other_tokens = 0;               // prompts of the same text with other token ids
  std::vector<ScoreDiff> scores;         // those with a difference
  bool asked_changed() const { return !asked.empty(); }
  bool outcome_changed() const { return !outcome.empty() || other_tokens > 0 || !scores.empty(); }
};

struct SummaryDiff {
  std::string estimator;
  ReportedSummary a, b;
  bool verdict = false, numbers = false, caveats = false;
};

// How far numbers of one kind are apart that should be the same: the largest difference, beyond what their rounding
// floors allow, relative to the larger of the two; of margins, which are shares, as it is. Infinite where one is not
// finite, and where there are more of them on one side.
struct NumberDiff {
  std::string what;
  size_t compared = 0, unequal = 0;
  double largest = 0, tolerance = 0;
  bool is_relative = true;
  std::string where;  // the model, and the estimator, of the largest
  bool is_rounding() const { return largest <= tolerance; }
};

struct ResultDiff {
  std::string a, b;  // their sources
  std::vector<ValueDifference> asked;
  PromptsDiff prompts;
  std::vector<std::string> models_removed, models_added;
  size_t models_compared = 0, models_ran = 0;  // in both; and ran in both
  std::vector<ModelDiff> models;               // those with a difference
  std::vector<SummaryDiff> summaries;
  std::optional<ValueDifference> backend;  // no change by itself: it tells why numbers round otherwise
  std::vector<NumberDiff> numbers;         // traces, norms, margins, predictions with gains, deviations and errors
  std::map<std::string, std::pair<bool, bool>> lacking;  // what a, what b does not say, and what is of which

  bool asked_changed() const;
  bool results_changed() const;
  bool changed() const { return asked_changed() || results_changed(); }
};

ResultDiff compare(const ResultFile& a, const ResultFile& b);

// The difference, relative to the larger number, up to which rounding explains it, for a run in this dtype.
double rounding_tolerance(const std::string& dtype);

// Which models of b are those of a. Borrows them.
struct ModelsMatch {
  std::vector<std::pair<const ReportedModel*, const ReportedModel*>> in_both;
  std::vector<std::string> removed, added;  // names
};
ModelsMatch match_models(const std::vector<ReportedModel>& a, const std::vector<ReportedModel>& b);

// Which prompts of b are those of a.
PromptsDiff match_prompts(const std::vector<ReportedPrompt>& a, const std::vector<ReportedPrompt>& b);

}  // namespace lstar
