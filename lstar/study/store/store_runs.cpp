#include <fmt/core.h>

#include "lstar/base/catch_memory.h"
#include "lstar/study/store/private_paths.h"
#include "lstar/study/store/record.h"
#include "lstar/study/store/rows.h"
#include "lstar/study/store/store.h"

namespace lstar {
namespace {

StoredOutcome outcome_of(const ModelEntry& entry, const RunModel& model) {
  StoredOutcome outcome;
  if (!model.measurement) {
    outcome.error = without_path(model.measurement.error(), entry);
    return outcome;
  }
  const Measurement& m = *model.measurement;
  outcome.key = model.key;
  outcome.identity = m.identity;
  if (!m.identity.path.starts_with(shown_path(entry))) outcome.identity.path = shown_path(entry);
  outcome.numerics = m.numerics;
  for (const std::string& warning : m.warnings) outcome.warnings.push_back(without_path(warning, m.identity));
  outcome.prompts_read = m.prompts_read;
  for (const MeasuredPrompt& prompt : m.prompts) {
    if (prompt.error)
      outcome.prompts.push_back({.ids = prompt.ids, .error = without_path(*prompt.error, entry)});
    else
      outcome.prompts.push_back({.ids_digest = digest_of_ids(prompt.ids)});
  }
  for (const RunControl& one : model.controls)
    outcome.controls.push_back({one.control, outcome_of(entry, {.key = one.key, .measurement = one.measurement})});
  return outcome;
}

// Of every model of the study; what is wrong is the caller's.
Result<void> check_run(const Study& study, std::span<const RunModel> models, const std::string& path) {
  bool fits = models.size() == study.models.size();
  for (const RunModel& model : models)
    fits = fits && (!model.measurement || model.measurement->prompts.size() == study.prompts.size());
  if (fits) return {};
  return fail({.kind = ErrorKind::argument, .what = "not stored: a run of another study", .file = path});
}

}  // namespace

Result<std::string> Store::put_run(const Study& study, std::span<const RunModel> models, const Provenance& from) {
  return catch_memory("storing a run", path(), [&]() -> Result<std::string> {
    LSTAR_TRY(check_run(study, models, path()));
    StoredRun stored{.study = study};
    RunRecords run{.study = study_record(study)};
    for (size_t i = 0; i < models.size(); ++i) {
      stored.outcomes.push_back(outcome_of(study.models[i], models[i]));
      run.outcomes.push_back(outcome_record(stored.outcomes.back()));
    }
    run.digest = digest_of(run);
    LSTAR_ASSIGN(Transaction transaction, Transaction::begin(*database_));
    LSTAR_ASSIGN(const bool is_whole, has_all_of(*database_, stored));
    if (!is_whole)
      return fail({.kind = ErrorKind::argument,
                   .what = "not stored: a run of measurements that are not in the store",
                   .file = path()});
    LSTAR_TRY(lstar::put_run(*database_, run, from, Stays::new_one));
    LSTAR_TRY(transaction.commit());
    return hex_of(run.digest);
  });
}

Result<std::vector<StoredRun>> Store::runs() {
  return catch_memory("looking into the store", path(), [&]() -> Result<std::vector<StoredRun>> {
    LSTAR_ASSIGN(const Transaction snapshot, Transaction::reading(*database_));
    LSTAR_ASSIGN(const std::vector<RunRecords> kept, read_runs(*database_));
    std::vector<StoredRun> runs;
    for (const RunRecords& records : kept) {
      LSTAR_ASSIGN(StoredRun run, checked_run(*database_, records));
      LSTAR_ASSIGN(run.provenance, read_provenance(*database_, records.provenance));
      runs.push_back(std::move(run));
    }
    return runs;
  });
}

Result<StoredRun> Store::find_run(std::string_view digits) {
  return catch_memory("looking into the store", path(), [&]() -> Result<StoredRun> {
    LSTAR_ASSIGN(std::vector<StoredRun> all, runs());
    std::erase_if(all, [&](const StoredRun& run) { return !run.digest.starts_with(digits); });
    const auto refused = [&](ErrorKind kind, std::string what) {
      return fail({.kind = kind,
                   .what = std::move(what),
                   .file = path(),
                   .at = digits.empty() ? std::string() : fmt::format("run {}", digits)});
    };
    if (all.empty() && digits.empty())
      return refused(ErrorKind::missing, "no run in the store; lstar run with --store, or with --out, keeps one");
    if (all.empty()) return refused(ErrorKind::missing, "no such run in the store; lstar store list shows them");
    if (all.size() > 1 && !digits.empty())
      return refused(ErrorKind::argument, fmt::format("{} runs begin so: more digits say which", all.size()));
    return std::move(all.front());
  });
}

namespace {

// What was measured of one model or control. `asked`: the study's prompts, of which a control's are none.
Result<Measurement> read_outcome(Store& store, Database& database, const StoredOutcome& outcome, Wants wants,
                                 const std::vector<Prompt>* asked) {
  if (outcome.error) return fail(*outcome.error);
  std::vector<MeasuredPrompt> prompts;
  {
    LSTAR_ASSIGN(const Transaction snapshot, Transaction::reading(database));
    LSTAR_ASSIGN(const auto computation, find_computation(database, outcome.key));
    for (size_t p = 0; p < outcome.prompts.size(); ++p) {
      const StoredPrompt& stored = outcome.prompts[p];
      MeasuredPrompt prompt{.text = {}, .ids = stored.ids, .row = {}, .error = stored.error, .id = {}};
      if (asked) {
        prompt.text = (*asked)[p].text;
        prompt.id = (*asked)[p].id;
      }
      if (!stored.error && computation) {
        LSTAR_ASSIGN(auto seen, find_prompt(database, *computation, stored.ids_digest));
        if (seen) prompt.ids = std::move(seen->ids);
      }
      prompts.push_back(std::move(prompt));
    }
  }
  const auto read = [&](Wants of) { return store.read(outcome.key, outcome.numerics.head_layout, prompts, of); };
  Result<Measurement> m = read(wants);
  // Earlier versions measured no entropy, on which no L* rests: the run is told without it.
  if (!m && m.error().kind == ErrorKind::missing) m = read(wants.without(Want::entropy));
  if (!m) return m;
  m->identity = outcome.identity;
  m->warnings = outcome.warnings;
  m->prompts_read = outcome.prompts_read;
  return m;
}

}  // namespace

Result<std::vector<Result<Measurement>>> Store::read_run(const StoredRun& run, Wants wants) {
  return catch_memory("reading a run", path(), [&]() -> Result<std::vector<Result<Measurement>>> {
    std::vector<Result<Measurement>> measurements;
    for (const StoredOutcome& outcome : run.outcomes) {
      auto found = read_outcome(*this, *database_, outcome, wants, &run.study.prompts);
      if (!found && !outcome.error) {
        if (found.error().kind == ErrorKind::missing)
          found.error().at = run.study.models[measurements.size()].name + ", " + found.error().at;
        return fail(std::move(found).error());
      }
      measurements.push_back(std::move(found));
    }
    return measurements;
  });
}

Result<std::vector<ControlMeasurement>> Store::read_controls(const StoredRun& run, size_t model, Wants wants) {
  return catch_memory("reading a run", path(), [&]() -> Result<std::vector<ControlMeasurement>> {
    std::vector<ControlMeasurement> controls;
    for (const StoredControl& one : run.outcomes[model].controls) {
      auto found = read_outcome(*this, *database_, one.outcome, wants, nullptr);
      if (!found && !one.outcome.error) return fail(std::move(found).error());
      controls.push_back({one.control, std::move(found)});
    }
    return controls;
  });
}

}  // namespace lstar
