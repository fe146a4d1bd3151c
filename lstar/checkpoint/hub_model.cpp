#include "lstar/checkpoint/hub_model.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

namespace lstar {
namespace {

constexpr size_t kLongestPart = 96;       // the hub's own limit
constexpr size_t kLongestRevision = 250;  // one name in a file system

constexpr std::string_view kCacheFolder = "models--";

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_word(char c) { return is_letter_or_digit(c) || c == '_'; }

// Letters, digits, '-', '_' and '.'; '-' and '.' not at the ends, "--" and ".." nowhere.
bool is_repo_part(std::string_view part) {
  if (part.empty() || part.size() > kLongestPart || !is_word(part.front()) || !is_word(part.back())) return false;
  return std::all_of(part.begin(), part.end(), [](char c) { return is_word(c) || c == '-' || c == '.'; }) &&
         part.find("--") == std::string_view::npos && part.find("..") == std::string_view::npos;
}

bool is_repo(std::string_view repo) {
  if (repo.ends_with(".git")) return false;
  const size_t slash = repo.find('/');
  if (slash == std::string_view::npos) return is_repo_part(repo);
  return is_repo_part(repo.substr(0, slash)) && is_repo_part(repo.substr(slash + 1));
}

bool is_plain_part(std::string_view part, std::string_view also) {
  if (part.empty() || part.front() == '.' || part.front() == '-' || part.find("..") != std::string_view::npos)
    return false;
  return std::all_of(part.begin(), part.end(),
                     [&](char c) { return is_word(c) || c == '-' || c == '.' || also.find(c) != also.npos; });
}

bool all_parts(std::string_view text, std::string_view also) {
  if (text.size() > kLongestRevision) return false;
  while (true) {
    const size_t slash = text.find('/');
    if (!is_plain_part(text.substr(0, slash), also)) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

}  // namespace

Result<HubModel> parse_hub_model(std::string_view text) {
  const size_t at = text.find('@');
  HubModel model{.repo = std::string(text.substr(0, at))};
  if (at != std::string_view::npos) model.revision = text.substr(at + 1);
  if (!is_repo(model.repo))
    return fail({.kind = ErrorKind::argument,
                 .what = "not a hub id",
                 .expected = "org/name or name, of letters, digits, '-', '_' and '.'",
                 .found = std::string(text)});
  if (!all_parts(model.revision, "+=") || model.revision.ends_with(".lock"))
    return fail({.kind = ErrorKind::argument,
                 .what = "not a revision",
                 .expected = "a branch, a tag or a commit behind the '@'",
                 .found = std::string(text)});
  return model;
}

bool is_commit(std::string_view revision) {
  return revision.size() == 40 && std::all_of(revision.begin(), revision.end(),
                                              [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_repo_file_name(std::string_view name) { return all_parts(name, "+= @,()"); }

std::string cache_folder_of(const std::string& repo) {
  const size_t slash = repo.find('/');
  if (slash == repo.npos) return fmt::format("{}{}", kCacheFolder, repo);
  return fmt::format("{}{}--{}", kCacheFolder, repo.substr(0, slash), repo.substr(slash + 1));
}

std::optional<std::string> repo_of_cache_folder(std::string_view folder) {
  if (!folder.starts_with(kCacheFolder)) return std::nullopt;
  const std::string_view name = folder.substr(kCacheFolder.size());
  if (name.empty()) return std::nullopt;
  const size_t dashes = name.find("--");
  if (dashes == name.npos) return std::string(name);
  return fmt::format("{}/{}", name.substr(0, dashes), name.substr(dashes + 2));
}

std::optional<std::string> commit_of_snapshot(const std::string& path) {
  std::filesystem::path folder = std::filesystem::path(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  const std::string commit = folder.filename();
  const std::filesystem::path snapshots = folder.parent_path();
  const std::string repo = snapshots.parent_path().filename();
  if (!is_commit(commit) || snapshots.filename() != "snapshots" || !repo.starts_with(kCacheFolder)) return std::nullopt;
  return commit;
}

}  // namespace lstar
