// A model's name on the hub: "org/name" or "name", with an optional "@revision" (branch, tag or commit). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lstar/base/result.h"

namespace lstar {

struct HubModel {
  std::string repo;               // "EleutherAI/pythia-160m", "gpt2"
  std::string revision = "main";  // "step103000", "refs/pr/1", 40 hexadecimal digits

  std::string text() const { return revision == "main" ? repo : repo + "@" + revision; }
};

// Refuses what the hub would refuse, and whatever could leave the cache's folders.
Result<HubModel> parse_hub_model(std::string_view text);

// 40 lower-case hexadecimal digits.
bool is_commit(std::string_view revision);

// A file's name in a repository as we use it: one or more plain parts between slashes.
bool is_repo_file_name(std::string_view name);

// A repository's folder in the hub's cache, "models--org--name", and back from it; absent for another name.
std::string cache_folder_of(const std::string& repo);
std::optional<std::string> repo_of_cache_folder(std::string_view folder);

// The commit of a path that ends in models--org--name/snapshots/<commit>.
std::optional<std::string> commit_of_snapshot(const std::string& path);

}  // namespace lstar
