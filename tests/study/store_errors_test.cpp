// Whatever lies where a store should: one line that says what to do, in bounded time and memory.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <thread>

#include "lstar/base/atomic_file.h"
#include "lstar/study/store/schema.h"
#include "tests/study/store_support.h"
#include "tests/support/sanitized.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;
using testing::key_of;
using testing::made_up_of_everything;
using testing::made_up_provenance;
using testing::opened;
using testing::TemporaryFolder;

std::string refusal(const std::string& path, StoreAccess access = StoreAccess::read) {
  const auto store = Store::open(path, access, std::chrono::milliseconds(20));
  if (store) return "opened";
  const std::string line = store.error().message();
  EXPECT_TRUE(line.starts_with(path)) << line;
  return line.substr(std::min(line.size(), path.size() + 2));
}

// A store with a measurement and a run in it, closed.
void make_store(const std::string& path) {
  Store store = opened(path);
  const Measurement m = made_up_of_everything();
  ASSERT_TRUE(store.put(key_of(m), m, made_up_provenance()));
  Study study{.models = {{.name = m.identity.model, .path = "m"}}};
  study.prompts.resize(3);
  const std::vector<RunModel> ran{{key_of(m), m}};
  ASSERT_TRUE(store.put_run(study, ran, made_up_provenance()));
}

// SQL that our own connections would refuse.
void sql(const std::string& path, const char* statements) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  char* said = nullptr;
  ASSERT_EQ(sqlite3_exec(database, statements, nullptr, nullptr, &said), SQLITE_OK) << said;
  sqlite3_close(database);
}

TEST(StoreErrors, WhatLiesInItsPlace) {
  const TemporaryFolder folder;
  EXPECT_EQ(refusal(folder / "none"), "no such store");
  EXPECT_EQ(refusal(folder / "none", StoreAccess::write), "no such store");
  EXPECT_EQ(refusal(folder / "no/such/folder", StoreAccess::create),
            "cannot be made in its folder: No such file or directory");
  EXPECT_THAT(refusal(folder.path()), HasSubstr("a folder, no store; name the file in it"));
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  for (const auto access : {StoreAccess::read, StoreAccess::create})
    EXPECT_EQ(refusal(folder / "fifo", access), "not a regular file, which a store is");
  ASSERT_TRUE(write_file(folder / "text", std::string(5000, 'x')));
  for (const auto access : {StoreAccess::read, StoreAccess::create})
    EXPECT_EQ(refusal(folder / "text", access), "not a store of measurements");
  EXPECT_EQ(*read_file(folder / "text"), std::string(5000, 'x'));
  ASSERT_TRUE(write_file(folder / "empty", ""));
  EXPECT_EQ(refusal(folder / "empty"), "not a store of measurements: it is empty");
  EXPECT_EQ(refusal(folder / "empty", StoreAccess::create), "opened");
}

TEST(StoreErrors, AnotherProgramsDatabaseIsLeftAlone) {
  const TemporaryFolder folder;
  sql(folder / "theirs", "CREATE TABLE notes(text); INSERT INTO notes VALUES('x')");
  const std::string before = *read_file(folder / "theirs");
  for (const auto access : {StoreAccess::read, StoreAccess::write, StoreAccess::create})
    EXPECT_EQ(refusal(folder / "theirs", access), "not a store of measurements but another program's SQLite database");
  EXPECT_EQ(*read_file(folder / "theirs"), before);
}

TEST(StoreErrors, ALaterVersion) {
  const TemporaryFolder folder;
  make_store(folder / "store");
  sql(folder / "store", "PRAGMA user_version = 2");
  for (const auto access : {StoreAccess::read, StoreAccess::create})
    EXPECT_EQ(refusal(folder / "store", access),
              "a store of a newer lstar (version 2, this one reads 1): use that, or another store");
}

