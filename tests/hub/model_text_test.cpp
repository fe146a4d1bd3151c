// MODEL as people write it, and what it stands for.
#include "lstar/hub/model_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "lstar/hub/locate_model.h"
#include "tests/support/hub_server.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = ModelText::Kind;

class ModelTextTest : public ::testing::Test {
 protected:
  Result<ModelText> read(const std::string& text) const {
    return read_model_text(text, hub, [this](const char* name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
  }
  // "hub org/name", "path /a", "tagged a:b", or the error.
  std::string plain(const std::string& text) const {
    const auto model = read(text);
    if (!model) return model.error().message();
    return (model->kind == Kind::hub ? "hub " : model->kind == Kind::path ? "path " : "tagged ") + model->text;
  }
  std::string hint(const std::string& text) const {
    const auto model = read(text);
    return model ? model->hint : model.error().message();
  }

  HubEnvironment hub{.endpoint = "https://huggingface.co"};
  std::map<std::string, std::string> variables{
      {"HOME", "/home/me"}, {"DATA", "/data"}, {"WHICH", "org/name"}, {"NONE", ""}};
};

TEST_F(ModelTextTest, IdsAndPathsMeanWhatTheyMeant) {
  for (const char* id :
       {"gpt2", "bert-base-uncased", "org/name", "org/name@step1000", "org/name@refs/pr/1", "a_b/c.d-e"})
    EXPECT_EQ(plain(id), std::string("hub ") + id);
  for (const char* path : {"/no/where", "./gpt2", "../gpt2", "model.gguf", "org/model.gguf", "./a@b", "a b", ".", "/"})
    EXPECT_EQ(plain(path), std::string("path ") + path);
  EXPECT_EQ(plain("org/name/"), "hub org/name");
  EXPECT_EQ(plain("  org/name \t\n"), "hub org/name");
  EXPECT_EQ(plain("./gpt2//"), "path ./gpt2");
  EXPECT_THAT(plain(""), HasSubstr("empty"));
  EXPECT_THAT(plain(" "), HasSubstr("empty"));
  EXPECT_THAT(plain("a@b@c"), HasSubstr("not a revision"));
}

TEST_F(ModelTextTest, AddressesOfTheHub) {
  for (const char* address : {"https://huggingface.co/org/name",
                              "http://huggingface.co/org/name/",
                              "https://www.huggingface.co/org/name",
                              "HTTPS://HuggingFace.co/org/name",
                              "https://hf.co/org/name?library=transformers#usage",
                              "hf.co/org/name",
                              "huggingface.co/org/name/",
                              "hf://org/name",
                              "https://huggingface.co/org/name/tree/main",
                              "https://huggingface.co/org/name/blob/main/config.json",
                              "https://user:secret@huggingface.co/org/name.git",
                              "git@hf.co:org/name",
                              "ssh://git@hf.co/org/name.git",
                              "https://huggingface.co/api/models/org/name",
                              "https://huggingface.co/org/name/resolve/main/model.safetensors",
                              "https://huggingface.co/org/name/discussions/3",
                              "https://huggingface.co/org/name/blob/main/README.md",
                              "models--org--name",
                              "$WHICH",
                              "${WHICH}"})
    EXPECT_EQ(plain(address), "hub org/name") << address;
  EXPECT_EQ(plain("https://huggingface.co/gpt2"), "hub gpt2");
  EXPECT_EQ(plain("https://huggingface.co/gpt2/tree/main"), "hub gpt2");
  EXPECT_EQ(plain("models--gpt2"), "hub gpt2");
  for (const char* address : {"https://huggingface.co/org/name/tree/step1000", "hf://org/name@step1000",
                              "https://huggingface.co/org/name/commits/step1000", "hf.co/org/name@step1000",
                              "https://huggingface.co/org/name/resolve/step1000/config.json",
                              "https://huggingface.co/api/models/org/name/revision/step1000"})
    EXPECT_EQ(plain(address), "hub org/name@step1000") << address;
  EXPECT_EQ(plain("https://huggingface.co/org/name/tree/refs%2Fpr%2F1"), "hub org/name@refs/pr/1");
  EXPECT_EQ(plain("https://huggingface.co/org/name/tree/refs/pr/1"), "hub org/name@refs/pr/1");
  EXPECT_EQ(plain("models--org--name/snapshots/" + testing::kCommit), "hub org/name@" + testing::kCommit);
  EXPECT_TRUE(read("hf.co/org/name")->is_address) << "a folder org/name is not meant";
  EXPECT_FALSE(read("org/name/")->is_address);
}

TEST_F(ModelTextTest, TheEndpointsOwnHost) {
  hub.endpoint = "http://mirror.example:8080/hf";
  EXPECT_EQ(plain("http://mirror.example:8080/hf/org/name/tree/v2"), "hub org/name@v2");
  EXPECT_EQ(plain("https://huggingface.co/org/name"), "hub org/name") << "the hub's own addresses are still names";
  EXPECT_THAT(plain("http://mirror.example:8080/hfx/org/name"), HasSubstr("not an address of the hub"));
  EXPECT_THAT(plain("http://mirror.example/hf/org/name"), HasSubstr("not an address of the hub"));
  hub.endpoint = "http://mirror.example";
  EXPECT_EQ(plain("mirror.example/org/name"), "hub org/name");
}

TEST_F(ModelTextTest, WhatOfTheHubIsNoModel) {
  EXPECT_THAT(plain("https://huggingface.co/datasets/org/name"), HasSubstr("a data set of the hub"));
  EXPECT_THAT(plain("hf://datasets/org/name"), HasSubstr("a data set of the hub"));
  EXPECT_THAT(plain("https://huggingface.co/spaces/org/name"), HasSubstr("a space of the hub"));
  EXPECT_THAT(plain("https://huggingface.co/models?search=gpt"), HasSubstr("not the address of a model"));
  EXPECT_THAT(
      plain("https://huggingface.co/org/name/tree/main/sub"),
      HasSubstr("a hub id has two parts: hf download org/name --include 'sub/*' --local-dir D, then pass D/sub"));
  EXPECT_THAT(plain("https://huggingface.co/org/name/blob/v2/A.Q4_K_M.gguf"),
              HasSubstr("hf download org/name A.Q4_K_M.gguf --revision v2 --local-dir D, then pass D/A.Q4_K_M.gguf"));
  EXPECT_THAT(plain("https://example.org/a/b?token=secret"),
              AllOf(HasSubstr("not an address of the hub (https://huggingface.co)"), HasSubstr("HF_ENDPOINT"),
                    ::testing::Not(HasSubstr("secret"))));
  EXPECT_THAT(plain("https://huggingface.co/org/na me"), HasSubstr("not a hub id"));
  EXPECT_THAT(plain("https://huggingface.co/org/..%2F..%2Fname"), HasSubstr("not a hub id"));
}

TEST_F(ModelTextTest, PlacesOfAUser) {
  EXPECT_EQ(plain("~"), "path /home/me");
  EXPECT_EQ(plain("~/x"), "path /home/me/x");
  EXPECT_EQ(plain("$HOME/x"), "path /home/me/x");
  EXPECT_EQ(plain("${HOME}/x/"), "path /home/me/x");
  EXPECT_EQ(plain("$DATA/a/../b"), "path /data/a/../b");
  EXPECT_THAT(plain("$NOWHERE/x"), HasSubstr("$NOWHERE/x: the environment has no such variable"));
  EXPECT_THAT(plain("$NONE"), HasSubstr("empty"));
  EXPECT_EQ(plain("/a/$b"), "path /a/$b") << "a name on disk may be so";
  EXPECT_EQ(plain("file:///a%20b/c%2Bd"), "path /a b/c+d");
  EXPECT_EQ(plain("file://localhost/a"), "path /a");
  EXPECT_EQ(plain("file:/a"), "path /a");
  EXPECT_EQ(plain("FILE:///a%zz%2"), "path /a%zz%2");
  EXPECT_EQ(plain("file://~/x"), "path /home/me/x");
  EXPECT_EQ(plain("file://$HOME/x"), "path /home/me/x");
  EXPECT_EQ(plain("file:gpt2"), "path ./gpt2") << "a file, never an id";
  EXPECT_THAT(plain("file://zoo/gpt2"), HasSubstr("three slashes"));
  EXPECT_THAT(plain("file:///a%00b"), HasSubstr("names no file"));
}

TEST_F(ModelTextTest, PlacesThatAreNotOnThisDisk) {
  EXPECT_THAT(plain("C:\\Users\\me\\gpt2"), HasSubstr("on WSL it is /mnt/c/Users/me/gpt2"));
  EXPECT_THAT(plain("d:/gpt2"), HasSubstr("on WSL it is /mnt/d/gpt2"));
  EXPECT_THAT(plain("file:///C:/gpt2"), HasSubstr("on WSL it is /mnt/c/gpt2"));
  EXPECT_THAT(plain("\\\\server\\share"), HasSubstr("copy it to disk first"));
  for (const char* place : {"s3://bucket/model", "gs://b/m", "az://b/m", "abfss://b/m", "ssh://host/m", "sftp://h/m"})
    EXPECT_THAT(plain(place), AllOf(HasSubstr(place), HasSubstr("copy it to disk first")));
  EXPECT_THAT(plain("me@host:models/gpt2"), HasSubstr("on another machine: copy it to disk first"));
  EXPECT_THAT(plain("host:/models/gpt2"), HasSubstr("on another machine: copy it to disk first"));
  EXPECT_THAT(plain("s3://key:secret@bucket/m?sig=secret"), ::testing::Not(HasSubstr("secret")));
  EXPECT_EQ(hint("datasets/org/tiny"), "a data set of the hub is no model");
  EXPECT_EQ(hint("zoo\\gpt2"), "a path is written with '/': zoo/gpt2");
}

TEST_F(ModelTextTest, RevisionsAndFolders) {
  for (const char* text : {"org/name/step1000", "org/name#step1000", "org/name:step1000"})
    EXPECT_EQ(hint(text), "a revision is written org/name@step1000") << text;
  for (const char* revision : {"main", "v1.0", "refs/pr/1", "0123abc"})
    EXPECT_EQ(hint(std::string("org/name/") + revision), std::string("a revision is written org/name@") + revision);
  EXPECT_EQ(hint("gpt2#main"), "a revision is written gpt2@main");
  EXPECT_EQ(hint("gpt2:main"), "a revision is written gpt2@main");
  EXPECT_EQ(hint("org/name/sub"),
            "a hub id has two parts: hf download org/name --include 'sub/*' --local-dir D, then pass D/sub");
  EXPECT_EQ(hint("org/name/a/b"),
            "a hub id has two parts: hf download org/name --include 'a/b/*' --local-dir D, then pass D/a/b");
  EXPECT_EQ(
      hint("org/name/sub@v2"),
      "a hub id has two parts: hf download org/name --include 'sub/*' --revision v2 --local-dir D, then pass D/sub");
  EXPECT_EQ(plain("org/name@v2/sub"), "hub org/name@v2/sub") << "a branch may be named so";
  EXPECT_EQ(hint("org/name/A.gguf"),
            "a hub id has two parts: hf download org/name A.gguf --local-dir D, then pass D/A.gguf");
  EXPECT_EQ(hint("org/name/model.safetensors"), "a hub id has two parts: pass org/name");
  EXPECT_EQ(hint("org/name/$(x)'"), "a hub id has two parts: pass org/name") << "nothing of it gets into a command";
  EXPECT_EQ(hint("/old/models--org--name"), "the hub's name of this is org/name");
}

TEST_F(ModelTextTest, TagsAreOllamas) {
  for (const char* name :
       {"llama3.2:1b", "library/llama3.2:1b", "org/name:Q4_K_M", "hf.co/org/name:Q4_K_M", "localhost:5000/a/b:c"})
    EXPECT_EQ(plain(name), std::string("tagged ") + name);
  EXPECT_EQ(plain("https://ollama.com/library/llama3.2:1b"), "tagged llama3.2:1b");
  EXPECT_EQ(plain("https://ollama.com/library/llama3.2"), "tagged llama3.2:latest");
  for (const char* text : {"ollama:llama3.2", "ollama://llama3.2", "Ollama:llama3.2:latest"})
    EXPECT_EQ(plain(text), "tagged llama3.2:latest") << text;
  EXPECT_THAT(hint("org/name:Q4_K_M"), HasSubstr("hf download org/name --include '*Q4_K_M*.gguf' --local-dir D"));
  EXPECT_THAT(hint("hf.co/org/name:Q4_K_M"), HasSubstr("hf download org/name --include '*Q4_K_M*.gguf' --local-dir D"));
  EXPECT_EQ(hint("llama3.2:1b"), "");
}

TEST(OrganisationOf, IdsAddressesAndCachePaths) {
  const HubEnvironment hub{.endpoint = "https://huggingface.co"};
  const auto organisation = [&](const std::string& text) { return organisation_of(text, hub).value_or("none"); };
  const std::string snapshot = "/cache/hub/models--org--name/snapshots/" + testing::kCommit;
  for (const std::string& text :
       {std::string("org/name"), std::string("org/name@v2"), std::string("https://huggingface.co/org/name/tree/v2"),
        std::string("hf.co/org/name"), std::string("models--org--name"), snapshot, snapshot + "/", "file://" + snapshot,
        std::string("org/name:Q4_K_M")})
    EXPECT_EQ(organisation(text), "org") << text;
  for (const char* text : {"gpt2", "/a/b", "./a/b", "zoo/gpt2-12x12", "models--gpt2", "llama3.2:1b", "", "s3://a/b"})
    EXPECT_EQ(organisation(text), "none") << text;  // zoo/gpt2-12x12 is on disk
}

}  // namespace
}  // namespace lstar
