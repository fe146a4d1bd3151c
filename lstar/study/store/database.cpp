#include "lstar/study/store/database.h"

#include <fmt/core.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "lstar/base/file_limit.h"

namespace lstar {
namespace {

// The longest text or blob: a record of one prompt, a study with its prompts, or the outcome of a model with a digest a
// prompt. A million prompts of a hundred tokens each have some 500 MB; SQLite itself holds it to the file's size, too.
constexpr int kLongestValue = 1 << 30;

// How many steps of SQLite's machine one statement may take: as many as the file has bytes, and some. A row is at least
// 100 bytes and takes some 30 steps; only pages that lead in circles take more.
constexpr int64_t kLeastSteps = 200'000;
constexpr int kStepsBetween = 1'000;  // calls of on_progress

int64_t size_of(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 ? int64_t{status.st_size} : 0;
}

// A path that SQLite would read as an option begins with "file:"; as a relative path it is none.
std::string plain_name(const std::string& path) { return path.starts_with('/') ? path : "./" + path; }

// The same as an address: what means something in one is written as its number.
std::string as_address(const std::string& path) {
  std::string address = "file:";
  for (const char c : plain_name(path)) {
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::strchr("/._-", c) != nullptr;
    address += is_plain && c != '\0' ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return address + "?immutable=1";
}

Result<void> check_place(const std::string& path, StoreAccess access) {
  const auto refused = [&](ErrorKind kind, std::string what) {
    return fail({.kind = kind, .what = std::move(what), .file = path});
  };
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT || access != StoreAccess::create) {
      if (errno == ENOENT) return refused(ErrorKind::missing, "no such store");
      return refused(kind_of_errno(errno), std::string("cannot be opened: ") + std::strerror(errno));
    }
    const size_t slash = path.rfind('/');
    const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
    if (::access(folder.c_str(), W_OK | X_OK) == 0) return {};
    return refused(kind_of_errno(errno), std::string("cannot be made in its folder: ") + std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode))
    return refused(ErrorKind::argument,
                   "a folder, no store; name the file in it (measurements.sqlite, where lstar run --out keeps it)");
  if (!S_ISREG(status.st_mode)) return refused(ErrorKind::argument, "not a regular file, which a store is");
  return {};
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::GiveBack::operator()(sqlite3_stmt* statement) const {
  std::unique_ptr<sqlite3_stmt, Finalize> idle(statement);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (database->idle_.size() < Database::kMostIdle) database->idle_.push_back(std::move(idle));
}

void Database::Close::operator()(sqlite3* database) const { sqlite3_close(database); }

Statement& Statement::bind(int at, int64_t value) {
  failed_to_bind_ |= sqlite3_bind_int64(statement_.get(), at, value) != SQLITE_OK;
  return *this;
}
Statement& Statement::bind(int at, double value) {
  failed_to_bind_ |= sqlite3_bind_double(statement_.get(), at, value) != SQLITE_OK;
  return *this;
}
Statement& Statement::bind_text(int at, std::string_view value) {
  failed_to_bind_ |= sqlite3_bind_text64(statement_.get(), at, value.data() ? value.data() : "", value.size(),
                                         SQLITE_TRANSIENT, SQLITE_UTF8) != SQLITE_OK;
  return *this;
}
Statement& Statement::bind_bytes(int at, std::string_view value) {
  failed_to_bind_ |= sqlite3_bind_blob64(statement_.get(), at, value.data() ? value.data() : "", value.size(),
                                         SQLITE_TRANSIENT) != SQLITE_OK;
  return *this;
}

Result<bool> Statement::step() {
  if (failed_to_bind_)
    return fail(
        {.kind = ErrorKind::unsupported, .what = "a text or record too long for a store", .file = database_->path()});
  LSTAR_TRY(fault());
  // Others take their steps between this one's: each has a count of its own.
  database_->steps_ = sqlite3_stmt_busy(statement_.get()) ? steps_ : 0;
  const FileLimitAsError limit;
  const int code = sqlite3_step(statement_.get());
  steps_ = database_->steps_;
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  Error error = database_->error(code);
  sqlite3_reset(statement_.get());
  return fail(std::move(error));
}

Result<void> Statement::run() {
  LSTAR_TRY(step());
  sqlite3_reset(statement_.get());
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  wrong_type_ = false;
}

bool Statement::is(int column, int type) {
  const bool fits = sqlite3_column_type(statement_.get(), column) == type;
  wrong_type_ |= !fits;
  return fits;
}

int64_t Statement::integer(int column) {
  return is(column, SQLITE_INTEGER) ? sqlite3_column_int64(statement_.get(), column) : 0;
}
double Statement::real(int column) {
  return is(column, SQLITE_FLOAT) ? sqlite3_column_double(statement_.get(), column) : 0;
}
std::string Statement::text(int column) {
  if (!is(column, SQLITE_TEXT)) return {};
  const unsigned char* text = sqlite3_column_text(statement_.get(), column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
  return text ? std::string(reinterpret_cast<const char*>(text), size) : std::string();
}
std::string Statement::bytes(int column) {
  if (!is(column, SQLITE_BLOB)) return {};
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
  return bytes ? std::string(static_cast<const char*>(bytes), size) : std::string();
}
Result<void> Statement::fault() const {
  if (wrong_type_) return fail(database_->damaged("a value of another type"));
  return {};
}

Database::~Database() {
  const FileLimitAsError limit;  // the log is written back
  idle_.clear();
  database_.reset();
}

int Database::on_progress(void* database) {
  auto& self = *static_cast<Database*>(database);
  self.steps_ += kStepsBetween;
  return self.steps_ > kLeastSteps && self.steps_ > kLeastSteps + size_of(self.path_) + size_of(self.log_path_);
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, StoreAccess access,
                                                 std::chrono::milliseconds patience) {
  if (path.find('\0') != path.npos)
    return fail({.kind = ErrorKind::argument, .what = "a name with a NUL", .file = path});
  LSTAR_TRY(check_place(path, access));
  std::unique_ptr<Database> database(new Database(path, patience));
  LSTAR_TRY(database->connect(access));
  return database;
}

// Where a folder cannot be written, or a disk is full, SQLite cannot make the files that readers of a log share. A
// store without a log beside it is then read as what it is, a file that nobody writes. Where it could be written, a
// reader is asked to write nothing but what it takes to remove those files behind it.
Result<void> Database::connect(StoreAccess access) {
  const bool may_write = access != StoreAccess::read, tidies = !may_write && ::access(path_.c_str(), W_OK) == 0;
  const int mode = access == StoreAccess::create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                   : may_write || tidies         ? SQLITE_OPEN_READWRITE
                                                 : SQLITE_OPEN_READONLY;
  const auto attempt = [&](const std::string& name, int flags) {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(name.c_str(), &opened, flags, nullptr);
    database_.reset(opened);
    return code == SQLITE_OK ? set_up() : code;
  };
  if (may_write && size_of(path_) > 0 && ::access(path_.c_str(), W_OK) != 0)
    return fail({.kind = ErrorKind::unreachable, .what = "cannot be written: it is read-only", .file = path_});
  int code = attempt(plain_name(path_), mode);
  const bool has_log = size_of(log_path_) > 0;
  const bool lacks_room = code == SQLITE_CANTOPEN || code == SQLITE_READONLY || code == SQLITE_FULL ||
                          code == SQLITE_IOERR;  // of the files that readers share
  if (!may_write && !has_log && lacks_room) code = attempt(as_address(path_), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  if (code != SQLITE_OK) return fail(error(code));
  return may_write ? Result<void>() : run("PRAGMA query_only = ON");
}

// What a hostile schema or page could do is switched off before the first look at the file, which is the last line.
int Database::set_up() {
  sqlite3* db = database_.get();
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, static_cast<int>(patience_.count()));
  for (const int option : {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_TRUSTED_SCHEMA,
                           SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL})
    sqlite3_db_config(db, option, 0, static_cast<int*>(nullptr));
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, static_cast<int*>(nullptr));
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, kLongestValue);
  sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 100'000);
  sqlite3_limit(db, SQLITE_LIMIT_COLUMN, 100);
  sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 100);
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
  sqlite3_progress_handler(db, kStepsBetween, on_progress, this);
  steps_ = 0;
  for (const char* sql : {"PRAGMA cell_size_check = ON", "PRAGMA mmap_size = 0", "PRAGMA synchronous = NORMAL",
                          "PRAGMA temp_store = MEMORY", "PRAGMA schema_version"})
    if (const int code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr); code != SQLITE_OK) return code & 0xff;
  return SQLITE_OK;
}