// What a schema could have run: none of it is one of ours.
TEST(StoreErrors, AForeignSchema) {
  for (const char* change :
       {"CREATE TRIGGER t AFTER INSERT ON prompt BEGIN DELETE FROM prompt; END",
        "CREATE VIEW v AS SELECT * FROM prompt", "CREATE TABLE more(x)", "CREATE INDEX i ON prompt(length(record))",
        "DROP TABLE outcome", "ALTER TABLE run ADD COLUMN x ANY",
        "DROP TABLE prompt; CREATE VIEW prompt AS WITH RECURSIVE r(n) AS (SELECT 1 "
        "UNION ALL SELECT n + 1 FROM r) SELECT n AS computation, n AS ids, n AS provenance, n AS record FROM r"}) {
    const TemporaryFolder folder;
    make_store(folder / "store");
    sql(folder / "store", change);
    for (const auto access : {StoreAccess::read, StoreAccess::create})
      EXPECT_THAT(refusal(folder / "store", access),
                  HasSubstr("a damaged store (tables that are not lstar's): move it"))
          << change;
  }
}

TEST(StoreErrors, ValuesOfOtherTypes) {
  const TemporaryFolder folder;
  make_store(folder / "store");
  // A strict table keeps them out; whoever writes the file's bytes does not.
  sql(folder / "store",
      "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, ' STRICT', ''); "
      "PRAGMA writable_schema = RESET");
  sql(folder / "store",
      "UPDATE prompt SET record = 'text'; UPDATE provenance SET time = x'00'; "
      "UPDATE run SET digest = 7.5; UPDATE outcome SET record = 5");
  sql(folder / "store",
      "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = sql || ' STRICT' WHERE type = "
      "'table'; PRAGMA writable_schema = RESET");
  Store store = opened(folder / "store");
  for (const std::string& line : {store.models().error().message(), store.runs().error().message()})
    EXPECT_THAT(line, HasSubstr("a damaged store (a value of another type)"));
  const Measurement m = made_up_of_everything();
  EXPECT_EQ(store.known(key_of(m), m.numerics.head_layout, testing::ids_of(m), Wants())->damaged, 2);
}

TEST(StoreErrors, ReadOnly) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everything; the next test becomes somebody else";
  const TemporaryFolder folder;
  make_store(folder / "store");
  ::chmod((folder / "store").c_str(), 0400);
  EXPECT_EQ(refusal(folder / "store", StoreAccess::write), "cannot be written: it is read-only");
  EXPECT_EQ(refusal(folder / "store"), "opened");
  ::chmod(folder.path().c_str(), 0500);  // no place for what readers share
  EXPECT_EQ(refusal(folder / "store"), "opened");
  EXPECT_TRUE(opened(folder / "store", StoreAccess::read).models());
  ::chmod(folder.path().c_str(), 0700);
}

// The same without rights to speak of, whoever runs the tests: in a child that is nobody.
TEST(StoreErrors, ReadOnlyForSomebodyElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  const TemporaryFolder folder;
  make_store(folder / "store");
  ::chmod((folder / "store").c_str(), 0444);
  ::chmod(folder.path().c_str(), 0555);
  const auto as_nobody = [&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) std::_Exit(1);
    const bool refused =
        refusal(folder / "store", StoreAccess::write) == "cannot be written: it is read-only" &&
        refusal(folder / "store", StoreAccess::create) == "cannot be written: it is read-only" &&
        refusal(folder / "new", StoreAccess::create) == "cannot be made in its folder: Permission denied";
    auto store = Store::open(folder / "store", StoreAccess::read);
    const bool reads = store && store->models() && store->models()->size() == 1;
    Measurement m = made_up_of_everything();
    m.prompts[0].ids[0] = 4711;
    const auto put = store ? store->put(key_of(m), m, made_up_provenance()) : Result<void>();
    std::cerr << (put ? "put" : put.error().message());
    std::_Exit(refused && reads ? 0 : 2);
  };
  // A text alone would be a regular expression, compiled by Oniguruma, which exports the system's name for it, and run
  // by the system: under the thread sanitizer that waits for ever.
  EXPECT_EXIT(as_nobody(), ::testing::ExitedWithCode(0), HasSubstr("store: cannot be written: it is read-only"));
  ::chmod(folder.path().c_str(), 0755);
}

