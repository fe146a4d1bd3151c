#include "lstar/checkpoint/checkpoint_identity.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>

#include "lstar/base/atomic_file.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/digest.h"
#include "lstar/checkpoint/mapped_file.h"

namespace lstar {
namespace {

constexpr uint64_t kPiece = uint64_t{8} << 20;  // hashed, then given back

Result<std::string> sha256(const MappedFile& file, HashWatch* watch) {
  Digest digest = Digest::sha256();
  for (uint64_t begin = 0; begin < file.size(); begin += kPiece) {
    if (watch && watch->stop)
      return fail({.kind = ErrorKind::cancelled, .what = "hashing was given up", .file = file.path()});
    const auto piece = file.bytes().subspan(begin, std::min(kPiece, file.size() - begin));
    digest.update(piece);
    file.drop(begin, piece.size());
    if (watch) watch->done += piece.size();
  }
  std::string text = digest.finish();
  if (text.empty())
    return fail({.kind = ErrorKind::unreachable, .what = "SHA-256 is not available from OpenSSL", .file = file.path()});
  return text;
}

// In the caches of Hugging Face and Ollama a weight file is named after its hash: blobs/<sha256>,
// blobs/sha256-<sha256>. A digest of another kind (git's, of 40 digits) and every other file promise nothing.
Result<void> keeps_its_name(const MappedFile& file, const std::string& hash) {
  std::error_code error;
  const std::filesystem::path blob = std::filesystem::canonical(file.path(), error);
  if (error || blob.parent_path().filename() != "blobs") return {};
  std::string name = blob.filename();
  if (name.starts_with("sha256-")) name.erase(0, 7);
  if (name == hash || name.size() != hash.size() || !is_content_hash(name)) return {};
  return fail({.what = "is damaged, the cache names it after another sha256; remove it and fetch the model again",
               .file = blob,
               .expected = name,
               .found = hash});
}

// One small file for each file that was hashed: its stamp and its hash, on one line.
class Memory {
 public:
  Memory(const std::string& folder, const FileStamp& stamp)
      : path_(fmt::format("{}/{:x}-{:x}", folder, stamp.device, stamp.inode)),
        key_(fmt::format("{} {} {} ", stamp.size, stamp.modified, stamp.changed)),
        last_change_(std::max(stamp.modified, stamp.changed)),
        is_usable_(!folder.empty() && stamp != FileStamp{}) {}

  std::optional<std::string> recall() const {
    if (!is_usable_) return {};
    const auto line = read_file(path_, 256);
    if (!line || !line->starts_with(key_)) return {};
    const std::string hash = line->substr(key_.size(), 64);
    const bool whole = hash.size() == 64 && hash.find_first_not_of("0123456789abcdef") == std::string::npos;
    return whole ? std::optional(hash) : std::nullopt;
  }

  // A second change may bear the same times as the first while the clock has not moved on.
  void keep(const std::string& hash) const {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const int64_t age = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() - last_change_;
    if (!is_usable_ || age < kSettled) return;
    if (make_writable_folder(path_.substr(0, path_.find_last_of('/')))) (void)write_file(path_, key_ + hash + "\n");
  }

 private:
  static constexpr int64_t kSettled = 3'000'000'000;

  std::string path_, key_;
  int64_t last_change_;
  bool is_usable_;
};

}  // namespace

Result<std::vector<FileIdentity>> identify(const Checkpoint& checkpoint, const std::string& memory, HashWatch* watch) {
  std::vector<FileIdentity> identities;
  for (const MappedFile* file : checkpoint.files()) {
    const Memory remembered(memory, file->stamp());
    std::optional<std::string> hash = remembered.recall();
    if (!hash) {
      LSTAR_ASSIGN(hash, sha256(*file, watch));
      LSTAR_TRY(file->unchanged());
      remembered.keep(*hash);
    }
    LSTAR_TRY(keeps_its_name(*file, *hash));
    identities.push_back({file->file_name(), file->size(), *std::move(hash)});
  }
  return identities;
}

Result<void> check_unchanged(const Checkpoint& checkpoint) {
  for (const MappedFile* file : checkpoint.files()) LSTAR_TRY(file->unchanged());
  return {};
}

}  // namespace lstar
