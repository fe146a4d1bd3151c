#include "lstar/hub/repository.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "lstar/base/text.h"
#include "lstar/checkpoint/folder_listing.h"
#include "lstar/checkpoint/handed_over.h"
#include "lstar/checkpoint/shard_name.h"
#include "lstar/hub/model_text.h"

namespace lstar {
namespace {

constexpr size_t kShown = 6;

std::string base_name(const std::string& file) { return file.substr(file.rfind('/') + 1); }

// The first few; names that could not be written by a repository of good will are left out.
std::string shown(const std::vector<std::string>& names) {
  std::string out;
  size_t count = 0;
  for (const std::string& name : names)
    if (is_repo_file_name(name) && count++ < kShown) out += (out.empty() ? "" : ", ") + name;
  return count > kShown ? out + fmt::format(", ... ({} in all)", count) : out;
}

std::string with(const std::string& sentence, const std::string& advice) {
  return advice.empty() ? sentence : sentence + "; " + advice;
}

// GGUF files that hold a language model, as far as the names say.
std::vector<std::string> ggufs_of(const std::vector<std::string>& files) {
  std::vector<std::string> found;
  for (const std::string& file : files) {
    const std::string name = lower_ascii(base_name(file));
    if (name.ends_with(".gguf") && name.find("mmproj") == name.npos && name.find("imatrix") == name.npos)
      found.push_back(file);
  }
  return found;
}

std::string gguf_advice(const HubModel& model, const std::vector<std::string>& ggufs) {
  const auto whole =
      std::find_if(ggufs.begin(), ggufs.end(), [](const std::string& file) { return !parse_gguf_part_name(file); });
  if (whole != ggufs.end()) return download_advice(model.repo, model.revision, *whole);
  const std::string& first = ggufs.front();
  const std::string before = parse_gguf_part_name(first)->before, stem = before.substr(0, before.size() - 1);
  if (!is_repo_file_name(first) || !is_repo_file_name(stem)) return {};
  return fmt::format("hf download {} --include '{}*'{} --local-dir D, then pass D/{}", model.repo, stem,
                     model.revision == "main" ? "" : " --revision " + model.revision, first);
}

// Folders that hold a configuration and weights.
std::vector<std::string> model_folders(const std::vector<std::string>& files) {
  std::set<std::string_view> with_weights;
  for (const std::string& file : files)
    if (const size_t slash = file.rfind('/');
        slash != file.npos && (file.ends_with(".safetensors") || file.ends_with(".bin")))
      with_weights.insert(std::string_view(file).substr(0, slash));
  std::vector<std::string> found;
  for (const std::string& file : files) {
    if (!file.ends_with("/config.json")) continue;
    const std::string_view folder(file.data(), file.size() - std::string_view("/config.json").size());
    if (with_weights.contains(folder)) found.emplace_back(folder);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::optional<Error> what_repository_is(const HubModel& model, const std::vector<std::string>& files) {
  const bool is_empty = std::all_of(files.begin(), files.end(), [](const std::string& file) {
    return file == ".gitattributes" || lower_ascii(file).ends_with(".md");
  });
  if (is_empty) return Error{.kind = ErrorKind::missing, .what = "an empty repository"};
  const Listing listing{.folder = {}, .names = files};
  for (const char* id : {"adapter", "diffusers"})  // GGUFs and folders of models may lie in these
    if (auto what = what_is_folder(listing, id)) return what;
  const std::vector<std::string> ggufs = ggufs_of(files);
  if (!ggufs.empty())
    return Error{.kind = ErrorKind::unsupported,
                 .what = with("a repository of GGUF files: " + shown(ggufs), gguf_advice(model, ggufs))};
  const std::vector<std::string> folders = model_folders(files);
  if (!folders.empty())
    return Error{.kind = ErrorKind::unsupported,
                 .what = with("models in its folders: " + shown(folders),
                              download_advice(model.repo, model.revision, folders.front()))};
  return what_is_folder(listing);
}

}  // namespace lstar
