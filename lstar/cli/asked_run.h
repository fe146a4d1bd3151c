// Which run of which store a RESULT is of, and by which questions it is evaluated: what `lstar report` asks, and
// whoever takes results as numbers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lstar/cli/results.h"
#include "lstar/cli/stored_run.h"

namespace lstar::cli {

// A RESULT as it was named, and options that say more of it; empty: not given.
struct NamedRun {
  std::string place, store, run, head_layout;
  AnalysisOptions analysis;
};

// The store, and which run of it.
struct AskedRun {
  std::string store, digits;
  std::optional<ResultFile> result;
};
Result<AskedRun> asked_run(const NamedRun&);

// The run's study, with the questions of the result that it is a report of, and the named ones over them.
Result<Study> questions(Study, const std::optional<ResultFile>&, const NamedRun&);

// Results as numbers, each by this estimator and detector (empty: its own). A JSON that does not have them is evaluated
// again from the store beside it.
Result<std::vector<ResultFile>> read_results(const std::vector<std::string>& places, const std::string& estimator,
                                             const std::string& detector);

}  // namespace lstar::cli
