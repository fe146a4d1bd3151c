// SQLite behind values for errors, set up for files that somebody else made: no code in a schema is trusted, sizes are
// held to the file's, a walk through damaged pages ends, and nothing is waited for without end. Errors name the file
// and say what to do. A database and its statements are one thread's at a time; several threads or processes open the
// file each for themselves.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/study/store/store_access.h"

struct sqlite3;
struct sqlite3_stmt;

namespace lstar {

class Database;

// A prepared statement. Placeholders count from 1, columns from 0. Outlived by its database.
class Statement {
 public:
  Statement& bind(int at, int64_t value);
  Statement& bind(int at, double value);
  Statement& bind_text(int at, std::string_view value);
  Statement& bind_bytes(int at, std::string_view value);

  // Whether there is another row. After the last one, and after reset(), it begins anew.
  Result<bool> step();
  // The same for what gives no rows.
  Result<void> run();
  void reset();

  // Of the row at hand. A column of another type than asked for is a fault, told by the next step() or fault().
  int64_t integer(int column);
  double real(int column);
  std::string text(int column);
  std::string bytes(int column);
  Result<void> fault() const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  struct GiveBack {  // to the database it came from, for whoever prepares the same next
    Database* database = nullptr;
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3_stmt* statement, Database* database)
      : statement_(statement, GiveBack{database}), database_(database) {}
  Result<void> bound() const;
  bool is(int column, int type);

  std::unique_ptr<sqlite3_stmt, GiveBack> statement_;
  Database* database_;
  int64_t steps_ = 0;  // of SQLite's machine, since it began
  bool failed_to_bind_ = false, wrong_type_ = false;
};

class Database {
 public:
  // A regular file, or with `create` nothing yet; only its first page has been looked at.
  static Result<std::unique_ptr<Database>> open(const std::string& path, StoreAccess,
                                                std::chrono::milliseconds patience);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  Result<void> run(const char* sql);
  Result<Statement> prepare(const char* sql);
  Result<int64_t> integer(const char* sql);  // the one number that a statement gives
  int64_t last_row() const;

  // Readers go on while somebody writes. Left as it is where the file system has no place for that.
  Result<void> use_write_ahead_log();

  const std::string& path() const { return path_; }

  void roll_back() noexcept;

  // What SQLite's last failure means, in a line.
  Error error(int code) const;
  Error damaged(std::string what) const;

 private:
  friend class Statement;
  Database(const std::string& path, std::chrono::milliseconds patience)
      : path_(path), log_path_(path + "-wal"), patience_(patience) {
    idle_.reserve(kMostIdle);  // to give one back must not need memory
  }
  Result<void> connect(StoreAccess);
  int set_up();
  Result<Statement> compile(const char* sql);
  static int on_progress(void* database);

  struct Close {
    void operator()(sqlite3* database) const;
  };
  static constexpr size_t kMostIdle = 32;  // the store has fewer
  std::string path_, log_path_;
  std::chrono::milliseconds patience_;
  std::unique_ptr<sqlite3, Close> database_;
  // Prepared statements that nobody uses. To prepare one takes longer than to look up a row by it.
  std::vector<std::unique_ptr<sqlite3_stmt, Statement::Finalize>> idle_;
  int64_t steps_ = 0;  // of the statement at hand
};

// A transaction; undone unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database&);    // that writes, alone from its beginning
  static Result<Transaction> reading(Database&);  // that sees one state of the file, whoever writes meanwhile
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace lstar
