#include "lstar/study/store/schema.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "lstar/study/store/database.h"

namespace lstar {
namespace {

// As SQLite keeps them. Strict tables refuse a value of another type where it is written.
constexpr std::array kTables{
    "CREATE TABLE provenance(id INTEGER PRIMARY KEY, time TEXT NOT NULL, command TEXT NOT NULL, manifest TEXT NOT "
    "NULL, "
    "threads INTEGER NOT NULL, seconds REAL NOT NULL, lstar TEXT NOT NULL, "
    "UNIQUE(time, command, manifest, threads, seconds, lstar)) STRICT",
    "CREATE TABLE computation(id INTEGER PRIMARY KEY, content TEXT NOT NULL, dtype TEXT NOT NULL, "
    "numerics INTEGER NOT NULL, backend TEXT NOT NULL, UNIQUE(content, dtype, numerics, backend)) STRICT",
    "CREATE TABLE model(computation INTEGER NOT NULL, head_layout TEXT NOT NULL, provenance INTEGER NOT NULL, "
    "record BLOB NOT NULL, UNIQUE(computation, head_layout)) STRICT",
    "CREATE TABLE prompt(computation INTEGER NOT NULL, ids BLOB NOT NULL, provenance INTEGER NOT NULL, "
    "record BLOB NOT NULL, UNIQUE(computation, ids)) STRICT",
    "CREATE TABLE run(id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, provenance INTEGER NOT NULL, "
    "record BLOB NOT NULL) STRICT",
    "CREATE TABLE outcome(run INTEGER NOT NULL, position INTEGER NOT NULL, record BLOB NOT NULL, "
    "UNIQUE(run, position)) STRICT",
};

// All that a schema holds but the indexes that its UNIQUEs bring along.
Result<std::vector<std::string>> statements_of(Database& database) {
  LSTAR_ASSIGN(Statement rows, database.prepare("SELECT ifnull(sql, type || ' ' || name) FROM sqlite_schema"));
  std::vector<std::string> statements;
  constexpr size_t kMost = 100;
  for (;;) {
    LSTAR_ASSIGN(const bool more, rows.step());
    if (!more) break;
    std::string statement = rows.text(0);
    if (!statement.starts_with("index sqlite_autoindex_")) statements.push_back(std::move(statement));
    if (statements.size() > kMost) return fail(database.damaged("tables that are not lstar's"));
  }
  return statements;
}

Result<void> create(Database& database) {
  for (const char* table : kTables) LSTAR_TRY(database.run(table));
  LSTAR_TRY(database.run(fmt::format("PRAGMA application_id = {}", kApplicationId).c_str()));
  return database.run(fmt::format("PRAGMA user_version = {}", kSchemaVersion).c_str());
}

Result<bool> is_empty(Database& database) {
  LSTAR_ASSIGN(const int64_t application, database.integer("PRAGMA application_id"));
  if (application != 0) return false;
  LSTAR_ASSIGN(const auto statements, statements_of(database));
  return statements.empty();
}

}  // namespace

Result<void> check_schema(Database& database, bool may_create) {
  LSTAR_ASSIGN(const bool is_new, is_empty(database));
  if (is_new && may_create) {
    // A store in the making holds nothing yet: the disk is waited for when it is closed, not seven times before.
    LSTAR_TRY(database.run("PRAGMA synchronous = OFF"));
    LSTAR_TRY(database.run("PRAGMA auto_vacuum = INCREMENTAL"));
    LSTAR_TRY(database.use_write_ahead_log());
    LSTAR_ASSIGN(Transaction transaction, Transaction::begin(database));
    LSTAR_ASSIGN(const bool is_still_new, is_empty(database));  // two may make it at once
    if (is_still_new) LSTAR_TRY(create(database));
    LSTAR_TRY(transaction.commit());
    LSTAR_TRY(database.run("PRAGMA synchronous = NORMAL"));
  }
  LSTAR_ASSIGN(const int64_t application, database.integer("PRAGMA application_id"));
  if (application != kApplicationId)
    return fail({.kind = ErrorKind::argument,
                 .what = is_new ? "not a store of measurements: it is empty"
                                : "not a store of measurements but another program's SQLite database",
                 .file = database.path()});
  LSTAR_ASSIGN(const int64_t version, database.integer("PRAGMA user_version"));
  if (version > kSchemaVersion)
    return fail(
        {.kind = ErrorKind::unsupported,
         .what = fmt::format("a store of a newer lstar (version {}, this one reads {}): use that, or another store",
                             version, kSchemaVersion),
         .file = database.path()});
  LSTAR_ASSIGN(std::vector<std::string> statements, statements_of(database));
  std::vector<std::string> expected(kTables.begin(), kTables.end());
  std::sort(statements.begin(), statements.end());
  std::sort(expected.begin(), expected.end());
  if (version != kSchemaVersion || statements != expected) return fail(database.damaged("tables that are not lstar's"));
  return {};
}

}  // namespace lstar
