// MODEL to a snapshot: what is downloaded, where it is put, and when nobody is asked.
#include "tests/hub/hub_case.h"

#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lstar {
namespace {

using ::testing::AllOf;
using testing::content_of;
using testing::git_sha1_of;
using ::testing::HasSubstr;
using testing::HubServer;
using ::testing::IsEmpty;
using testing::kCommit;
using testing::kOtherCommit;
using testing::listing;
using ::testing::Not;
using testing::put;
using ::testing::SizeIs;
namespace fs = std::filesystem;
using testing::sha256_of;
using LocateModel = testing::HubTest;

TEST_F(LocateModel, BringsWhatAModelNeedsIntoTheSharedLayout) {
  add_model("org/name");
  const auto located = locate("org/name");
  ASSERT_TRUE(located) << located.error().message();
  EXPECT_EQ(*located, snapshot("models--org--name"));
  const std::string large = sha256_of(weights), config = git_sha1_of("{\"model_type\": \"gpt2\"}\n"),
                    tokenizer = git_sha1_of("{}"), settings = git_sha1_of("{ }"), here = "snapshots/" + kCommit + "/",
                    absent = ".no_exist/" + kCommit + "/";
  const std::map<std::string, std::string> expected{{"blobs/" + large, "300000"},
                                                    {"blobs/" + config, "23"},
                                                    {"blobs/" + tokenizer, "2"},
                                                    {"blobs/" + settings, "3"},
                                                    {here + "config.json", "-> ../../blobs/" + config},
                                                    {here + "tokenizer.json", "-> ../../blobs/" + tokenizer},
                                                    {here + "tokenizer_config.json", "-> ../../blobs/" + settings},
                                                    {here + "model.safetensors", "-> ../../blobs/" + large},
                                                    {absent + "special_tokens_map.json", "0"},
                                                    {absent + "added_tokens.json", "0"},
                                                    {"refs/main", "40"}};
  EXPECT_EQ(listing(cache_of("models--org--name")), expected);
  EXPECT_EQ(content_of(cache_of("models--org--name") + "/refs/main"), kCommit) << "bare, without a newline";
  EXPECT_TRUE(content_of(*located + "/model.safetensors") == weights);
  EXPECT_TRUE(fs::exists(options.hub.cache + "/.locks/models--org--name/" + large + ".lock"));
  ASSERT_THAT(plans, SizeIs(1));
  EXPECT_EQ(plans[0].bytes, 300'028u);
  for (const auto& request : server.requests()) EXPECT_EQ(request.header("accept-encoding"), "identity");

  server.forget_requests();
  EXPECT_EQ(locate("org/name").value_or(""), *located);
  EXPECT_THAT(server.requests(), IsEmpty()) << "what the cache holds is not asked for";
  EXPECT_THAT(plans, SizeIs(1));
}

TEST_F(LocateModel, PathsOnDiskLeadToNoConnection) {
  add_model("org/name");
  fs::create_directories(folder / "org/name");
  ASSERT_EQ(::chdir(folder.path().c_str()), 0);
  EXPECT_EQ(locate("org/name").value_or(""), "org/name");
  EXPECT_EQ(::chdir(LSTAR_SOURCE_DIR), 0);
  for (const std::string path : {"/no/where", "./gpt2", "../gpt2", "~/gpt2", "a/b/c", "model.gguf", "org/model.gguf"})
    EXPECT_THAT(error_of(path), HasSubstr("not on disk")) << path;
  EXPECT_THAT(error_of("/no/where"), AllOf(HasSubstr("/no/where: not on disk"), HasSubstr("or a hub id (org/name")));
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(LocateModel, OfflineMakesNoConnection) {
  add_model("org/name");
  options.hub.offline = true;
  EXPECT_THAT(error_of("org/name"), AllOf(HasSubstr("org/name: neither on disk nor in the cache"),
                                          HasSubstr("HF_HUB_OFFLINE"), HasSubstr("models--org--name")));
  options.update = true;
  options.disk_first = false;
  EXPECT_THAT(error_of("org/name"), HasSubstr("HF_HUB_OFFLINE"));
  HubClient client(options.hub);
  EXPECT_FALSE(client.look_up({.repo = "org/name"}, "config.json"));
  EXPECT_FALSE(client.get({.repo = "org/name"}, {"a", kCommit, "b", 1}, {0, 1}, [](auto) { return true; }));
  EXPECT_THAT(server.requests(), IsEmpty());
  EXPECT_FALSE(fs::exists(options.hub.cache)) << "nothing is written either";

  options.hub.offline = false;
  ASSERT_TRUE(locate("org/name"));
  server.forget_requests();
  options.hub.offline = true;
  EXPECT_EQ(locate("org/name").value_or(""), snapshot("models--org--name"));
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(LocateModel, BranchesTagsAndCommits) {
  add_model("EleutherAI/pythia-160m");
  add_model("EleutherAI/pythia-160m", kOtherCommit);
  server.set_ref("EleutherAI/pythia-160m", "step103000", kOtherCommit);
  server.set_ref("EleutherAI/pythia-160m", "refs/pr/1", kOtherCommit);
  const std::string cache = cache_of("models--EleutherAI--pythia-160m");
  EXPECT_EQ(locate("EleutherAI/pythia-160m@step103000").value_or(""),
            snapshot("models--EleutherAI--pythia-160m", kOtherCommit));
  EXPECT_EQ(content_of(cache + "/refs/step103000"), kOtherCommit);
  EXPECT_FALSE(fs::exists(cache + "/refs/main"));

  server.forget_requests();
  EXPECT_TRUE(locate("EleutherAI/pythia-160m@refs/pr/1"));
  EXPECT_EQ(content_of(cache + "/refs/refs/pr/1"), kOtherCommit);
  EXPECT_EQ(server.requests().front().path, "/EleutherAI/pythia-160m/resolve/refs%2Fpr%2F1/config.json");
  EXPECT_THAT(server.requests(), SizeIs(2)) << "one HEAD and its redirect: the commit's files are known";

  server.forget_requests();
  EXPECT_TRUE(locate("EleutherAI/pythia-160m@" + kOtherCommit));
  EXPECT_THAT(server.requests(), IsEmpty()) << "a commit on disk needs no network";

  EXPECT_TRUE(locate("EleutherAI/pythia-160m@" + kCommit));
  EXPECT_FALSE(fs::exists(cache + "/refs/" + kCommit)) << "a commit needs no ref";
  EXPECT_EQ(transfers().size(), 0u) << "the blob is there: only links are made";
}

TEST_F(LocateModel, NeverAnArbitrarySnapshot) {
  put(snapshot("models--org--name", kOtherCommit) + "/config.json", "{}");
  put(snapshot("models--org--name", kOtherCommit) + "/model.safetensors", "x");
  put(snapshot("models--org--name", kOtherCommit) + "/tokenizer.json", "x");
  options.hub.offline = true;
  EXPECT_FALSE(locate("org/name")) << "no refs/main";
  put(cache_of("models--org--name") + "/refs/main", kCommit);
  EXPECT_FALSE(locate("org/name")) << "refs/main names a snapshot that is not there";
  put(cache_of("models--org--name") + "/refs/main", "../snapshots/" + kOtherCommit);
  EXPECT_FALSE(locate("org/name")) << "no commit";
  put(cache_of("models--org--name") + "/refs/main", kOtherCommit);
  EXPECT_TRUE(locate("org/name")) << "plain files are as good as links";
  EXPECT_TRUE(locate("org/name@" + kOtherCommit));
}

TEST_F(LocateModel, UpdateFollowsTheBranch) {
  add_model("org/name");
  ASSERT_TRUE(locate("org/name"));
  add_model("org/name", kOtherCommit);
  server.set_ref("org/name", "main", kOtherCommit);
  EXPECT_EQ(locate("org/name").value_or(""), snapshot("models--org--name")) << "nobody asked";
  options.update = true;
  EXPECT_EQ(locate("org/name").value_or(""), snapshot("models--org--name", kOtherCommit));
  EXPECT_EQ(content_of(cache_of("models--org--name") + "/refs/main"), kOtherCommit);
  EXPECT_EQ(transfers().size(), 1u) << "the blob is the same";

  options.hub.endpoint = "http://127.0.0.1:1";  // nobody listens
  EXPECT_EQ(locate("org/name").value_or(""), snapshot("models--org--name", kOtherCommit));
  ASSERT_THAT(remarks, SizeIs(1));
  EXPECT_THAT(remarks[0], AllOf(HasSubstr("cannot be reached"), Not(HasSubstr("nor in the cache"))));
  EXPECT_THAT(error_of("org/other"),
              HasSubstr("org/other: neither on disk nor in the cache: http://127.0.0.1:1 cannot"));
}

TEST_F(LocateModel, ShardsAndPyTorchFiles) {
  server.add("org/shards", "config.json", "{}");
  server.add("org/shards", "tokenizer.model", "spm");
  server.add("org/shards", "model.safetensors.index.json",
             R"({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}})");
  server.add("org/shards", "model-00001-of-00002.safetensors", testing::noise(1000, 2), true);
  server.add("org/shards", "model-00002-of-00002.safetensors", testing::noise(2000, 3), true);
  server.add("org/shards", "pytorch_model.bin", "not wanted", true);
  const auto shards = locate("org/shards");
  ASSERT_TRUE(shards) << shards.error().message();
  EXPECT_EQ(content_of(*shards + "/model-00002-of-00002.safetensors"), testing::noise(2000, 3));
  EXPECT_EQ(content_of(*shards + "/tokenizer.model"), "spm");
  EXPECT_FALSE(fs::exists(*shards + "/pytorch_model.bin"));
  fs::remove(*shards + "/model-00002-of-00002.safetensors");
  options.hub.offline = true;
  EXPECT_FALSE(locate("org/shards")) << "a shard is missing";
  options.hub.offline = false;

  server.add("facebook/opt", "config.json", "{}");
  server.add("facebook/opt", "vocab.json", "{}");
  server.add("facebook/opt", "merges.txt", "#");
  server.add("facebook/opt", "pytorch_model.bin", "pickle", true);
  const auto opt = locate("facebook/opt");
  ASSERT_TRUE(opt) << opt.error().message();
  EXPECT_EQ(content_of(*opt + "/pytorch_model.bin"), "pickle");
  EXPECT_EQ(content_of(*opt + "/merges.txt"), "#");

  options.needs = {.weights = false, .tokenizer = true};
  add_model("org/tokens");
  ASSERT_TRUE(locate("org/tokens"));
  EXPECT_FALSE(fs::exists(snapshot("models--org--tokens") + "/model.safetensors")) << "not needed";
}

TEST_F(LocateModel, RepositoriesThatAreNoModel) {
  server.add("org/data", "data.csv", "1,2");
  EXPECT_THAT(error_of("org/data"), HasSubstr("the repository has no config.json"));
  server.add("org/empty", "config.json", "{}");
  EXPECT_THAT(error_of("org/empty"), HasSubstr("no weights that can be read"));
  EXPECT_THAT(error_of("org/empty"), Not(HasSubstr("neither on disk")));
  server.add("org/lost", "config.json", "{}");
  server.add("org/lost", "model.safetensors.index.json", R"({"weight_map": {"a": "gone.safetensors"}})");
  EXPECT_THAT(error_of("org/lost"), AllOf(HasSubstr("lacks a shard"), HasSubstr("gone.safetensors")));
  server.add("org/evil", "config.json", "{}");
  server.add("org/evil", "model.safetensors.index.json", R"({"weight_map": {"a": "../../../etc/passwd"}})");
  EXPECT_THAT(error_of("org/evil"), HasSubstr("bad shard name"));
}

TEST_F(LocateModel, ABranchThatMovesMeanwhileIsNotMixed) {
  add_model("org/name");
  add_model("org/name", kOtherCommit);
  server.on_request([&](const HubServer::Request& request) -> std::optional<HubServer::Response> {
    if (request.path.ends_with("/main/config.json")) {
      auto response = server.answer(request);
      server.set_ref("org/name", "main", kOtherCommit);
      return response;
    }
    return std::nullopt;
  });
  EXPECT_EQ(locate("org/name").value_or(""), snapshot("models--org--name"));
  for (const auto& request : server.requests())
    if (request.path.find("/resolve/") != std::string::npos && !request.path.ends_with("/main/config.json")) {
      EXPECT_THAT(request.path, HasSubstr(kCommit));
    }
}

TEST_F(LocateModel, DeadLinksAndForeignLocksDoNoHarm) {
  add_model("org/name");
  ASSERT_TRUE(locate("org/name"));
  fs::remove(cache_of("models--org--name") + "/blobs/" + sha256_of(weights));
  ASSERT_TRUE(locate("org/name"));
  EXPECT_TRUE(content_of(snapshot("models--org--name") + "/model.safetensors") == weights);
  fs::remove(snapshot("models--org--name") + "/config.json");
  fs::create_symlink("../../blobs/elsewhere", snapshot("models--org--name") + "/config.json");
  ASSERT_TRUE(locate("org/name"));
  EXPECT_EQ(content_of(snapshot("models--org--name") + "/config.json").size(), 23u);

  add_model("org/unlocked");
  fs::remove_all(options.hub.cache + "/.locks");
  put(options.hub.cache + "/.locks", "a file where the locks should be");
  EXPECT_TRUE(locate("org/unlocked"));
}

// Without the rights of root, which would let us write anywhere.
class Unprivileged {
 public:
  Unprivileged() : uid_(::setfsuid(65534)) {}
  ~Unprivileged() { ::setfsuid(static_cast<uid_t>(uid_)); }

 private:
  int uid_;
};

TEST_F(LocateModel, AReadOnlyCacheIsUsable) {
  add_model("org/name");
  add_model("org/other");
  ASSERT_TRUE(locate("org/name"));
  ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);
  for (const auto& entry : fs::recursive_directory_iterator(folder.path()))
    if (!entry.is_symlink()) fs::permissions(entry.path(), fs::perms(entry.is_directory() ? 0555 : 0444));
  {
    const Unprivileged unprivileged;
    ASSERT_FALSE(write_file(folder / "probe", "")) << "the folder can be written after all";
    EXPECT_EQ(locate("org/name").value_or(""), snapshot("models--org--name"));
    options.update = true;
    EXPECT_EQ(locate("org/name").value_or(""), snapshot("models--org--name"));
    EXPECT_THAT(remarks, IsEmpty());
    EXPECT_THAT(error_of("org/other"), AllOf(HasSubstr("Permission denied"), Not(HasSubstr("\n"))));
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder.path()))
    if (entry.is_directory() && !entry.is_symlink()) fs::permissions(entry.path(), fs::perms(0755));
  ::chmod(folder.path().c_str(), 0755);
}

TEST_F(LocateModel, ProgressCountsBytesToTheEnd) {
  add_model("org/name");
  std::vector<std::pair<int64_t, int64_t>> seen;
  options.on_step = [&](const Step& step) {
    seen.emplace_back(step.done, step.total);
    return true;
  };
  ASSERT_TRUE(locate("org/name"));
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back(), (std::pair<int64_t, int64_t>{300'028, 300'028}));
  for (size_t i = 1; i < seen.size(); ++i) EXPECT_GE(seen[i].first, seen[i - 1].first);
}

TEST_F(LocateModel, AddressesAndPlaces) {
  add_model("org/name");
  const std::string there = snapshot("models--org--name");
  for (const std::string& text :
       {std::string("https://huggingface.co/org/name/tree/main"), std::string("hf.co/org/name"),
        server.endpoint() + "/org/name", std::string(" org/name/ "), std::string("models--org--name")})
    EXPECT_EQ(locate(text).value_or("error"), there) << text;
  put(folder / "a model/config.json", "{}");
  options.variables = [this](const char* name) {
    return std::string(name) == "HOME" ? std::optional(folder.path()) : std::nullopt;
  };
  for (const std::string& text :
       {std::string("~/a model"), std::string("$HOME/a model/"), "file://" + folder / "a%20model"})
    EXPECT_EQ(
        fs::path(locate(text).value_or("error")).lexically_normal().string().substr(0, (folder / "a model").size()),
        folder / "a model")
        << text;
  server.forget_requests();
  fs::create_directories(folder / "org/name");
  ASSERT_EQ(::chdir(folder.path().c_str()), 0);
  EXPECT_EQ(locate("org/name/").value_or("error"), "org/name");
  EXPECT_EQ(locate(" org/name").value_or("error"), "org/name");
  EXPECT_EQ(locate("hf.co/org/name").value_or("error"), there) << "an address is of the hub";
  EXPECT_EQ(::chdir(LSTAR_SOURCE_DIR), 0);
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(LocateModel, MistypedPaths) {
  EXPECT_THAT(error_of("./zoo/gpt2-12x21"), HasSubstr("no such folder; did you mean ./zoo/gpt2-12x12?"));
  EXPECT_THAT(error_of("zo/gpt2-12x12"), HasSubstr("did you mean ./zoo/gpt2-12x12?")) << "a hub id in form";
  EXPECT_THAT(error_of("ZOO/GPT2-12X12"), HasSubstr("did you mean ./zoo/gpt2-12x12?"));
  EXPECT_THAT(error_of("zoo/gpt2-12x21"), AllOf(HasSubstr("no such folder; did you mean ./zoo/gpt2-12x12?"),
                                                HasSubstr("? The hub: no such repository"), Not(HasSubstr("\n"))));
  EXPECT_THAT(error_of(std::string(LSTAR_SOURCE_DIR) + "/zoo/gpt2-12x21"),
              HasSubstr("did you mean " LSTAR_SOURCE_DIR "/zoo/gpt2-12x12?"));
  options.hub.offline = true;
  EXPECT_THAT(error_of("zoo/gpt2-12x21"),
              AllOf(HasSubstr("did you mean ./zoo/gpt2-12x12?"), HasSubstr("HF_HUB_OFFLINE")));
  options.hub.offline = false;
  EXPECT_THAT(error_of("tests/data/nothing-like-it/at/all"), HasSubstr("or a hub id"));
  EXPECT_THAT(error_of("org/name/sub"), HasSubstr("not on disk; a hub id has two parts: hf download org/name"));
  add_model("zoo/gpt2-12x21");
  EXPECT_EQ(locate("zoo/gpt2-12x21").value_or("error"), snapshot("models--zoo--gpt2-12x21")) << "the hub has it";
  put(folder / "m.gguf", "GGUF");
  EXPECT_THAT(error_of(folder / "n.gguf"), HasSubstr("no such file; did you mean " + folder / "m.gguf"));
  fs::create_symlink(folder / "gone", folder / "link");
  EXPECT_THAT(error_of(folder / "link"), HasSubstr("points to a file that is not there"));
}

TEST_F(LocateModel, RepositoriesOfOtherThings) {
  const auto serve = [&](const std::string& repo, std::initializer_list<const char*> files) {
    for (const char* file : files) server.add(repo, file, "x");
    server.forget_requests();
    const std::string error = error_of(repo);
    EXPECT_THAT(error, Not(HasSubstr("neither on disk")));
    const auto all = server.requests();
    EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const auto& r) { return r.path.starts_with("/api/models/"); }),
              1);
    return error;
  };
  EXPECT_THAT(serve("org/ggufs", {"README.md", "mmproj-A.gguf", "A.Q4_K_M.gguf", "B.Q8_0.gguf"}),
              HasSubstr("org/ggufs: a repository of GGUF files: A.Q4_K_M.gguf, B.Q8_0.gguf; hf download org/ggufs "
                        "A.Q4_K_M.gguf --local-dir D, then pass D/A.Q4_K_M.gguf"));
  EXPECT_THAT(serve("org/both", {"config.json", "A.gguf"}),
              HasSubstr("a repository of GGUF files: A.gguf; hf download"));
  EXPECT_THAT(serve("org/parts", {"Q4/A-00001-of-00002.gguf", "Q4/A-00002-of-00002.gguf"}),
              HasSubstr("hf download org/parts --include 'Q4/A*' --local-dir D, then pass D/Q4/A-00001-of-00002.gguf"));
  EXPECT_THAT(serve("org/lora", {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"}),
              HasSubstr("an adapter for another model: merge it"));
  EXPECT_THAT(serve("org/folders",
                    {"large/config.json", "large/model.safetensors", "small/config.json", "small/model.safetensors"}),
              HasSubstr("models in its folders: large, small; hf download org/folders --include 'large/*'"));
  EXPECT_THAT(serve("org/deep", {"a/b/config.json", "a/b/c/model.safetensors", "a/config.json", "a-b/config.json",
                                 "a-b/pytorch_model.bin", "x/y/config.json", "x/y/z.safetensors"}),
              HasSubstr("models in its folders: a-b, x/y; "));
  EXPECT_THAT(serve("org/pipeline", {"model_index.json", "unet/config.json", "unet/model.safetensors"}),
              HasSubstr("a pipeline of diffusers (model_index.json)"));
  EXPECT_THAT(serve("org/lora2", {"pytorch_lora_weights.safetensors"}), HasSubstr("an adapter for another model"));
  EXPECT_THAT(serve("org/flax", {"config.json", "flax_model.msgpack", "tf_model.h5"}),
              HasSubstr("holds only weights of Flax: get the safetensors"));
  EXPECT_THAT(serve("org/native", {"params.json", "consolidated.00.pth", "tokenizer.model"}),
              HasSubstr("Mistral's or Meta's"));
  EXPECT_THAT(serve("org/bare", {"README.md", ".gitattributes"}), HasSubstr("an empty repository"));
  EXPECT_THAT(serve("org/words", {"config.json", "tokenizer.json"}), HasSubstr("no weights that can be read"));
  add_model("org/gated");
  server.gate("org/gated", "hf_secret");
  EXPECT_THAT(error_of("org/gated"),
              AllOf(HasSubstr("org/gated: gated: ask for access"), Not(HasSubstr("neither on disk"))));
  server.add("org/at", "A.gguf", "x");
  server.set_ref("org/at", "v2", kCommit);
  EXPECT_THAT(error_of("org/at@v2"), HasSubstr("hf download org/at A.gguf --revision v2 --local-dir D"));
  server.add("org/odd", "a';rm -rf $(x);'.gguf", "x");
  EXPECT_THAT(error_of("org/odd"), Not(HasSubstr("hf download"))) << "no name becomes a command unseen";

  server.add_other("datasets", "org/texts");
  server.add_other("spaces", "org/demo");
  EXPECT_THAT(error_of("org/texts"), HasSubstr("a data set of the hub, not a model"));
  EXPECT_THAT(error_of("org/demo"), HasSubstr("a space of the hub, not a model"));
  server.on_request([](const HubServer::Request& request) -> std::optional<HubServer::Response> {
    if (request.path.starts_with("/api/models/")) return HubServer::Response{.status = 404, .body = "<html>"};
    return std::nullopt;
  });
  EXPECT_THAT(error_of("org/ggufs"), HasSubstr("org/ggufs: the repository has no config.json"))
      << "a mirror without an API";
  server.on_request([](const HubServer::Request& request) -> std::optional<HubServer::Response> {
    if (request.path.starts_with("/api/models/"))
      return HubServer::Response{.body = R"({"siblings":[3,{"rfilename":4}]})"};
    return std::nullopt;
  });
  EXPECT_THAT(error_of("org/ggufs"), HasSubstr("an empty repository"));
}

// One rule with folders on disk, of which the snapshot is one afterwards.
TEST_F(LocateModel, WeightsUnderOtherNames) {
  const auto serve = [&](const std::string& repo, std::initializer_list<const char*> files) {
    server.add(repo, "config.json", "{}");
    server.add(repo, "tokenizer.json", "{}");
    for (const char* file : files) server.add(repo, file, file, true);
    return locate(repo);
  };
  const auto shards = serve("org/shards", {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"});
  ASSERT_TRUE(shards) << shards.error().message();
  EXPECT_EQ(content_of(*shards + "/model-00002-of-00002.safetensors"), "model-00002-of-00002.safetensors");
  const auto variant = serve("org/variant", {"model.fp16.safetensors", "optimizer.bin", "adapter_model.bin"});
  ASSERT_TRUE(variant) << variant.error().message();
  EXPECT_EQ(content_of(*variant + "/model.fp16.safetensors"), "model.fp16.safetensors");
  EXPECT_FALSE(fs::exists(*variant + "/optimizer.bin"));
  server.add("org/index", "model.safetensors.index.fp16.json", R"({"weight_map": {"a": "a.fp16.safetensors"}})");
  const auto index = serve("org/index", {"a.fp16.safetensors"});
  ASSERT_TRUE(index) << index.error().message();
  EXPECT_EQ(content_of(*index + "/a.fp16.safetensors"), "a.fp16.safetensors");
  server.forget_requests();
  for (const char* repo : {"org/shards", "org/variant", "org/index"}) EXPECT_TRUE(locate(repo)) << repo;
  EXPECT_THAT(server.requests(), IsEmpty()) << "what the cache holds is not asked for";
  fs::remove(*shards + "/model-00002-of-00002.safetensors");
  options.hub.offline = true;
  EXPECT_FALSE(locate("org/shards")) << "a shard is missing";
  options.hub.offline = false;

  const auto one_absent = serve("org/absent", {"model-00001-of-00002.safetensors"});
  ASSERT_FALSE(one_absent);
  EXPECT_THAT(one_absent.error().message(), HasSubstr("org/absent: model-00002-of-00002.safetensors is not there"));
  const auto two = serve("org/two", {"model.fp16.safetensors", "model.fp32.safetensors"});
  ASSERT_FALSE(two);
  EXPECT_THAT(two.error().message(), HasSubstr("2 sets of weights: model.fp16.safetensors, model.fp32.safetensors"));
}

// What another program brought of a repository is not taken for its weights.
TEST_F(LocateModel, AnotherFileInTheCacheIsNoModel) {
  add_model("org/name");
  const std::string there = snapshot("models--org--name");
  put(cache_of("models--org--name") + "/refs/main", kCommit);
  put(there + "/config.json", "{}");
  put(there + "/tokenizer.json", "{}");
  put(there + "/value_head.safetensors", "x");
  EXPECT_EQ(locate("org/name").value_or("error"), there);
  EXPECT_TRUE(content_of(there + "/model.safetensors") == weights);
}

TEST_F(LocateModel, NoPermissionIsNotAbsence) {
  add_model("org/name");
  ASSERT_TRUE(locate("org/name"));
  server.forget_requests();
  const std::string cache = cache_of("models--org--name");
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  for (const std::string& closed :
       {options.hub.cache, cache, cache + "/refs", cache + "/blobs", cache + "/refs/main"}) {
    fs::permissions(closed, fs::perms(0));
    const Unprivileged unprivileged;
    EXPECT_THAT(error_of("org/name"), AllOf(HasSubstr(closed + ": the cache cannot be read: Permission denied"),
                                            HasSubstr("set HF_HUB_CACHE or HF_HOME")));
    ::setfsuid(0);
    fs::permissions(closed, fs::perms(0755));
  }
  EXPECT_THAT(server.requests(), IsEmpty());
  put(folder / "closed/model/config.json", "{}");
  fs::permissions(folder / "closed", fs::perms(0));
  const Unprivileged unprivileged;
  EXPECT_EQ(error_of(folder / "closed/model"), folder / "closed/model" + ": cannot be read: Permission denied");
}

TEST_F(LocateModel, WritingNamesTheWayOut) {
  add_model("org/name");
  ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);
  {
    const Unprivileged unprivileged;
    EXPECT_THAT(error_of("org/name"), HasSubstr("Permission denied; set HF_HOME to a folder that you can write"));
    options.hub.has_home = false;
    EXPECT_THAT(error_of("org/name"), HasSubstr("HOME is not set: "));
  }
  ::chmod(folder.path().c_str(), 0755);
}

}  // namespace
}  // namespace lstar
