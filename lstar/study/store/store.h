// Where measurements are kept: an SQLite file in which each (checkpoint, prompt, dtype, numerics) stands once, found by
// content, and the studies that were run on them. It never holds a conclusion: traces, L* and tables are made again
// from what is read. docs/store.md describes the file. study/store/ includes everything that study/ may.
//
// A Store is one thread's at a time. Any number of threads and processes may have the same file open, each with a Store
// of its own: what is put is there whole or not at all, writers wait for each other, and readers for nobody.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/study/store/prompt_observation.h"
#include "lstar/study/store/store_access.h"
#include "lstar/study/store/store_key.h"
#include "lstar/study/store/study_record.h"

namespace lstar {

class Database;

// How long a call waits for another process's transaction. The longest one, of thousands of prompts or a merge of
// stores, takes a few seconds on a slow disk; a process that holds the file for longer hangs, and a study goes on
// without the store rather than hang with it.
inline constexpr std::chrono::milliseconds kStorePatience{15'000};

// What of a question is in a store.
struct Known {
  bool weights = false;       // the norms of weights, for the head layout
  std::vector<bool> prompts;  // one for each that was asked about
  int damaged = 0;            // of these: there, but not readable; put() replaces them
  size_t count() const;
  bool all() const { return weights && count() == prompts.size(); }
};

// A checkpoint in a store, by one way of computing.
struct StoredModel {
  StoreKey key;
  Measurement measurement;  // without prompts; as it was last put
  int64_t prompts = 0;
  int64_t bytes = 0;  // of all its records
  Provenance provenance;
};

struct StoredRun {
  std::string digest;  // 64 hexadecimal digits: of the study and its outcomes
  Study study;
  std::vector<StoredOutcome> outcomes;  // one for each of the study's models
  Provenance provenance;                // of the last time it was asked
};

// A control of a model.
struct RunControl {
  Control control;
  StoreKey key;
  Result<Measurement> measurement;
};

// One model of a study that was run.
struct RunModel {
  StoreKey key;
  Result<Measurement> measurement;
  std::vector<RunControl> controls = {};
};

struct Pruned {
  int64_t models = 0, prompts = 0, runs = 0, bytes = 0;
};

// What to remove. A run goes with the first of its measurements.
struct PruneWishes {
  bool outdated = false;           // measured under another kNumericsVersion than this lstar's
  bool unused = false;             // part of no run
  std::vector<std::string> names;  // models by the name that they were measured under, or by their content
};

struct Merged {
  int64_t models = 0, prompts = 0, runs = 0;  // that were new here, or had more
  int64_t known = 0;                          // that were here already
  int64_t differ = 0;                         // that are here with other numbers, which stay
  int64_t damaged = 0;                        // that could not be read there
  Merged& operator+=(const Merged&);
};

class Store {
 public:
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  static Result<Store> open(const std::string& path, StoreAccess = StoreAccess::read,
                            std::chrono::milliseconds patience = kStorePatience);

  // Keeps a measurement. What is there already and has fewer arrays is completed; where numbers differ, the new ones
  // replace them. The identity's path is left out unless it is what the user called the model.
  Result<void> put(const StoreKey&, const Measurement&, const Provenance&);

  // Whether nothing was ever measured into it.
  Result<bool> is_empty();

  // Which of these prompts, as token ids, need no measuring to know these arrays.
  Result<Known> known(const StoreKey&, HeadLayout, std::span<const std::vector<int32_t>> ids, Wants,
                      int next_tokens = 0);

  // A measurement of these prompts in this order, with these arrays and no others. Those with an error keep it; the
  // others must be known. Identity and warnings are those of the last put: who has the checkpoint open knows its own.
  Result<Measurement> read(const StoreKey&, HeadLayout, std::vector<MeasuredPrompt> prompts, Wants,
                           int next_tokens = 0);

  // Keeps what was asked and what came of it; the measurements have been put before. The same study with
  // the same outcomes is the same run, whose time becomes this one. Its digest.
  Result<std::string> put_run(const Study&, std::span<const RunModel>, const Provenance&);

  // The runs, the one that was asked last first.
  Result<std::vector<StoredRun>> runs();

  // The one whose digest begins with these digits; without any, that which was asked last.
  Result<StoredRun> find_run(std::string_view digits);

  // The measurements of a run, or their errors, with all that evaluate() reads: as they were when it ran.
  Result<std::vector<Result<Measurement>>> read_run(const StoredRun&, Wants);
  // The same of the controls of one of its models.
  Result<std::vector<ControlMeasurement>> read_controls(const StoredRun&, size_t model, Wants);

  Result<std::vector<StoredModel>> models();

  // All prompts of a model, one after the other in the order in which they were put.
  Result<void> each_prompt(const StoreKey&, const std::function<Result<void>(const PromptObservation&)>&);

  // What would be removed; and with `really`, is, and its room is given back.
  Result<Pruned> prune(const PruneWishes&, bool really);

  // Takes over what another store has. Twice is the same as once.
  Result<Merged> merge(Store& other);

  const std::string& path() const;

 private:
  explicit Store(std::unique_ptr<Database>);

  std::unique_ptr<Database> database_;
};

}  // namespace lstar
