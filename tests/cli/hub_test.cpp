// The program with models on a hub: a hub on loopback that serves a checkpoint of tests/data.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "lstar/base/atomic_file.h"
#include "lstar/base/json.h"
#include "tests/support/hub_server.h"
#include "tests/support/recorded.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::HubServer;
using ::testing::IsEmpty;
using testing::kCommit;
using ::testing::Not;

namespace fs = std::filesystem;

const std::string kSmallGguf = "tests/data/gguf/llama-q8_0.gguf";

struct Outcome {
  int status = -1;
  std::string out, err;
};

class HubProgram : public ::testing::Test {
 protected:
  void serve(const std::string& repo, const std::string& folder = "tests/data/checkpoints/gpt2") {
    for (const auto& entry : fs::directory_iterator(testing::source_path(folder)))
      if (entry.is_regular_file()) {
        const std::string name = entry.path().filename();
        server.add(repo, name, *read_file(entry.path()), name.ends_with(".safetensors"));
      }
    if (!fs::exists(testing::source_path(folder + "/tokenizer.json"))) server.add(repo, "tokenizer.json", "{}");
  }

  std::string command(const std::string& arguments, const std::string& settings = "") const {
    return fmt::format(
        "env -u HF_HUB_CACHE -u HUGGINGFACE_HUB_CACHE -u HF_HUB_OFFLINE -u TRANSFORMERS_OFFLINE -u HF_TOKEN "
        "HF_HOME={} HF_ENDPOINT={} no_proxy='*' {} {} {} </dev/null",
        home.path(), server.endpoint(), settings, LSTAR_PROGRAM, arguments);
  }
  Outcome lstar(const std::string& arguments, const std::string& settings = "") const {
    testing::TemporaryFolder folder;
    const int status =
        std::system(fmt::format("{} >{} 2>{}", command(arguments, settings), folder / "out", folder / "err").c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, *read_file(folder / "out"), *read_file(folder / "err")};
  }
  std::string snapshot(const std::string& name) const { return home / ("hub/" + name + "/snapshots/" + kCommit); }

  HubServer server;
  testing::TemporaryFolder home;
};

TEST_F(HubProgram, FetchPrintsTheSnapshot) {
  serve("org/name");
  const Outcome first = lstar("fetch org/name");
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(first.out, snapshot("models--org--name") + "\n");
  EXPECT_THAT(first.err,
              AllOf(HasSubstr("lstar: org/name: downloads "), HasSubstr(server.endpoint()), Not(HasSubstr("\x1b"))));
  const Outcome again = lstar("fetch org/name@main --quiet");
  EXPECT_EQ(again.out, first.out);
  EXPECT_THAT(again.err, IsEmpty());
  server.forget_requests();
  const Outcome offline = lstar("fetch org/name", "HF_HUB_OFFLINE=1");
  EXPECT_EQ(offline.out, first.out);
  EXPECT_THAT(server.requests(), IsEmpty());
  EXPECT_EQ(lstar("fetch org/nowhere").status, 3);
  EXPECT_EQ(lstar("fetch ./folder").status, 2);
  EXPECT_EQ(lstar("fetch").status, 2);
}

TEST_F(HubProgram, FetchTellsAsJson) {
  serve("org/name");
  const Outcome outcome = lstar("fetch --json " + server.endpoint() + "/org/name/tree/main");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto document = JsonDocument::parse(outcome.out, "fetch");
  ASSERT_TRUE(document) << document.error().message();
  const Json root = document->root();
  EXPECT_EQ(root.string("model"), "org/name");
  EXPECT_EQ(root.string("revision"), "main");
  EXPECT_EQ(root.string("commit"), kCommit);
  EXPECT_EQ(root.string("path"), snapshot("models--org--name"));
  int64_t bytes = 0, files = 0;
  for (const Json file : root["files"].items()) {
    const std::string path = snapshot("models--org--name") + "/" + file.string("name").value_or("none");
    EXPECT_EQ(file.integer("bytes"), static_cast<int64_t>(fs::file_size(path))) << path;
    bytes += *file.integer("bytes");
    ++files;
  }
  EXPECT_GE(files, 3);
  EXPECT_EQ(root.integer("bytes"), bytes);
}