TEST(StoreErrors, LockedForTooLong) {
  const TemporaryFolder folder;
  make_store(folder / "store");
  auto other = Database::open(folder / "store", StoreAccess::write, std::chrono::milliseconds(0));
  ASSERT_TRUE(other);
  auto held = Transaction::begin(**other);
  ASSERT_TRUE(held);
  auto store = Store::open(folder / "store", StoreAccess::write, std::chrono::milliseconds(100));
  ASSERT_TRUE(store) << store.error().message();
  const Measurement m = made_up_of_everything();
  const auto begin = std::chrono::steady_clock::now();
  const auto put = store->put(key_of(m), m, made_up_provenance());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::unreachable);
  EXPECT_EQ(put.error().message(),
            folder / "store" + ": another process has held the store for 0.1 s; try again when it is done");
  EXPECT_TRUE(store->models());
  { const Transaction released = *std::move(held); }
  EXPECT_TRUE(store->put(key_of(m), m, made_up_provenance()));
}

// SQLite's own layer above the system, with a disk on which nothing more has room. Kinds of files differ in how they
// are locked, so that each has a table of its own.
bool disk_is_full = false;
sqlite3_vfs* real_vfs = nullptr;
sqlite3_vfs full_vfs;
std::map<const sqlite3_io_methods*, sqlite3_io_methods> full_methods;
int (*real_write)(sqlite3_file*, const void*, int, sqlite3_int64) = nullptr;

int full_write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
  return disk_is_full ? SQLITE_FULL : real_write(file, data, size, at);
}
int full_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  const int code = real_vfs->xOpen(real_vfs, name, file, flags, out);
  if (code != SQLITE_OK || !file->pMethods) return code;
  real_write = file->pMethods->xWrite;
  sqlite3_io_methods& methods = full_methods[file->pMethods];
  methods = *file->pMethods;
  methods.xWrite = full_write;
  file->pMethods = &methods;
  return code;
}

TEST(StoreErrors, FullDisk) {
  real_vfs = sqlite3_vfs_find(nullptr);
  full_vfs = *real_vfs;
  full_vfs.zName = "full";
  full_vfs.xOpen = full_open;
  ASSERT_EQ(sqlite3_vfs_register(&full_vfs, 1), SQLITE_OK);
  {
    const TemporaryFolder folder;
    make_store(folder / "store");
    Store store = opened(folder / "store", StoreAccess::write);
    Measurement m = made_up_of_everything();
    m.prompts[0].ids[0] = 4711;
    disk_is_full = true;
    const auto put = store.put(key_of(m), m, made_up_provenance());
    const auto made = Store::open(folder / "new", StoreAccess::create);
    disk_is_full = false;
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().message(), folder / "store" + ": cannot be written: the disk is full");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message(), folder / "new" + ": cannot be written: the disk is full");
    EXPECT_EQ(store.models()->front().prompts, 2) << "as it was";
    EXPECT_TRUE(store.put(key_of(m), m, made_up_provenance()));
    EXPECT_EQ(store.models()->front().prompts, 3);
  }
  sqlite3_vfs_unregister(&full_vfs);
  sqlite3_vfs_register(real_vfs, 1);
}

TEST(StoreErrors, TheProcesssLimitOnFiles) {
  const TemporaryFolder folder;
  make_store(folder / "store");
  Store store = opened(folder / "store", StoreAccess::write);
  const Measurement m = testing::made_up_measurement(testing::made_up_models()[1], Dtype::float32);
  Measurement named = m;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{20'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto put = store.put(key_of(named, std::string(64, 'f')), named, made_up_provenance());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(put);
  EXPECT_THAT(put.error().message(), HasSubstr("store: "));
  EXPECT_EQ(store.models()->size(), 1u);
}

void put_number(std::string& bytes, size_t at, uint32_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> 8 * (size - 1 - i));
}

