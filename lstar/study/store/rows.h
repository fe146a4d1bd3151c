// Rows of a store's tables, for those who write them in one transaction: the store itself, its runs, and its upkeep.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lstar/study/store/database.h"
#include "lstar/study/store/measurement_record.h"
#include "lstar/study/store/store_key.h"

namespace lstar {

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
Result<Arrival> put_model(Database&, int64_t computation, const Measurement&, int64_t provenance, Stays);

Result<std::optional<PromptObservation>> find_prompt(Database&, int64_t computation, std::string_view ids_digest);
Result<Arrival> put_prompt(Database&, int64_t computation, const PromptObservation&, int64_t provenance, Stays);

// A run with the records of its study and outcomes; of one that is there already the provenance becomes this one.
Result<Arrival> add_run(Database&, std::string_view digest, std::string_view study,
                        std::span<const std::string> outcomes, int64_t provenance);

// Records, with what they are and where they lie in the error, and held against what they are found under.
Result<Measurement> checked_model(const Database&, const StoreKey&, HeadLayout, std::string_view record);
Result<PromptObservation> checked_prompt(const Database&, std::string_view ids_digest, std::string_view record);

// The first digits, as people name what is long.
std::string short_name(std::string_view hexadecimal);

}  // namespace lstar
