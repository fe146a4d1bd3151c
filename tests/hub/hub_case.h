// What the tests of the hub share: a server with a model, an empty cache, and calls with short pauses.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "lstar/base/atomic_file.h"
#include "lstar/hub/locate_model.h"
#include "tests/support/hub_server.h"
#include "tests/support/temporary_folder.h"

namespace lstar::testing {

namespace fs = std::filesystem;

// Bytes without a pattern, the same each time.
inline std::string noise(size_t count, uint32_t seed = 1) {
  std::string bytes(count, '\0');
  for (char& byte : bytes) {
    seed = seed * 1664525u + 1013904223u;
    byte = static_cast<char>(seed >> 24);
  }
  return bytes;
}

inline void put(const std::string& path, const std::string& content) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

inline std::string content_of(const std::string& path) { return read_file(path).value_or("cannot be read"); }

// Everything under a folder: a link's target behind "-> ", a file's size, "/" for an empty folder.
inline std::map<std::string, std::string> listing(const std::string& folder) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(fs::path(entry.path()).parent_path(), folder) / entry.path().filename();
    const std::string plain = name.starts_with("./") ? name.substr(2) : name;
    if (entry.is_symlink())
      found[plain] = "-> " + fs::read_symlink(entry.path()).string();
    else if (entry.is_regular_file())
      found[plain] = fmt::format("{}", entry.file_size());
    else if (fs::is_empty(entry.path()))
      found[plain] = "/";
  }
  return found;
}

class HubTest : public ::testing::Test {
 protected:
  HubTest() {
    ::setenv("no_proxy", "*", 1);  // the server is on this machine
    options.hub.cache = folder / "hub";
    options.hub.endpoint = server.endpoint();
    options.retries = {.attempts = 4, .first = std::chrono::milliseconds(1), .longest = std::chrono::milliseconds(300)};
    options.begin = [this](const DownloadPlan& plan) { plans.push_back(plan); };
    options.remark = [this](const std::string& line) { remarks.push_back(line); };
  }

  void add_model(const std::string& repo, const std::string& commit = kCommit) {
    server.add(repo, "config.json", "{\"model_type\": \"gpt2\"}\n", false, commit);
    server.add(repo, "tokenizer.json", "{}", false, commit);
    server.add(repo, "tokenizer_config.json", "{ }", false, commit);
    server.add(repo, "README.md", "read me", false, commit);
    server.add(repo, "model.safetensors", weights, true, commit);
  }

  Result<std::string> locate(const std::string& model) { return locate_model(model, options); }
  std::string error_of(const std::string& model) {
    const auto located = locate(model);
    return located ? "no error: " + *located : located.error().message();
  }

  std::string cache_of(const std::string& name) const { return options.hub.cache + "/" + name; }
  std::string snapshot(const std::string& name, const std::string& commit = kCommit) const {
    return cache_of(name) + "/snapshots/" + commit;
  }

  // GETs of large files' bytes.
  std::vector<HubServer::Request> transfers() const {
    std::vector<HubServer::Request> found;
    for (const auto& request : server.requests())
      if (request.at_storage && request.method == "GET") found.push_back(request);
    return found;
  }

  HubServer server;
  TemporaryFolder folder;
  LocateOptions options;
  std::vector<DownloadPlan> plans;
  std::vector<std::string> remarks;
  const std::string weights = noise(300'000);
};

}  // namespace lstar::testing