Result<void> Database::run(const char* sql) {
  LSTAR_ASSIGN(Statement statement, compile(sql));
  return statement.run();
}

Result<Statement> Database::prepare(const char* sql) {
  const auto same = std::find_if(idle_.begin(), idle_.end(), [&](const auto& statement) {
    return std::strcmp(sqlite3_sql(statement.get()), sql) == 0;
  });
  if (same == idle_.end()) return compile(sql);
  steps_ = 0;
  std::swap(*same, idle_.back());
  Statement statement(idle_.back().release(), this);
  idle_.pop_back();
  return statement;
}

Result<Statement> Database::compile(const char* sql) {
  steps_ = 0;
  sqlite3_stmt* statement = nullptr;
  const FileLimitAsError limit;
  if (const int code = sqlite3_prepare_v2(database_.get(), sql, -1, &statement, nullptr); code != SQLITE_OK)
    return fail(error(code));
  return Statement(statement, this);
}

Result<int64_t> Database::integer(const char* sql) {
  LSTAR_ASSIGN(Statement statement, prepare(sql));
  LSTAR_ASSIGN(const bool has_row, statement.step());
  if (!has_row) return fail(damaged("a number that is not there"));
  const int64_t value = statement.integer(0);
  LSTAR_TRY(statement.fault());
  return value;
}

