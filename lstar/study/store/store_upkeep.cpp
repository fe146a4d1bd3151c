#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "lstar/base/catch_memory.h"
#include "lstar/study/store/record.h"
#include "lstar/study/store/rows.h"
#include "lstar/study/store/store.h"

namespace lstar {
namespace {

// What runs are made of: prompts by their digest, for each computation.
using Used = std::map<int64_t, std::set<std::string>>;

// Of its models, and of their controls.
std::vector<const StoredOutcome*> outcomes_of(const StoredRun& run) {
  std::vector<const StoredOutcome*> all;
  for (const StoredOutcome& outcome : run.outcomes) {
    all.push_back(&outcome);
    for (const StoredControl& control : outcome.controls) all.push_back(&control.outcome);
  }
  return all;
}

Result<Used> used_by_runs(Database& database) {
  Used used;
  LSTAR_ASSIGN(const auto kept, read_runs(database));
  for (const RunRecords& records : kept) {
    LSTAR_ASSIGN(const StoredRun run, checked_run(database, records));
    for (const StoredOutcome* outcome : outcomes_of(run)) {
      if (outcome->error) continue;
      LSTAR_ASSIGN(const auto computation, find_computation(database, outcome->key));
      if (!computation) continue;
      auto& prompts = used[*computation];
      for (const StoredPrompt& prompt : outcome->prompts) prompts.insert(prompt.ids_digest);
    }
  }
  return used;
}

struct PromptRow {
  int64_t row = 0, bytes = 0;
  std::string digest;
};

Result<std::vector<PromptRow>> prompt_rows(Database& database, int64_t computation) {
  LSTAR_ASSIGN(Statement rows,
               database.prepare("SELECT rowid, length(record), ids FROM prompt WHERE computation = ?1"));
  rows.bind(1, computation);
  std::vector<PromptRow> found;
  for (;;) {
    LSTAR_ASSIGN(const bool more, rows.step());
    if (!more) return found;
    found.push_back({rows.integer(0), rows.integer(1), rows.bytes(2)});
    LSTAR_TRY(rows.fault());
  }
}

struct ModelRow {
  int64_t row = 0, computation = 0, bytes = 0;
  StoreKey key;
  std::string name;  // empty where the record is damaged
};

Result<std::vector<ModelRow>> model_rows(Database& database) {
  LSTAR_ASSIGN(Statement rows, database.prepare("SELECT rowid, computation, record FROM model"));
  std::vector<ModelRow> found;
  for (;;) {
    LSTAR_ASSIGN(const bool more, rows.step());
    if (!more) return found;
    ModelRow model{.row = rows.integer(0), .computation = rows.integer(1)};
    const std::string record = rows.bytes(2);
    LSTAR_TRY(rows.fault());
    model.bytes = static_cast<int64_t>(record.size());
    LSTAR_ASSIGN(model.key, read_computation(database, model.computation));
    if (const auto m = read_model_record(record, database.path())) model.name = m->identity.model;
    found.push_back(std::move(model));
  }
}

Result<void> remove_row(Database& database, const char* sql, int64_t row) {
  LSTAR_ASSIGN(Statement remove, database.prepare(sql));
  return remove.bind(1, row).run();
}

// Runs that lack one of their measurements.
Result<int64_t> remove_broken_runs(Database& database) {
  int64_t removed = 0;
  LSTAR_ASSIGN(const auto kept, read_runs(database));
  for (const RunRecords& records : kept) {
    const auto run = checked_run(database, records);
    LSTAR_ASSIGN(const bool is_whole, run ? has_all_of(database, *run) : Result<bool>(false));
    if (is_whole) continue;
    LSTAR_TRY(remove_row(database, "DELETE FROM outcome WHERE run = ?1", records.id));
    LSTAR_TRY(remove_row(database, "DELETE FROM run WHERE id = ?1", records.id));
    ++removed;
  }
  return removed;
}

Result<void> give_room_back(Database& database) {
  {
    LSTAR_ASSIGN(Statement vacuum, database.prepare("PRAGMA incremental_vacuum"));
    for (bool more = true; more;) {
      LSTAR_ASSIGN(more, vacuum.step());
    }
  }
  (void)database.run("PRAGMA wal_checkpoint(TRUNCATE)");  // a reader may keep it from that; the next one does it
  return {};
}

bool is_named(const ModelRow& model, const std::string& name) {
  constexpr size_t kLeastDigits = 8;
  return name == model.name || (name.size() >= kLeastDigits && model.key.content.starts_with(name));
}

bool is_named(const ModelRow& model, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return is_named(model, name); });
}