TEST_F(HubProgram, OllamasNamesAreModels) {
  const std::string store = home / "ollama", content = *read_file(testing::source_path(kSmallGguf));
  const std::string digest = testing::sha256_of(content),
                    manifests = store + "/manifests/registry.ollama.ai/library/tiny";
  fs::create_directories(manifests);
  fs::create_directories(store + "/blobs");
  ASSERT_TRUE(write_file(store + "/blobs/sha256-" + digest, content));
  ASSERT_TRUE(
      write_file(manifests + "/1b", fmt::format(R"({{"layers":[{{"mediaType":"application/vnd.ollama.image.model",)"
                                                R"("digest":"sha256:{}","size":{}}}]}})",
                                                digest, content.size())));
  const std::string settings = "OLLAMA_MODELS=" + store;
  const Outcome named = lstar("inspect tiny:1b --json", settings), file = lstar("inspect --json " + kSmallGguf);
  ASSERT_EQ(named.status, 0) << named.err;
  const auto weights = [](const std::string& json) { return json.substr(json.find("\"tensors\"")); };
  EXPECT_EQ(weights(named.out), weights(file.out));
  EXPECT_THAT(named.out, HasSubstr("tiny:1b")) << "the name as it was given";
  EXPECT_THAT(lstar("inspect " + store, settings).err, HasSubstr("Ollama's store: pass one of: tiny:1b"));
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(HubProgram, InspectSaysWhatARepositoryIs) {
  server.add("org/ggufs", "A.gguf", "x");
  const Outcome outcome = lstar("inspect org/ggufs");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("org/ggufs: a repository of GGUF files: A.gguf; hf download org/ggufs A.gguf"),
                    Not(HasSubstr("neither on disk"))));
}

TEST_F(HubProgram, TwoProcessesTransferOnce) {
  serve("org/name");
  server.on_request([&](const HubServer::Request& request) -> std::optional<HubServer::Response> {
    if (!request.at_storage) return std::nullopt;
    auto response = server.answer(request);
    response.pause = std::chrono::milliseconds(100);
    return response;
  });
  const std::string one = command("fetch org/name --quiet");
  const int status = std::system(fmt::format("({0} >{1}/a) & ({0} >{1}/b); wait", one, home.path()).c_str());
  EXPECT_EQ(status, 0);
  EXPECT_EQ(*read_file(home / "a"), snapshot("models--org--name") + "\n");
  EXPECT_EQ(*read_file(home / "b"), *read_file(home / "a"));
  const auto requests = server.requests();
  EXPECT_EQ(std::count_if(requests.begin(), requests.end(), [](const auto& request) { return request.at_storage; }), 1);
}

TEST_F(HubProgram, AStudyTakesHubIds) {
  serve("org/name");
  const std::string local = "tests/data/checkpoints/gpt2", ids = " --token-ids '1 2 3 4' --json";
  const Outcome remote = lstar("run org/name org/nowhere" + ids);
  EXPECT_EQ(remote.status, 1) << remote.err;
  EXPECT_THAT(remote.err,
              AllOf(HasSubstr("downloads"), HasSubstr("org/nowhere: neither on disk nor in the cache: no such")));
  const auto document = JsonDocument::parse(remote.out, "run");
  ASSERT_TRUE(document) << document.error().message();
  EXPECT_THAT(remote.out, AllOf(HasSubstr("\"revision\": \"" + kCommit + "\""), HasSubstr("no such repository")));
  // A result names the model as the study does, and is told again without it.
  const std::string kept = " --quiet --figures none --out " + (home / "out");
  const Outcome ran = lstar("run org/name org/nowhere --deterministic-timestamp t --token-ids '1 2 3 4'" + kept);
  EXPECT_EQ(ran.status, 1) << ran.err;
  const std::string json = *read_file(home / "out/l_star_cross_heritage_t.json");
  EXPECT_THAT(json, AllOf(HasSubstr("\"path\": \"org/name\""), Not(HasSubstr(home.path()))));
  EXPECT_EQ(lstar("report --json --deterministic-timestamp t " + (home / "out")).out, json);
  const Outcome offline = lstar("run --json org/nowhere --token-ids '1 2 3'", "HF_HUB_OFFLINE=1");
  EXPECT_EQ(offline.status, 3);
  EXPECT_THAT(offline.out, AllOf(HasSubstr("the cache/models--org--nowhere"), Not(HasSubstr(home.path()))));
  EXPECT_THAT(offline.err, HasSubstr(home.path())) << "who asked may know where it was looked for";
  server.forget_requests();
  const Outcome cached = lstar("trace org/name" + ids), same = lstar("trace " + local + ids);
  EXPECT_EQ(cached.status, 0) << cached.err;
  EXPECT_THAT(cached.err, IsEmpty());
  EXPECT_THAT(cached.out, HasSubstr("\"revision\": \"" + kCommit + "\""));
  EXPECT_THAT(same.out, HasSubstr("\"revision\": null"));
  EXPECT_EQ(cached.out.substr(cached.out.find("\"prompts\"")), same.out.substr(same.out.find("\"prompts\"")));
  EXPECT_THAT(server.requests(), IsEmpty()) << "neither a cached model nor a folder asks anybody";
}