int64_t Database::last_row() const { return sqlite3_last_insert_rowid(database_.get()); }

void Database::roll_back() noexcept {
  const FileLimitAsError limit;
  steps_ = 0;
  sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

// Of two that change the mode at once, SQLite answers one that it is locked, and does not wait.
Result<void> Database::use_write_ahead_log() {
  const auto until = std::chrono::steady_clock::now() + patience_;
  for (;;) {
    auto done = run("PRAGMA journal_mode = WAL");
    if (done) return {};
    const int code = sqlite3_errcode(database_.get()) & 0xff;
    const bool is_locked = code == SQLITE_BUSY || code == SQLITE_LOCKED;
    if (!is_locked || std::chrono::steady_clock::now() > until) return done;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Error Database::damaged(std::string what) const {
  return {.what = "a damaged store (" + std::move(what) +
                  "): move it away and measure again; lstar store merge NEW OLD "
                  "may still bring over some of it",
          .file = path_};
}

Error Database::error(int code) const {
  const auto system = [&](const char* what) {
    const int number = database_ ? sqlite3_system_errno(database_.get()) : 0;
    return Error{.kind = ErrorKind::unreachable,
                 .what = number ? fmt::format("{}: {}", what, std::strerror(number)) : std::string(what),
                 .file = path_};
  };
  switch (code & 0xff) {
    case SQLITE_NOTADB: return {.what = "not a store of measurements", .file = path_};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {.kind = ErrorKind::unreachable,
              .what = fmt::format("another process has held the store for {} s; try again when it is done",
                                  static_cast<double>(patience_.count()) / 1000),
              .file = path_};
    case SQLITE_READONLY:
      return {.kind = ErrorKind::unreachable, .what = "cannot be written: it is read-only", .file = path_};
    case SQLITE_FULL:
      return {.kind = ErrorKind::unreachable, .what = "cannot be written: the disk is full", .file = path_};
    case SQLITE_NOMEM: return {.kind = ErrorKind::memory, .what = "out of memory", .file = path_};
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH: return system("cannot be opened");
    case SQLITE_IOERR:
      return system(code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ ? "cannot be read"
                                                                                 : "cannot be written");
    case SQLITE_INTERRUPT: return damaged("its pages lead in circles");
    case SQLITE_TOOBIG:
      return {.kind = ErrorKind::unsupported, .what = "a text or record too long for a store", .file = path_};
    default: return damaged(sqlite3_errstr(code));
  }
}

Result<Transaction> Transaction::begin(Database& database) {
  LSTAR_TRY(database.run("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Result<Transaction> Transaction::reading(Database& database) {
  LSTAR_TRY(database.run("BEGIN"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_) database_->roll_back();
}

Result<void> Transaction::commit() {
  LSTAR_TRY(database_->run("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace lstar