// A name that means nothing is a slip, not a store that lacks it.
Result<void> check_names(const std::vector<ModelRow>& models, const PruneWishes& wishes, const std::string& path) {
  for (const std::string& name : wishes.names)
    if (std::none_of(models.begin(), models.end(), [&](const ModelRow& model) { return is_named(model, name); }))
      return fail({.kind = ErrorKind::argument,
                   .what = "no model of that name in the store; lstar store list shows them",
                   .file = path,
                   .at = name});
  return {};
}

}  // namespace

Result<bool> has_all_of(Database& database, const StoredRun& run) {
  LSTAR_ASSIGN(Statement prompt, database.prepare("SELECT 1 FROM prompt WHERE computation = ?1 AND ids = ?2"));
  LSTAR_ASSIGN(Statement model,
               database.prepare("SELECT 1 FROM model WHERE computation = ?1 AND head_layout IN (?2, ?3)"));
  for (const StoredOutcome* outcome : outcomes_of(run)) {
    if (outcome->error) continue;
    LSTAR_ASSIGN(const auto computation, find_computation(database, outcome->key));
    if (!computation) return false;
    model.reset();
    model.bind(1, *computation)
        .bind_text(2, name(outcome->numerics.head_layout))
        .bind_text(3, name(HeadLayout::thirds));
    LSTAR_ASSIGN(const bool has_model, model.step());
    if (!has_model) return false;
    for (const StoredPrompt& stored : outcome->prompts) {
      if (stored.error) continue;
      prompt.reset();
      prompt.bind(1, *computation).bind_bytes(2, stored.ids_digest);
      LSTAR_ASSIGN(const bool has_prompt, prompt.step());
      if (!has_prompt) return false;
    }
  }
  return true;
}

// What would be removed is removed, and brought back unless it is meant.
Result<Pruned> Store::prune(const PruneWishes& wishes, bool really) {
  return catch_memory("clearing up the store", path(), [&]() -> Result<Pruned> {
    Pruned pruned;
    {
      LSTAR_ASSIGN(Transaction transaction, Transaction::begin(*database_));
      Used used;
      if (wishes.unused) {
        LSTAR_ASSIGN(used, used_by_runs(*database_));
      }
      LSTAR_ASSIGN(const auto models, model_rows(*database_));
      LSTAR_TRY(check_names(models, wishes, path()));
      std::set<int64_t> done;  // computations whose prompts were looked at: a second head layout has the same
      for (const ModelRow& model : models) {
        const bool is_whole =
            (wishes.outdated && model.key.numerics != kNumericsVersion) || is_named(model, wishes.names);
        const auto in_runs = used.find(model.computation);
        const bool is_unused = wishes.unused && in_runs == used.end();
        if (is_whole || is_unused) {
          LSTAR_TRY(remove_row(*database_, "DELETE FROM model WHERE rowid = ?1", model.row));
          ++pruned.models;
          pruned.bytes += model.bytes;
        }
        if ((!is_whole && !wishes.unused) || !done.insert(model.computation).second) continue;
        LSTAR_ASSIGN(const auto prompts, prompt_rows(*database_, model.computation));
        for (const PromptRow& prompt : prompts) {
          if (!is_whole && in_runs != used.end() && in_runs->second.contains(prompt.digest)) continue;
          LSTAR_TRY(remove_row(*database_, "DELETE FROM prompt WHERE rowid = ?1", prompt.row));
          ++pruned.prompts;
          pruned.bytes += prompt.bytes;
        }
      }
      LSTAR_ASSIGN(pruned.runs, remove_broken_runs(*database_));
      LSTAR_TRY(
          database_->run("DELETE FROM computation WHERE id NOT IN (SELECT computation FROM model UNION "
                         "SELECT computation FROM prompt)"));
      LSTAR_TRY(
          database_->run("DELETE FROM provenance WHERE id NOT IN (SELECT provenance FROM model UNION "
                         "SELECT provenance FROM prompt UNION SELECT provenance FROM run)"));
      if (!really) return pruned;
      LSTAR_TRY(transaction.commit());
    }
    LSTAR_TRY(give_room_back(*database_));
    return pruned;
  });
}