TEST_F(HubProgram, InspectReadsTheHubInParts) {
  serve("org/name");
  const Outcome remote = lstar("inspect org/name --json"), local = lstar("inspect tests/data/checkpoints/gpt2 --json");
  ASSERT_EQ(remote.status, 0) << remote.err;
  const auto weights = [](const std::string& json) { return json.substr(json.find("\"tensors\"")); };
  EXPECT_EQ(weights(remote.out), weights(local.out));
  EXPECT_THAT(remote.out, HasSubstr("\"revision\": \"" + kCommit + "\""));
  EXPECT_FALSE(fs::exists(home / "hub")) << "nothing is written";
  EXPECT_EQ(lstar("inspect org/nowhere").status, 3);
}

TEST_F(HubProgram, TokenizeNeedsNoWeights) {
  serve("org/name", "zoo/gpt2-12x12");
  const Outcome remote = lstar("tokenize org/name 'hello there'"),
                local = lstar("tokenize zoo/gpt2-12x12 'hello there'");
  EXPECT_EQ(remote.out, local.out) << remote.err;
  EXPECT_FALSE(fs::exists(snapshot("models--org--name") + "/model.safetensors"));
}

TEST_F(HubProgram, PredictNeedsNoWeights) {
  serve("org/name", "zoo/gpt2-12x12");
  const Outcome remote = lstar("predict org/name"), local = lstar("predict zoo/gpt2-12x12");
  EXPECT_EQ(remote.status, 0) << remote.err;
  EXPECT_THAT(remote.out, HasSubstr("org/name (gpt2): L = 12, H = 12\n"));
  EXPECT_EQ(remote.out.substr(remote.out.find('\n')), local.out.substr(local.out.find('\n')));
  EXPECT_FALSE(fs::exists(snapshot("models--org--name") + "/model.safetensors"));
  const Outcome measured = lstar("predict org/name --gain measured --token-ids '5 17 3'");
  EXPECT_EQ(measured.status, 0) << measured.err;
  EXPECT_TRUE(fs::exists(snapshot("models--org--name") + "/model.safetensors")) << "which takes the weights";
}

TEST_F(HubProgram, TheNotebooksStudyIsBuiltIn) {
  const Outcome asked = lstar("run");
  EXPECT_EQ(asked.status, 2);
  EXPECT_THAT(asked.err, AllOf(HasSubstr("EleutherAI/pythia-160m"), HasSubstr("openai-community/gpt2"),
                               HasSubstr("about 3.7 GB"), HasSubstr("no such repository"), HasSubstr("--yes")));
  for (const char* repo : {"EleutherAI/pythia-160m", "EleutherAI/pythia-410m", "facebook/opt-125m", "facebook/opt-350m",
                           "bigscience/bloom-560m", "openai-community/gpt2"})
    serve(repo);
  const Outcome known = lstar("run --token-ids '1 2 3'");
  EXPECT_EQ(known.status, 2);
  EXPECT_THAT(known.err, AllOf(HasSubstr("download"), HasSubstr("kB"), Not(HasSubstr("about"))));
  EXPECT_FALSE(fs::exists(snapshot("models--openai-community--gpt2") + "/config.json")) << "nobody said yes";

  const Outcome ran = lstar("run --yes --token-ids '1 2 3'");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("the same checkpoint as EleutherAI/pythia-160m"));
  EXPECT_THAT(ran.out, Not(HasSubstr("not evidence"))) << "it is said of the study's own prompts";
  server.forget_requests();
  const Outcome again = lstar("run --token-ids '1 2 3'");
  EXPECT_EQ(again.status, 0) << "nothing is asked where everything is cached";
  EXPECT_THAT(again.err, IsEmpty());
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(HubProgram, OfflineSaysSo) {
  const Outcome outcome = lstar("run org/name", "TRANSFORMERS_OFFLINE=1");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.out + outcome.err, AllOf(HasSubstr("org/name"), HasSubstr("neither on disk nor in the cache"),
                                               HasSubstr("TRANSFORMERS_OFFLINE")));
  EXPECT_THAT(server.requests(), IsEmpty());
}

}  // namespace
}  // namespace lstar
