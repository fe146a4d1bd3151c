// Which bytes a checkpoint is: hashes by coreutils' sha256sum, and what is remembered of them.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/base/atomic_file.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/checkpoint_identity.h"
#include "lstar/checkpoint/mapped_file.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using namespace lstar::testing;  // NOLINT(google-build-using-namespace)

const std::string kData = LSTAR_SOURCE_DIR "/tests/data";

TEST(Identity, NamesSizesAndHashes) {
  const TemporaryFolder folder;
  write_bytes(folder / "config.json", "{}");
  // A file of 12 bytes: an empty header of 4, no tensors. sha256 by coreutils' sha256sum.
  write_bytes(folder / "model.safetensors", safetensors_bytes("{}  ", ""));
  const auto checkpoint = open_checkpoint(folder.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  const auto identity = identify(**checkpoint);
  ASSERT_TRUE(identity);
  EXPECT_EQ(*identity,
            (std::vector<FileIdentity>{
                {"model.safetensors", 12, "10e829cd879b8e64dc203c1957938f525b5ef7a27f382651af793dd4a4bddc05"}}));
}

// As the caches of Hugging Face and Ollama name their blobs. The hashes are sha256sum's.
TEST(Identity, ADamagedBlobIsNotItsName) {
  const std::string right = "10e829cd879b8e64dc203c1957938f525b5ef7a27f382651af793dd4a4bddc05", wrong(64, 'a');
  const std::string bytes = safetensors_bytes("{}  ", "");
  struct Case {
    std::string blob;
    bool holds;
  };
  for (const Case& c : {Case{"blobs/" + right, true}, Case{"blobs/sha256-" + right, true},
                        Case{"blobs/" + wrong, false}, Case{"blobs/sha256-" + wrong, false},
                        Case{"blobs/" + std::string(40, 'a'), true}, Case{"others/" + wrong, true}}) {
    const TemporaryFolder folder;
    std::filesystem::create_directories(folder / "snapshot");
    write_bytes(folder / "snapshot/config.json", "{}");
    std::filesystem::create_directories(std::filesystem::path(folder / c.blob).parent_path());
    write_bytes(folder / c.blob, bytes);
    std::filesystem::create_symlink("../" + c.blob, folder / "snapshot/model.safetensors");
    const auto checkpoint = open_checkpoint(folder / "snapshot");
    ASSERT_TRUE(checkpoint) << checkpoint.error().message();
    const auto identity = identify(**checkpoint);
    EXPECT_EQ(identity.has_value(), c.holds) << c.blob;
    if (identity) continue;
    EXPECT_EQ(identity.error().found, right);
    EXPECT_THAT(identity.error().message(), ::testing::HasSubstr("is damaged"));
  }
}

TEST(Identity, OfEveryShard) {
  const auto checkpoint = open_checkpoint(kData + "/checkpoints/llama-sharded");
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  const auto identity = identify(**checkpoint);
  ASSERT_TRUE(identity);
  ASSERT_EQ(identity->size(), 3u);
  EXPECT_EQ((*identity)[1].file, "model-00002-of-00003.safetensors");
  for (const FileIdentity& file : *identity) {
    EXPECT_EQ(file.bytes, std::filesystem::file_size(kData + "/checkpoints/llama-sharded/" + file.file));
    EXPECT_EQ(file.sha256.size(), 64u);
  }
  EXPECT_NE((*identity)[0].sha256, (*identity)[1].sha256);
}

// What is remembered counts for the same bytes alone: each change of the file is found by its times, its size or its
// inode.
TEST(Identity, IsRememberedUntilTheFileChanges) {
  const TemporaryFolder folder;
  const std::string memory = folder / "cache/sha256", path = folder / "model.safetensors";
  const auto hash_now = [&] {
    const auto checkpoint = open_checkpoint(folder.path());
    return identify(**checkpoint, memory)->front().sha256;
  };
  const auto age = [&](int seconds) {  // the times of its content; those of its inode are the system's
    std::filesystem::last_write_time(path,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::seconds(seconds));
  };
  write_bytes(folder / "config.json", "{}");
  write_bytes(path, safetensors_bytes("{}  ", ""));
  age(3600);
  const std::string first = hash_now();
  EXPECT_FALSE(std::filesystem::exists(memory)) << "changed a moment ago: a second change could look the same";

  // As if the hash had been found long after the last change: an entry with today's stamp and somebody's hash.
  const auto stamp = MappedFile::open(path)->stamp();
  const std::string entry = fmt::format("{}/{:x}-{:x}", memory, stamp.device, stamp.inode);
  const std::string known(64, 'a');
  const auto remember = [&](const FileStamp& s, const std::string& hash) {
    std::filesystem::create_directories(memory);
    write_bytes(entry, fmt::format("{} {} {} {}\n", s.size, s.modified, s.changed, hash));
  };
  remember(stamp, known);
  EXPECT_EQ(hash_now(), known) << "not hashed again";
  age(1800);
  EXPECT_EQ(hash_now(), first) << "another time of change";
  FileStamp other = MappedFile::open(path)->stamp();
  other.changed -= 1;
  remember(other, known);
  EXPECT_EQ(hash_now(), first) << "another time of the inode's change";
  for (const std::string& broken : {std::string("short"), std::string(64, 'G'), std::string()}) {
    remember(MappedFile::open(path)->stamp(), broken);
    EXPECT_EQ(hash_now(), first) << "no hash: " << broken;
  }
}

TEST(Identity, IsRememberedForFilesThatAreSettled) {
  const TemporaryFolder folder;
  const auto checkpoint = open_checkpoint(kData + "/checkpoints/llama-sharded");
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  const auto first = identify(**checkpoint, folder / "new/folder");
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, *identify(**checkpoint));
  int entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "new/folder")) {
    std::string line = *read_file(entry.path());
    line[line.size() - 2] = line[line.size() - 2] == '0' ? '1' : '0';  // the last digit: it shows who is asked
    write_bytes(entry.path(), line);
    ++entries;
  }
  EXPECT_EQ(entries, 3);
  EXPECT_NE((*identify(**checkpoint, folder / "new/folder"))[0].sha256, (*first)[0].sha256);
  // A memory that cannot be written is no error.
  write_bytes(folder / "file", "");
  EXPECT_EQ(*identify(**checkpoint, folder / "file"), *first);
}

