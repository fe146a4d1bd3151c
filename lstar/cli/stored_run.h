// What report and diff are given: the JSON of a result, the folder of a run, or a store; and a run of a store evaluated
// again, without a model.
#pragma once

#include <ctime>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "lstar/study/result_file.h"
#include "lstar/study/store/store.h"
#include "lstar/study/study.h"

namespace lstar::cli {

// Where `lstar run --out FOLDER` keeps its measurements.
std::string store_in(const std::string& folder);

// The time of a run as results have it (of this place), and as the store has it (ISO 8601, UTC).
std::string timestamp_of(std::time_t);
std::string stored_time_of(std::time_t);
// The first from the second; a text that is no such time stays as it is.
std::string timestamp_of(const StoredRun&);

// A result's JSON that was read, or a store that is there and not opened yet: one of them.
struct GivenRun {
  std::optional<ResultFile> result;
  std::string store;
};
inline constexpr const char* kGivenHelp =
    "The JSON of a result, the folder of a run (lstar run --out), or a store; of the last two it is the run that was "
    "asked last";
Result<GivenRun> read_given(const std::string& place);

// "12ab34", the first digits of a run.
CLI::Validator run_digits();

// A store's run by its own questions, as lstar run gave it.
Result<StudyResult> evaluate_stored(const std::string& store, const std::string& digits);

}  // namespace lstar::cli