// Pages of a tree, each of which names the next one some hundred times: a walk over all rows would outlast us.
TEST(StoreErrors, PagesThatLeadInCircles) {
  const TemporaryFolder folder;
  make_store(folder / "store");
  uint32_t root = 0;
  {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open((folder / "store").c_str(), &database), SQLITE_OK);
    const auto take = [](void* into, int, char** values, char**) {
      *static_cast<uint32_t*>(into) = static_cast<uint32_t>(std::atoi(values[0]));
      return 0;
    };
    sqlite3_exec(database, "SELECT rootpage FROM sqlite_schema WHERE name = 'prompt'", take, &root, nullptr);
    sqlite3_close(database);
  }
  std::string file = *read_file(folder / "store");
  constexpr uint32_t kPage = 4096, kDepth = 10, kChildren = 300;
  const auto first_new = static_cast<uint32_t>(file.size() / kPage + 1);
  const std::string leaf = file.substr((root - 1) * kPage, kPage);
  ASSERT_EQ(leaf[0], 0x0d) << "a leaf of a table";
  for (uint32_t depth = 0; depth < kDepth; ++depth) {
    std::string page(kPage, '\0');
    page[0] = 0x05;  // an inner page of a table: head, places of cells, and cells from the end
    put_number(page, 3, kChildren, 2);
    put_number(page, 5, kPage - 5 * kChildren, 2);
    put_number(page, 8, first_new + depth, 4);
    for (uint32_t child = 0; child < kChildren; ++child) {
      const uint32_t at = kPage - 5 * (child + 1);
      put_number(page, 12 + 2 * child, at, 2);
      put_number(page, at, first_new + depth, 4);
      page[at + 4] = 1;  // up to which row
    }
    if (depth == 0)
      file.replace((root - 1) * kPage, kPage, page);
    else
      file += page;
  }
  file += leaf;
  put_number(file, 28, static_cast<uint32_t>(file.size() / kPage), 4);
  ASSERT_TRUE(write_file(folder / "store", file));
  Store store = opened(folder / "store", StoreAccess::read), into = opened(folder / "into");
  const auto begin = std::chrono::steady_clock::now();
  const auto merged = into.merge(store);
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_GT(merged->known, 1000) << "the same rows again and again, until it was enough";
  EXPECT_GT(merged->damaged, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(testing::kSanitized ? 600 : 60));
  auto database = Database::open(folder / "store", StoreAccess::read, kStorePatience);
  const auto counted = (*database)->integer("SELECT sum(length(record)) FROM prompt NOT INDEXED");
  ASSERT_FALSE(counted);
  EXPECT_THAT(counted.error().message(), HasSubstr("a damaged store (its pages lead in circles): move it away"));
}

// Every call on the bytes of a store, each of them flipped in turn: values or a line, and soon.
TEST(StoreErrors, NoByteOfTheFileBringsMoreThanALine) {
  const TemporaryFolder folder;
  make_store(folder / "whole");
  const std::string whole = *read_file(folder / "whole");
  const Measurement m = made_up_of_everything();
  int opened_again = 0;
  for (size_t at = 0; at < whole.size(); at += at < 4096 ? 3 : 41) {  // the first page has the schema
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ (at % 2 ? 0xff : 1 << at / 2 % 8));
    std::ofstream(folder / "store", std::ios::binary | std::ios::trunc) << changed;
    const auto begin = std::chrono::steady_clock::now();
    auto store =
        Store::open(folder / "store", at % 3 ? StoreAccess::read : StoreAccess::create, std::chrono::milliseconds(0));
    if (store) {
      ++opened_again;
      const auto models = store->models();
      if (models)
        for (const StoredModel& model : *models)
          (void)store->each_prompt(model.key, [](const PromptObservation&) -> Result<void> { return {}; });
      if (const auto runs = store->runs())
        for (const StoredRun& run : *runs) (void)store->read_run(run, testing::kEverything);
      (void)store->known(key_of(m), m.numerics.head_layout, testing::ids_of(m), testing::kEverything);
      (void)store->put(key_of(m), m, made_up_provenance());
      (void)store->prune({.outdated = true, .unused = true}, at % 5 == 0);
    } else {
      const std::string line = store.error().message();
      ASSERT_EQ(line.find('\n'), line.npos);
    }
    ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10)) << "byte " << at;
    store = fail("closed");
    for (const char* rest : {"store", "store-wal", "store-shm", "store-journal"})
      std::filesystem::remove(folder / rest);
  }
  EXPECT_GT(opened_again, 100);
}

}  // namespace
}  // namespace lstar
