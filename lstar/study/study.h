// A study: models of several labs, measured on the same prompts, and a formula held against them. `evaluate` is a pure
// function of the measurements: nothing in a StudyResult is measured here.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/analysis/agreement.h"
#include "lstar/analysis/decides.h"
#include "lstar/analysis/detectors.h"
#include "lstar/analysis/estimators.h"
#include "lstar/analysis/formulas.h"
#include "lstar/analysis/gauge.h"
#include "lstar/analysis/transition.h"
#include "lstar/base/steps.h"
#include "lstar/study/controls.h"
#include "lstar/study/measurement.h"
#include "lstar/study/store/store_key.h"
#include "lstar/study/study_chance.h"

namespace lstar {

struct ModelEntry {
  std::string name;  // as tables show it
  std::string path;  // a folder, a .gguf file or a hub id
  std::string lab = "unknown";
  std::optional<int> layers, heads;  // what the manifest says; the checkpoint decides
  std::string expected;              // DAMPEN, EXPAND or empty
  std::string note;                  // one sentence on where the model comes from; may be empty
  std::string written_path = {};     // as results show it, where a manifest wrote it with ${...}; else empty
  bool from_manifest = false;  // somebody else's words: no variable of the environment is put into `path` any more
};

// Its path as results show it.
const std::string& shown_path(const ModelEntry&);

// What a manifest holds, and what the command line may override.
struct Study {
  std::vector<ModelEntry> models;
  std::vector<Prompt> prompts;
  PromptsRead prompts_read = {};
  std::string formula = "v3";
  std::vector<std::string> estimators{"off_diagonal", "ov_circuit", "as_written"};  // the first is the headline
  std::string detector = "argmax_step";
  std::vector<std::string> in_sample{"EleutherAI"};
  Dtype dtype = Dtype::float32;
  HeadLayout head_layout = HeadLayout::actual;  // as_written's
  uint64_t seed = 0;
  std::string note;  // one sentence that every report of this study carries; may be empty
  ControlWishes controls = {};
  bool spectral = false;  // also the largest singular values of W_V and W_O
};

// A run in 16 bits is held against float32, if nothing else is asked for.
std::optional<Dtype> usual_shadow(Dtype);

// One trace of one prompt, and L* by every detector.
struct PromptTrace {
  std::vector<double> trace, floor;   // (layers)
  std::vector<Detection> detections;  // in the order of detectors()
};

// Whether a value of it is not finite.
bool is_broken(const PromptTrace&);

// One estimator on one model: everything per prompt that ran, in the order of the measurement's rows.
struct ModelTraces {
  std::string estimator;
  std::vector<PromptTrace> prompts;
  bool is_measured = true;  // what the estimator reads was asked for, of every prompt
};

// All estimators, the factors included, on every prompt that ran.
std::vector<ModelTraces> traces_of(const Measurement&, NanPolicy);

// The same prompts computed in another dtype.
struct ShadowScore {
  Dtype dtype = Dtype::float32;
  std::vector<std::optional<int>> l_star_per_prompt;
  int prompts = 0, same = 0;  // with an L*; of these with the shadow's
  std::string reason;         // why there is none
};

// The same prompts in Monte Carlo arithmetic: rounded at random where the dtype rounds.
struct McaScore {
  struct OfPrompt {
    std::vector<int> layers, seeds;  // L*, ascending, and how many seeds have it
    int same = 0;                    // have the run's own
  };
  int asked = 0, seeds = 0;            // seeds; those that were measured
  std::vector<OfPrompt> per_prompt;    // over all prompts asked
  std::optional<double> same;          // share of prompts and seeds with the run's own L*, of those where it has one
  std::optional<double> l_star_std{};  // population deviation over seeds of the mean over prompts
  std::string reason;                  // why there is none, or not of all
};

// Of an L* in Monte Carlo arithmetic so large a share of the seeds has it, or it is not resolved.
inline constexpr double kLeastSeedShare = 0.95;

// The same architecture before it learned anything, on the same prompts.
struct UntrainedScore {
  int asked = 0, seeds = 0;                  // twins; those with an L*
  std::optional<double> l_star, l_star_std;  // mean and population deviation over seeds of the mean over prompts
  std::optional<double> error_pct;           // the formula's, mean over seeds
  std::string reason;                        // why there is none, or not of all
};

// Cuts of one length.
struct LengthScore {
  int tokens = 0;
  bool has_begin = false;                    // begins with the beginning-of-sequence token
  int prompts = 0;                           // with an L*
  std::optional<double> l_star, l_star_std;  // mean and population deviation over cuts
  std::optional<Agreement> agreement;
  std::optional<double> margin;  // mean
  std::string reason;            // why there is no L*
};

// One estimator's L* of one model, against the formula. It is resolved where three questions, asked apart, are answered
// by yes: that rounding in the summation of traces could not move it, nor what the dtype rounds in the pass before (of
// 16 bits, or with a shadow), and that prompts agree on a layer.
struct ModelScore {
  std::string estimator;
  std::vector<std::optional<int>> l_star_per_prompt;  // over all prompts asked; none where failed or broken
  std::vector<bool> resolved_per_prompt;
  bool resolved = false;
  bool resolved_by_summation = false;         // of every prompt with an L*
  std::optional<bool> resolved_by_pass;       // the same; none where it was not asked
  std::optional<bool> resolved_by_prompts;    // none of fewer than two prompts
  std::optional<Agreement> agreement;         // over prompts
  std::optional<double> l_star, l_star_std;   // mean and population deviation; none if no prompt has one
  std::optional<Interval> l_star_interval;    // 95 % of the mean, by drawing prompts
  std::optional<double> error_pct;            // |predicted - l_star| / L * 100
  std::optional<double> error_of_actual_pct;  // |predicted - l_star| / l_star * 100, the usual MAPE's term
  std::string reason;                         // why there is no L*
  std::string missing_reason;                 // why prompts without an L* have none, where others have one
  std::optional<Transition> transition;       // the best single change point, and whether chance has one as good
  std::optional<GaugeSpread> gauge_spread;    // where l_star lies when the same model is written otherwise
  std::optional<StudyDecides> decides;        // weights or attention, prompt by prompt
  std::optional<ShadowScore> shadow;          // controls, as far as they were asked for
  std::optional<McaScore> mca;
  std::optional<UntrainedScore> untrained;
  std::vector<LengthScore> lengths;
};

struct ModelResult {
  ModelEntry entry;
  Measurement measurement;
  std::vector<ModelTraces> traces;             // in the order of estimators()
  std::optional<double> predicted;             // by the study's formula
  std::string no_prediction;                   // why there is none
  bool prediction_in_range = true;             // inside [0, L)
  std::vector<ModelScore> scores;              // in the order of the study's estimators
  std::optional<double> gain;                  // residual gain of layer L-2, mean over prompts
  std::optional<Interval> gain_interval = {};  // 95 % of that mean, by drawing prompts
  std::string gain_class = {};                 // DAMPEN, EXPAND; empty where the interval holds 1, or of one prompt
};

struct LabSummary {
  std::string lab;
  int models = 0;
  double mape = 0;
  std::optional<Interval> interval = {};  // 95 %, by drawing its models
};

// A model that a summary's numbers do not rest on.
struct LeftOut {
  ModelEntry entry;
  std::string reason;  // "no L*: NaN from layer 8 on", "failed: ..."
};

struct PartlyLeftOut {
  ModelEntry entry;
  int prompts = 0;     // without an L*
  int of = 0;          // prompts asked
  std::string reason;  // "empty prompt: no tokens", "the trace is zero in every layer, and other reasons"
};

struct Baseline {
  std::string name;  // a formula's, or "constant fraction, leave one out"
  std::optional<double> mape;
  bool is_simple = false;  // asks for no calibration: L/2, 2L/3, a constant fraction of the depth
};

// One estimator over the whole study.
struct EstimatorSummary {
  std::string estimator;
  int asked = 0;                       // models, each counted once
  int models = 0;                      // with an L* and a prediction
  int resolved = 0;                    // of these
  int not_noise = 0;                   // of these whose L* neither the summation nor the pass could move
  std::vector<LeftOut> left_out;       // the others, in the study's order, those that failed last
  std::vector<PartlyLeftOut> partly;   // models whose mean is not over all prompts
  std::optional<double> overall_mape;  // the notebook's: normalised by depth
  std::optional<double> mape_of_actual;
  int models_of_actual = 0;  // that mape_of_actual is the mean of: L* = 0 has none
  std::string verdict;
  std::vector<LabSummary> labs;                              // sorted by name
  int in_sample = 0;                                         // models of in-sample labs
  std::optional<double> in_sample_mape, out_of_sample_mape;  // none where it was fitted on none
  std::vector<Baseline> baselines;  // the same L* held against simpler predictions and the other formulas
  StudyChance chance;               // what its numbers are worth
};

struct FailedModel {
  ModelEntry entry;
  Error error;
};

// The same checkpoint as one before it, which alone is counted: twice the same is no evidence.
struct DuplicateModel {
  ModelEntry entry;
  std::string same_as;  // the earlier entry's name
};

struct StudyResult {
  Study study;
  std::string formula_text;  // "L* = L × (0.11 + 0.012×L + 4.9/H)"
  std::string timestamp;
  std::string run = {};             // its digest in the store that keeps it; empty: none does
  int numerics = kNumericsVersion;  // of the lstar that measured
  std::vector<ModelResult> models;
  std::vector<FailedModel> failed;
  std::vector<DuplicateModel> duplicates;
  std::vector<EstimatorSummary> summaries;     // in the order of the study's estimators
  std::vector<FormulaComparison> comparisons;  // all that was asked and could have been
};

// A measured model against the study's formula; its error if every prompt failed. Pure.
Result<ModelResult> evaluate_model(const Study&, const ModelEntry&, Measurement,
                                   const std::vector<ControlMeasurement>& controls = {});

// Whether all that was asked for is there: every model with an L* by the headline, no prompt failed, no trace of the
// study's estimators broken by a value that is not finite. (A trace may be zero and have no L*: as_written's should.)
bool is_complete(const StudyResult&);
// A model of such a study: an L* by the headline.
bool is_complete(const ModelResult&);

// Whether two measurements are of the same checkpoint: everything seen of it on the same tokens is equal to the last
// bit, whatever its files are called and however they pack the same weights.
bool same_checkpoint(const Measurement&, const Measurement&);

// The model before this one that is of the same checkpoint; none where this one failed.
std::optional<size_t> earlier_same(const std::vector<Result<ModelResult>>&, size_t model);

// The arrays that these estimators read, and the residual norms, which a formula may.
Wants wants_of(const std::vector<std::string>& estimators);
// And what a study's series have beside them. Of its controls nothing but the estimators' is measured.
Wants wants_of(const Study&);

// The whole study from its models; `models[i]` belongs to study.models[i]. Pure; fails only where memory runs out.
Result<StudyResult> evaluate(const Study&, std::vector<Result<ModelResult>> models, std::string timestamp);

class Store;

// Where a study keeps what it measures, and looks before it measures.
struct KeepOptions {
  Store* store = nullptr;  // none: nowhere
  bool again = false;      // measures everything anew
  Provenance provenance;   // but for the seconds, which are each model's own
  std::string content;     // what the checkpoint is known by, where it is not by its files or tensors
};

// What a store had of one model's prompts.
struct Kept {
  size_t asked = 0, known = 0;  // prompts that can be run; those of them that were not measured now
  std::optional<Error> fault;   // why the store took no part in it: the measurement is whole all the same
  bool is_control = false;      // of a control of a model
};

struct RunOptions {
  int threads = 0;
  bool hash_files = true;
  std::string hash_memory;  // as MeasureOptions::hash_memory
  bool strict = false;      // a model with a warning fails with it
  std::string timestamp;
  // A model's folder or file, where ModelEntry::path may be something else (a hub id); empty: the path as it stands.
  // Results and errors name the model as the study does, wherever it was found.
  std::function<Result<std::string>(const ModelEntry&)> locate;
  KeepOptions keep;
  OnStep on_step;                 // within a model
  std::function<bool()> goes_on;  // asked before each model and layer; once false, what is left fails as interrupted
  std::function<void(const ModelEntry&)> begin;                                  // may be empty, as the next
  std::function<void(const ModelEntry&, const Result<ModelResult>&)> done;       // called as each model ends
  std::function<void(const ModelEntry&, const std::string& same_as)> duplicate;  // called in its place
  std::function<void(const Kept&)> kept;       // of each model that was measured, where there is a store
  std::function<void(const Error&)> not_kept;  // the run as a whole could not be kept
};

// Measures every model, one after the other, and evaluates them. A model that fails, be it that memory runs out, is in
// the result; nothing stops. The call fails only where memory runs out for what is kept of all of them.
Result<StudyResult> run_study(const Study&, const RunOptions&);

// Reads a manifest (TOML). Relative model paths are relative to the manifest; ${NAME} in a path is the environment's.
Result<Study> read_manifest(const std::string& path);

// The same from a manifest's text; `source` names it in errors, and its folder is what paths may be relative to.
Result<Study> parse_manifest(std::string_view text, const std::string& source);

// Names that the study asks for but lstar does not know (estimator, detector, formula), and an empty list of models.
Result<void> check(const Study&);

}  // namespace lstar
