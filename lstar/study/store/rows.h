// Rows of a store's tables, for those who write them in one transaction: the store itself, its runs, and its upkeep.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/study/store/database.h"
#include "lstar/study/store/measurement_record.h"
#include "lstar/study/store/store_key.h"

namespace lstar {

struct StoredRun;

// What a row's arrival did.
enum class Arrival { fresh, known, differs };
// Whose numbers stay where two differ.
enum class Stays { old_one, new_one };

Result<std::optional<int64_t>> find_computation(Database&, const StoreKey&);
Result<int64_t> make_computation(Database&, const StoreKey&);
Result<StoreKey> read_computation(Database&, int64_t id);

Result<int64_t> make_provenance(Database&, const Provenance&);
Result<Provenance> read_provenance(Database&, int64_t id);

// A measurement without its prompts. None where there is none; an error where its record is damaged.
Result<std::optional<Measurement>> find_model(Database&, int64_t computation, HeadLayout);
// The same for whoever reads: what is kept by thirds holds what one by actual does, and more.
Result<std::optional<Measurement>> find_model_by(Database&, int64_t computation, HeadLayout);
Result<Arrival> put_model(Database&, int64_t computation, const Measurement&, int64_t provenance, Stays);

Result<std::optional<PromptObservation>> find_prompt(Database&, int64_t computation, std::string_view ids_digest);
Result<Arrival> put_prompt(Database&, int64_t computation, const PromptObservation&, int64_t provenance, Stays);

// A run as its records. Its digest is that of all of them.
struct RunRecords {
  int64_t id = 0, provenance = 0;
  std::string digest, study;
  std::vector<std::string> outcomes;
};

std::string digest_of(const RunRecords&);
// The run that was asked last first.
Result<std::vector<RunRecords>> read_runs(Database&);
// Of one that is there already the provenance becomes this one; with `old_one`, only if its time is later.
Result<Arrival> put_run(Database&, const RunRecords&, const Provenance&, Stays);

// Records, with what they are and where they lie in the error, and held against what they are found under.
Result<Measurement> checked_model(const Database&, const StoreKey&, HeadLayout, std::string_view record);
Result<PromptObservation> checked_prompt(const Database&, std::string_view ids_digest, std::string_view record);

Result<StoredRun> checked_run(const Database&, const RunRecords&);

// Whether everything that a run is made of is there.
Result<bool> has_all_of(Database&, const StoredRun&);

// The first digits, as people name what is long.
std::string first_digits(std::string_view hexadecimal);

}  // namespace lstar
