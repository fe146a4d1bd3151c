#include "lstar/study/store/record.h"
#include "lstar/study/store/rows.h"
#include "lstar/study/store/store.h"

namespace lstar {

std::string digest_of(const RunRecords& run) {
  std::string all = run.study;
  for (const std::string& outcome : run.outcomes) all += outcome;
  return sha256_bytes(all);
}

Result<std::vector<RunRecords>> read_runs(Database& database) {
  LSTAR_ASSIGN(Statement rows, database.prepare("SELECT run.id, digest, provenance, record FROM run JOIN provenance "
                                                "ON provenance.id = run.provenance ORDER BY time DESC, provenance.id "
                                                "DESC, run.id DESC"));
  LSTAR_ASSIGN(Statement of_run, database.prepare("SELECT record FROM outcome WHERE run = ?1 ORDER BY position"));
  std::vector<RunRecords> runs;
  for (;;) {
    LSTAR_ASSIGN(const bool more, rows.step());
    if (!more) return runs;
    RunRecords run{
        .id = rows.integer(0), .provenance = rows.integer(2), .digest = rows.bytes(1), .study = rows.bytes(3)};
    LSTAR_TRY(rows.fault());
    of_run.reset();
    of_run.bind(1, run.id);
    for (;;) {
      LSTAR_ASSIGN(const bool another, of_run.step());
      if (!another) break;
      run.outcomes.push_back(of_run.bytes(0));
      LSTAR_TRY(of_run.fault());
    }
    runs.push_back(std::move(run));
  }
}

Result<Arrival> put_run(Database& database, const RunRecords& run, const Provenance& from, Stays stays) {
  LSTAR_ASSIGN(Statement row, database.prepare("SELECT id, provenance FROM run WHERE digest = ?1"));
  LSTAR_ASSIGN(const bool is_there, row.bind_bytes(1, run.digest).step());
  if (is_there) {
    const int64_t id = row.integer(0), provenance = row.integer(1);
    LSTAR_TRY(row.fault());
    LSTAR_ASSIGN(const Provenance old, read_provenance(database, provenance));
    if (stays == Stays::old_one && from.time <= old.time) return Arrival::known;
    LSTAR_ASSIGN(const int64_t made, make_provenance(database, from));
    LSTAR_ASSIGN(Statement update, database.prepare("UPDATE run SET provenance = ?2 WHERE id = ?1"));
    LSTAR_TRY(update.bind(1, id).bind(2, made).run());
    return Arrival::known;
  }
  LSTAR_ASSIGN(const int64_t made, make_provenance(database, from));
  LSTAR_ASSIGN(Statement add, database.prepare("INSERT INTO run(digest, provenance, record) VALUES(?1, ?2, ?3)"));
  LSTAR_TRY(add.bind_bytes(1, run.digest).bind(2, made).bind_bytes(3, run.study).run());
  const int64_t id = database.last_row();
  LSTAR_ASSIGN(Statement outcome, database.prepare("INSERT INTO outcome(run, position, record) VALUES(?1, ?2, ?3)"));
  for (size_t i = 0; i < run.outcomes.size(); ++i)
    LSTAR_TRY(outcome.bind(1, id).bind(2, static_cast<int64_t>(i)).bind_bytes(3, run.outcomes[i]).run());
  return Arrival::fresh;
}

Result<StoredRun> checked_run(const Database& database, const RunRecords& records) {
  StoredRun run{.digest = hex_of(records.digest)};
  const auto refused = [&](Error error) {
    error.at = "run " + first_digits(run.digest);
    return fail(std::move(error));
  };
  if (digest_of(records) != records.digest)
    return refused({.what = "a damaged record: of another run", .file = database.path()});
  auto study = read_study_record(records.study, database.path());
  if (!study) return refused(std::move(study).error());
  run.study = *std::move(study);
  bool fits = records.outcomes.size() == run.study.models.size();
  for (const std::string& record : records.outcomes) {
    auto outcome = read_outcome_record(record, database.path());
    if (!outcome) return refused(std::move(outcome).error());
    fits = fits && (outcome->error || outcome->prompts.size() == run.study.prompts.size());
    run.outcomes.push_back(*std::move(outcome));
  }
  if (!fits) return refused({.what = "a damaged record: of another study", .file = database.path()});
  return run;
}

}  // namespace lstar
