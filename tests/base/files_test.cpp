// JSON that others wrote, files that appear whole, errors on one line.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <thread>
#include <tuple>
#include <type_traits>
#include <vector>

#include <filesystem>

#include "lstar/base/atomic_file.h"
#include "lstar/base/json.h"
#include "lstar/base/walk_folder.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string parse_error(const std::string& text) {
  const auto document = JsonDocument::parse(text, "source");
  return document ? "" : document.error().message();
}

TEST(Json, BrokenDocumentsNameTheirSource) {
  for (const char* text : {"", "{", "{\"a\": nul}", "[1, 2", "{\"a\": 1} trailing"})
    EXPECT_THAT(parse_error(text), StartsWith("source: ")) << text;
  EXPECT_THAT(parse_error(std::string(100000, '[')), HasSubstr("not valid JSON"));
}

TEST(Json, LookupsAnswerAbsentForOtherTypes) {
  const auto document = JsonDocument::parse(R"({"n": 3, "x": 1.5, "t": "text", "z": null, "f": false})", "source");
  ASSERT_TRUE(document);
  const Json root = document->root();
  EXPECT_EQ(root.integer("n"), 3);
  EXPECT_EQ(root.integer("t"), std::nullopt);
  EXPECT_EQ(root.number("x"), 1.5);
  EXPECT_EQ(root.string("n"), std::nullopt);
  EXPECT_EQ(root.boolean("f"), false);
  EXPECT_FALSE(root.find("z"));
  EXPECT_FALSE(root.find("none"));
  EXPECT_TRUE(root.has("z"));
  EXPECT_FALSE(root.has("none"));
  EXPECT_TRUE(root["none"]["of"]["these"].is_null());
}

TEST(Json, IsWalkedInItsOrder) {
  static_assert(sizeof(Json) == 16 && std::is_trivially_copyable_v<Json>);
  const auto document = JsonDocument::parse(
      R"({"b": [1, -2, [3, 4], {"c": 5}, "x", 18446744073709551615], "a": {}, "d": [], "e": true})", "source");
  ASSERT_TRUE(document) << document.error().message();
  std::string keys, values;
  for (const auto& [key, value] : document->root().fields()) keys += std::string(key) + "=" + value.minified() + " ";
  EXPECT_EQ(keys, "b=[1,-2,[3,4],{\"c\":5},\"x\",18446744073709551615] a={} d=[] e=true ");
  const Json list = document->root()["b"];
  for (const Json item : list.items()) values += item.minified() + " ";
  EXPECT_EQ(values, "1 -2 [3,4] {\"c\":5} \"x\" 18446744073709551615 ");
  EXPECT_EQ(list.size(), 6u);
  EXPECT_EQ(list.at(2)->at(1)->integer(), 4);
  EXPECT_FALSE(list.at(6));
  EXPECT_FALSE(list.at(0)->at(0));
  EXPECT_EQ(list.at(5)->integer(), std::nullopt);
  EXPECT_EQ(list.at(5)->unsigned_integer(), UINT64_MAX);
  EXPECT_EQ(list.at(1)->unsigned_integer(), std::nullopt);
  EXPECT_EQ(list.at(1)->number(), -2);
  EXPECT_TRUE(list.fields().begin() == list.fields().end());
  EXPECT_TRUE(document->root().items().begin() == document->root().items().end());
}

// A value of no document, as a lookup that found nothing gives it.
TEST(Json, OfNothingIsNull) {
  const Json nothing;
  EXPECT_EQ(nothing.type(), Json::Type::null);
  EXPECT_EQ(nothing.size(), 0u);
  EXPECT_EQ(nothing.minified(), "null");
  EXPECT_EQ(nothing.shown(), "null");
  EXPECT_FALSE(nothing.boolean() || nothing.integer() || nothing.number() || nothing.string() || nothing.literal());
  EXPECT_FALSE(nothing.at(0) || nothing.find("a") || nothing.has("a"));
  for (const Json item : nothing.items()) ADD_FAILURE() << item.shown();
  for (const auto& [key, value] : nothing.fields()) ADD_FAILURE() << key;
  EXPECT_TRUE(JsonDocument().root().is_null());
}

// A document may be moved and copied: what looks into it goes on doing so.
TEST(Json, StaysWhereItIsWhenItsDocumentMoves) {
  auto parsed = JsonDocument::parse(R"({"a": "long enough to lie outside of a std::string"})", "source");
  ASSERT_TRUE(parsed);
  const Json root = parsed->root();
  const JsonDocument kept = *std::move(parsed), copy = kept;
  EXPECT_EQ(root.string("a"), "long enough to lie outside of a std::string");
  EXPECT_EQ(copy.root(), root);
}

TEST(Files, AppearWholeOrNotAtAll) {
  testing::TemporaryFolder folder;
  const std::string path = folder / "file";
  ASSERT_TRUE(write_file(path, "first"));
  ASSERT_TRUE(write_file(path, "second"));
  EXPECT_EQ(*read_file(path), "second");
  EXPECT_FALSE(write_file(folder / "none/file", "x"));
  ASSERT_TRUE(std::filesystem::create_directory(folder / "taken"));
  EXPECT_FALSE(write_file(folder / "taken", "x"));  // a folder is in the way
  size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++entries;
  EXPECT_EQ(entries, 2u) << "a temporary file was left behind";
}