TEST(Identity, AFileThatChangesIsFoundOut) {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors", bytes = safetensors_bytes("{}  ", "");
  write_bytes(folder / "config.json", "{}");
  write_bytes(path, bytes);
  const auto changes = [&](const auto& change) {
    const auto checkpoint = open_checkpoint(folder.path());
    EXPECT_TRUE(checkpoint);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the clock of files has moved on
    change();
    const auto found = check_unchanged(**checkpoint);
    return found ? "unchanged" : found.error().message();
  };
  const std::string changed = path + ": changed while it was read; run again when nobody writes to it";
  const auto overwrite = [&] { std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << bytes; };
  EXPECT_EQ(changes([] {}), "unchanged");
  EXPECT_EQ(changes(overwrite), changed) << "in place, with the same bytes";
  EXPECT_EQ(changes([&] {
              const auto before = std::filesystem::last_write_time(path);
              overwrite();
              std::filesystem::last_write_time(path, before);
            }),
            changed)
      << "with its time put back";
  EXPECT_EQ(changes([&] { std::filesystem::resize_file(path, bytes.size() + 1); }), changed);
  write_bytes(path, bytes);
  EXPECT_EQ(changes([&] {
              std::filesystem::copy_file(path, folder / "other");
              std::filesystem::rename(folder / "other", path);
            }),
            changed)
      << "the old file lost its name, which says that something happens here";
}

// The only way to see the handler at work is to die of what it handles.
TEST(ShortenedFiles, EndTheProgramWithALine) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const TemporaryFolder folder;
  const std::string path = folder / "weights \x1b[31m";
  const auto touch_what_is_gone = [&](bool watched) {
    if (watched) end_at_shortened_files("prog", 3);
    write_bytes(path, std::string(1 << 20, 'x'));
    const auto file = MappedFile::open(path);
    const auto moved = std::make_optional(MappedFile::open(path));
    std::filesystem::resize_file(path, 10);
    volatile auto byte = file->bytes()[1 << 19];
    (void)byte;
  };
  EXPECT_EXIT(touch_what_is_gone(true), ::testing::ExitedWithCode(3),
              "^prog: .*/weights \\?\\[31m: shortened while it was read\n$");
}

}  // namespace
}  // namespace lstar
