// The environment and the names of models: huggingface_hub's rules, written out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "lstar/base/atomic_file.h"
#include "lstar/checkpoint/hub_model.h"
#include "lstar/hub/environment.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

HubEnvironment read(std::map<std::string, std::string> variables) {
  variables.try_emplace("HOME", "/home/me");
  return read_hub_environment([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(HubEnvironment, WhereTheCacheLies) {
  EXPECT_EQ(read({}).cache, "/home/me/.cache/huggingface/hub");
  EXPECT_EQ(read({{"XDG_CACHE_HOME", "/xdg"}}).cache, "/xdg/huggingface/hub");
  EXPECT_EQ(read({{"XDG_CACHE_HOME", "/xdg"}, {"HF_HOME", "/hf"}}).cache, "/hf/hub");
  EXPECT_EQ(read({{"HF_HOME", "/hf"}, {"HUGGINGFACE_HUB_CACHE", "/old"}}).cache, "/old");
  EXPECT_EQ(read({{"HUGGINGFACE_HUB_CACHE", "/old"}, {"HF_HUB_CACHE", "/new/"}}).cache, "/new");
  EXPECT_EQ(read({{"HF_HUB_CACHE", ""}, {"HF_HOME", "/hf"}}).cache, "/hf/hub");
  EXPECT_EQ(read({{"HF_HOME", "~/hf"}}).cache, "/home/me/hf/hub");
  EXPECT_EQ(read({{"HF_HUB_CACHE", "$SCRATCH/a/${USER}/$NOBODY"}, {"SCRATCH", "/s"}, {"USER", "u"}}).cache,
            "/s/a/u/$NOBODY");
  EXPECT_EQ(read({{"HF_HUB_CACHE", "/a$"}}).cache, "/a$");
  EXPECT_EQ(read({{"HF_HUB_CACHE", "/a${B"}, {"B", "b"}}).cache, "/a${B");
}

TEST(HubEnvironment, OfflineIsTrueForFourWords) {
  for (const char* word : {"1", "on", "Yes", "TRUE"}) {
    EXPECT_TRUE(read({{"HF_HUB_OFFLINE", word}}).offline) << word;
    EXPECT_TRUE(read({{"TRANSFORMERS_OFFLINE", word}}).offline) << word;
    EXPECT_FALSE(read({{"HF_HUB_DISABLE_PROGRESS_BARS", word}}).show_progress) << word;
  }
  for (const char* word : {"0", "off", "no", "false", "2", "y", "enabled", " 1", ""})
    EXPECT_FALSE(read({{"HF_HUB_OFFLINE", word}}).offline) << word;
  EXPECT_FALSE(read({{"HF_HUB_OFFLINE", "0"}, {"TRANSFORMERS_OFFLINE", "1"}}).offline) << "the first that is set";
  EXPECT_TRUE(read({{"HF_HUB_OFFLINE", ""}, {"TRANSFORMERS_OFFLINE", "1"}}).offline);
  EXPECT_TRUE(read({}).show_progress);
}

TEST(HubEnvironment, Endpoint) {
  EXPECT_EQ(read({}).endpoint, "https://huggingface.co");
  EXPECT_EQ(read({{"HF_ENDPOINT", "https://mirror.example//"}}).endpoint, "https://mirror.example");
}

TEST(HubEnvironment, Token) {
  const testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "token", " \n\tfrom-file \r\n"));
  ASSERT_TRUE(write_file(folder / "empty", "\n"));
  const std::pair<const std::string, std::string> home{"HF_HOME", folder.path()};
  EXPECT_EQ(read({}).token, "");
  EXPECT_EQ(read({home}).token, "from-file");
  EXPECT_EQ(read({home, {"HUGGING_FACE_HUB_TOKEN", "old"}}).token, "old");
  EXPECT_EQ(read({home, {"HUGGING_FACE_HUB_TOKEN", "old"}, {"HF_TOKEN", " new\n"}}).token, "new");
  EXPECT_EQ(read({home, {"HF_TOKEN", " \n"}}).token, "from-file") << "white space alone is no token";
  EXPECT_EQ(read({home, {"HF_TOKEN_PATH", folder / "empty"}}).token, "");
  EXPECT_EQ(read({home, {"HF_TOKEN_PATH", folder / "nowhere"}}).token, "");
  EXPECT_EQ(read({home, {"HF_TOKEN_PATH", folder.path()}}).token, "") << "a folder";
  EXPECT_EQ(read({home, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"}, {"HF_TOKEN", "new"}}).token, "");
}

TEST(HubEnvironment, OllamasStores) {
  using ::testing::ElementsAre;
  EXPECT_THAT(
      read({{"HOME", "/home/me"}}).ollama_stores,
      ElementsAre("/home/me/.ollama/models", "/usr/share/ollama/.ollama/models", "/var/snap/ollama/common/models"));
  EXPECT_EQ(read({{"HOME", "/home/me"}, {"OLLAMA_MODELS", "~/models"}}).ollama_stores.front(), "/home/me/models");
  EXPECT_TRUE(read({{"HOME", "/home/me"}}).has_home);
}

TEST(HubModel, WhatIsOne) {
  for (const char* text : {"gpt2", "EleutherAI/pythia-160m", "a/b.c_d-e", "01-ai/Yi_6B", "a"}) {
    const auto model = parse_hub_model(text);
    ASSERT_TRUE(model) << text;
    EXPECT_EQ(model->repo, text);
    EXPECT_EQ(model->revision, "main");
  }
  const auto branch = parse_hub_model("EleutherAI/pythia-160m@step103000");
  ASSERT_TRUE(branch);
  EXPECT_EQ(branch->repo, "EleutherAI/pythia-160m");
  EXPECT_EQ(branch->revision, "step103000");
  EXPECT_EQ(branch->text(), "EleutherAI/pythia-160m@step103000");
  EXPECT_EQ(parse_hub_model("a/b@refs/pr/1")->revision, "refs/pr/1");
}

TEST(HubModel, WhatIsNone) {
  for (const char* text :
       {"",           "/",     "a/",       "/a",    "a/b/c",    "..",     "a/..",     "../a",      "a..b",
        "a--b/c",     "-a",    "a-",       ".a",    "a.git",    "a b",    "a\nb",     "a/b:c",     "a\\b",
        "http://a/b", "a@",    "a@..",     "a@/b",  "a@b/",     "a@b//c", "a@b/../c", "a@.hidden", "a@-x",
        "a@b?c",      "a@b c", "a@b.lock", "a@b@c", "\xc3\xa9", "a%2fb"})
    EXPECT_FALSE(parse_hub_model(text)) << text;
  EXPECT_FALSE(parse_hub_model(std::string(97, 'a')));
  EXPECT_FALSE(parse_hub_model("a@" + std::string(300, 'b')));
  EXPECT_FALSE(parse_hub_model(std::string("a\0b", 3)));
}

TEST(HubModel, CommitOfASnapshot) {
  const std::string commit(40, 'a');
  EXPECT_EQ(commit_of_snapshot("/x/models--o--n/snapshots/" + commit), commit);
  EXPECT_EQ(commit_of_snapshot("models--n/snapshots/" + commit + "/"), commit);
  EXPECT_EQ(commit_of_snapshot("/x/models--o--n/blobs/" + commit), std::nullopt);
  EXPECT_EQ(commit_of_snapshot("/x/o--n/snapshots/" + commit), std::nullopt);
  EXPECT_EQ(commit_of_snapshot("/x/models--o--n/snapshots/main"), std::nullopt);
  EXPECT_EQ(commit_of_snapshot("/"), std::nullopt);
  EXPECT_EQ(commit_of_snapshot(""), std::nullopt);
}

}  // namespace
}  // namespace lstar