// Has a system call fail where its argument `number` has all of `bits`.
void refuse(int call, unsigned number, unsigned bits, int error) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offsetof(seccomp_data, args) + 8 * number)),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, bits, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(filter), filter};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    ::_exit(77);
}

// A file system that has no files without a name (a network's), and one where they cannot be given one.
TEST(Files, AppearWholeWhereNoneCanBeWithoutAName) {
  for (const auto& [call, number, bits, error] : {std::tuple{SYS_openat, 2u, unsigned{O_TMPFILE}, EOPNOTSUPP},
                                                  {SYS_linkat, 4u, unsigned{AT_SYMLINK_FOLLOW}, ENOENT}}) {
    testing::TemporaryFolder folder;
    const std::string path = folder / "file";
    const pid_t child = ::fork();
    if (child == 0) {
      refuse(static_cast<int>(call), number, bits, error);
      const bool good = make_writable_folder(folder.path()) && write_file(path, "first") &&
                        write_file(path, "second") && write_new_file(path, "third") == false &&
                        write_new_file(folder / "new", "new") == true && !write_file(folder / "none/file", "x") &&
                        read_file(path) == "second" && read_file(folder / "new") == "new";
      ::_exit(good ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "no system calls can be refused here";
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2) << "nothing is left behind";
  }
}

TEST(Files, ReadingIsBounded) {
  testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "file", std::string(1000, 'x')));
  EXPECT_TRUE(read_file(folder / "file", 1000));
  EXPECT_EQ(read_file(folder / "file", 999).error().message(),
            (folder / "file") + ": file too large: expected at most 999 bytes");
}

TEST(Files, ANewFileReplacesNone) {
  testing::TemporaryFolder folder;
  const std::string path = folder / "file";
  EXPECT_EQ(write_new_file(path, "one"), true);
  EXPECT_EQ(write_new_file(path, "two"), false);
  EXPECT_EQ(*read_file(path), "one");
  std::filesystem::create_symlink("nowhere", folder / "link");
  EXPECT_EQ(write_new_file(folder / "link", "two"), false) << "a dangling link is somebody's too";
  EXPECT_FALSE(write_new_file(folder / "no/file", "one"));
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] { made += write_new_file(folder / "race", "x").value_or(false); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 3) << "nothing is left behind";
}

TEST(Files, FoldersAreMadeAndProbed) {
  testing::TemporaryFolder folder;
  EXPECT_TRUE(make_writable_folder(folder / "a/b c/d"));
  EXPECT_TRUE(std::filesystem::is_directory(folder / "a/b c/d"));
  ASSERT_TRUE(write_file(folder / "file", ""));
  EXPECT_FALSE(make_writable_folder(folder / "file"));
  EXPECT_FALSE(make_writable_folder(folder / "file/below"));
  EXPECT_FALSE(make_writable_folder("/proc/lstar"));
}

TEST(Errors, AreOneLine) {
  EXPECT_EQ((Error{.what = "shape", .file = "f", .at = "tensor t", .expected = "[1]", .found = "[2]"}).message(),
            "f: tensor t: shape: expected [1], found [2]");
  EXPECT_EQ(Error{.what = "what"}.message(), "what");
  EXPECT_EQ((Error{.what = "what", .found = "x"}).message(), "what: found x");
  EXPECT_EQ((Error{.what = "a\nb\tc\x1b[31m"}).message(), "a b c [31m");
  EXPECT_EQ((Error{.what = "a\xc2\x9b"
                           "2Jb\xe2\x80\xa8"
                           "c\xc3\xa9\x7f"})
                .message(),
            "a 2Jb c\xc3\xa9 ");
  EXPECT_EQ((Error{.what = "w"}).in("f").in("g").message(), "f: w");
  // What a file says is shown from its start, never cut inside a character.
  const std::string name = std::string(399, 'x') + "\xc3\xa9" + std::string(100000, 'y');
  EXPECT_EQ((Error{.what = "w", .at = name, .found = name}).message(),
            std::string(399, 'x') + "...: w: found " + std::string(399, 'x') + "...");
}

TEST(WalkFolder, NamesFoldersAndLinks) {
  const testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "file", "a"));
  std::filesystem::create_directory(folder / "inner");
  std::filesystem::create_symlink("inner", folder / "link");
  std::filesystem::create_symlink("nothing", folder / "dead");
  std::map<std::string, bool> found;
  const auto take = [&](const FolderEntry& entry) { return found.emplace(entry.name, entry.is_folder).second; };
  EXPECT_EQ(walk_folder(folder.path(), take), 0);
  EXPECT_EQ(found, (std::map<std::string, bool>{{"file", false}, {"inner", true}, {"link", true}, {"dead", false}}));
  int asked = 0;
  EXPECT_EQ(walk_folder(folder.path(), [&](const FolderEntry&) { return ++asked < 2; }), 0);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(walk_folder(folder / "nowhere", take), ENOENT);
  EXPECT_EQ(walk_folder(folder / "file", take), ENOTDIR);
}

}  // namespace
}  // namespace lstar