Merged& Merged::operator+=(const Merged& other) {
  for (int64_t Merged::*number :
       {&Merged::models, &Merged::prompts, &Merged::runs, &Merged::known, &Merged::differ, &Merged::damaged})
    this->*number += other.*number;
  return *this;
}

namespace {

// Walks over rows of a store that may be damaged: what cannot be read is counted, and the rest is used. `row` returns
// an error of its own only where all must end.
class Source {
 public:
  Source(Database& database, Merged& merged) : database_(database), merged_(merged) {}

  template <class Use>
  Result<void> each(const char* sql, Use use) {
    auto rows = database_.prepare(sql);
    for (;;) {
      const auto more = rows ? rows->step() : Result<bool>(fail(rows.error()));
      if (!more) return passed_over(more.error());
      if (!*more) return {};
      LSTAR_TRY(use(*rows));
      if (!rows->fault()) return passed_over(rows->fault().error());
    }
  }

  // A record that could not be read is counted, anything else ends the merge.
  Result<void> passed_over(const Error& error) {
    if (error.kind != ErrorKind::malformed) return fail(error);
    ++merged_.damaged;
    return {};
  }

 private:
  Database& database_;
  Merged& merged_;
};

void count(Merged& merged, int64_t& fresh, Arrival arrival) {
  ++(arrival == Arrival::fresh ? fresh : arrival == Arrival::known ? merged.known : merged.differ);
}

}  // namespace

Result<Merged> Store::merge(Store& other) {
  return catch_memory("merging stores", path(), [&]() -> Result<Merged> {
    std::error_code ignored;
    if (std::filesystem::equivalent(path(), other.path(), ignored))
      return fail({.kind = ErrorKind::argument, .what = "a store is not merged into itself", .file = path()});
    Merged merged;
    Database &here = *database_, &there = *other.database_;
    Source source(there, merged);
    LSTAR_ASSIGN(Transaction transaction, Transaction::begin(here));
    LSTAR_ASSIGN(const Transaction snapshot, Transaction::reading(there));

    LSTAR_TRY(source.each(
        "SELECT computation, head_layout, provenance, record FROM model", [&](Statement& row) -> Result<void> {
          const auto key = read_computation(there, row.integer(0));
          const auto from = read_provenance(there, row.integer(2));
          const auto layout = parse_head_layout(row.text(1));
          if (!key || !from || !layout)
            return source.passed_over(!key ? key.error() : !from ? from.error() : there.damaged("a head layout"));
          const auto m = checked_model(there, *key, *layout, row.bytes(3));
          if (!m) return source.passed_over(m.error());
          LSTAR_ASSIGN(const int64_t computation, make_computation(here, *key));
          LSTAR_ASSIGN(const int64_t provenance, make_provenance(here, *from));
          LSTAR_ASSIGN(const Arrival arrival, put_model(here, computation, *m, provenance, Stays::old_one));
          count(merged, merged.models, arrival);
          return {};
        }));
    LSTAR_TRY(
        source.each("SELECT computation, ids, provenance, record FROM prompt", [&](Statement& row) -> Result<void> {
          const auto key = read_computation(there, row.integer(0));
          const auto from = read_provenance(there, row.integer(2));
          const auto seen = checked_prompt(there, row.bytes(1), row.bytes(3));
          if (!key || !from || !seen)
            return source.passed_over(!key ? key.error() : !from ? from.error() : seen.error());
          LSTAR_ASSIGN(const int64_t computation, make_computation(here, *key));
          LSTAR_ASSIGN(const int64_t provenance, make_provenance(here, *from));
          LSTAR_ASSIGN(const Arrival arrival, put_prompt(here, computation, *seen, provenance, Stays::old_one));
          count(merged, merged.prompts, arrival);
          return {};
        }));
    const auto runs = read_runs(there);
    if (!runs) LSTAR_TRY(source.passed_over(runs.error()));
    for (size_t i = 0; runs && i < runs->size(); ++i) {
      const auto from = read_provenance(there, (*runs)[i].provenance);
      const auto run = checked_run(there, (*runs)[i]);
      LSTAR_ASSIGN(const bool is_whole, from&& run ? has_all_of(here, *run) : Result<bool>(false));
      if (!is_whole) {
        ++merged.damaged;
        continue;
      }
      LSTAR_ASSIGN(const Arrival arrival, lstar::put_run(here, (*runs)[i], *from, Stays::old_one));
      count(merged, merged.runs, arrival);
    }
    LSTAR_TRY(transaction.commit());
    return merged;
  });
}

}  // namespace lstar
