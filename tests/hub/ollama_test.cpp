// Ollama's store, written here as Ollama lays it out.
#include "lstar/hub/ollama_store.h"

#include <sys/stat.h>

#include "lstar/checkpoint/checkpoint.h"
#include "tests/hub/hub_case.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::put;
using testing::sha256_of;
namespace fs = std::filesystem;

class Ollama : public testing::HubTest {
 protected:
  Ollama() { options.hub.ollama_stores = {folder / "nowhere", store}; }

  static std::string layer(const std::string& kind, const std::string& content, const std::string& digest = "") {
    return fmt::format(R"({{"mediaType":"application/vnd.ollama.image.{}","digest":"{}","size":{}}})", kind,
                       digest.empty() ? "sha256:" + sha256_of(content) : digest, content.size());
  }
  void put_manifest(const std::string& name, const std::string& layers) {
    put(store + "/manifests/" + name,
        R"({"schemaVersion":2,"config":{"digest":"sha256:0"},"layers":[)" + layers + "]}");
  }
  std::string put_blob(const std::string& content, const std::string& begin = "sha256-") {
    const std::string path = store + "/blobs/" + begin + sha256_of(content);
    put(path, content);
    return path;
  }
  // A model with the usual layers.
  std::string add(const std::string& name, const std::string& content) {
    put_manifest(name, layer("license", "MIT") + "," + layer("model", content) + "," + layer("params", "{}"));
    return put_blob(content);
  }

  const std::string store = folder / "ollama/models";
  const std::string library = "registry.ollama.ai/library/";
};

TEST(OllamaNames, AsOllamaReadsThem) {
  const auto text = [](const std::string& name) {
    const auto parsed = parse_ollama_name(name);
    return parsed ? parsed->host + "|" + parsed->space + "|" + parsed->name + "|" + parsed->tag : "none";
  };
  EXPECT_EQ(text("llama3.2"), "registry.ollama.ai|library|llama3.2|latest");
  EXPECT_EQ(text("llama3.2:1b"), "registry.ollama.ai|library|llama3.2|1b");
  EXPECT_EQ(text("me/mine:v1"), "registry.ollama.ai|me|mine|v1");
  EXPECT_EQ(text("hf.co/org/name:Q4_K_M"), "hf.co|org|name|Q4_K_M");
  EXPECT_EQ(text("localhost:5000/me/mine"), "localhost:5000|me|mine|latest");
  for (const char* name :
       {"", ":", "a:", ":b", "a/b/c/d", "../a:b", "a/../b:c", "a/.b:c", "a//b", "/a", "a:..", "a b:c"})
    EXPECT_EQ(text(name), "none") << name;
  EXPECT_EQ(parse_ollama_name("library/llama3.2:1b")->text(), "llama3.2:1b");
  EXPECT_EQ(parse_ollama_name("hf.co/org/name:Q8_0")->text(), "hf.co/org/name:Q8_0");
}

TEST_F(Ollama, NamesBecomeBlobs) {
  const std::string one = add(library + "llama3.2/1b", "GGUF one"),
                    latest = add(library + "llama3.2/latest", "GGUF two"),
                    own = add("registry.ollama.ai/me/mine/v1", "GGUF three"),
                    hub = add("hf.co/Org/Name-GGUF/Q4_K_M", "GGUF four");
  EXPECT_EQ(locate("llama3.2:1b").value_or("error"), one);
  EXPECT_EQ(locate("registry.ollama.ai/library/llama3.2:1b").value_or("error"), one);
  EXPECT_EQ(locate("me/mine:v1").value_or("error"), own);
  EXPECT_EQ(locate("hf.co/Org/Name-GGUF:Q4_K_M").value_or("error"), hub);
  EXPECT_EQ(locate("hf.co/org/name-gguf:q4_k_m").value_or("error"), hub) << "upper and lower case are the same";
  EXPECT_EQ(locate("https://ollama.com/library/llama3.2").value_or("error"), latest);
  EXPECT_THAT(server.requests(), IsEmpty());
  EXPECT_THAT(remarks, IsEmpty());

  put_manifest(library + "old/1", layer("model", "GGUF old"));
  const std::string old = put_blob("GGUF old", "sha256:");
  EXPECT_EQ(locate("old:1").value_or("error"), old) << "as older versions named blobs";
}

TEST_F(Ollama, TheDiskGoesBeforeItAndItBeforeTheHub) {
  add(library + "gpt2/latest", "GGUF");
  add_model("gpt2");
  EXPECT_EQ(locate("gpt2").value_or("error"), snapshot("models--gpt2")) << "a name without a tag is the hub's";
  const std::string only_here = add(library + "only-here/latest", "GGUF 2");
  EXPECT_EQ(locate("only-here").value_or("error"), only_here) << "where the hub has none, its tag is latest";
  EXPECT_THAT(remarks, ElementsAre(HasSubstr("only-here:latest: read from Ollama's store")));
  options.hub.offline = true;
  EXPECT_EQ(locate("only-here").value_or("error"), only_here);
  EXPECT_EQ(locate("ONLY-HERE").value_or("error"), only_here);
  options.ask_hub = false;
  EXPECT_FALSE(locate("only-here")) << "somebody asks the hub later";

  const std::string place = folder / "work";
  put(place + "/gpt2:latest", "a file of that name");
  ASSERT_EQ(::chdir(place.c_str()), 0);
  EXPECT_EQ(locate("gpt2:latest").value_or("error"), "gpt2:latest");
  EXPECT_EQ(::chdir(LSTAR_SOURCE_DIR), 0);
}

TEST_F(Ollama, OtherLayersAreTold) {
  put_manifest(library + "tuned/1",
               layer("model", "GGUF") + "," + layer("adapter", "lora") + "," + layer("projector", "v"));
  put_manifest(library + "sees/1", layer("model", "GGUF") + "," + layer("projector", "v"));
  const std::string blob = put_blob("GGUF");
  EXPECT_THAT(error_of("tuned:1"), HasSubstr("a model with an adapter, which is not applied here; the model below it "
                                             "is " +
                                             blob));
  EXPECT_TRUE(locate("sees:1"));
  EXPECT_THAT(remarks, ElementsAre(HasSubstr("projector")));
}

TEST_F(Ollama, NothingLeadsOutOfTheStore) {
  put(folder / "secret", "GGUF");
  const std::string hex = sha256_of("GGUF");
  for (const std::string& digest : {std::string("sha256:../../secret"), std::string("../../../secret"),
                                    "sha256:" + hex.substr(1), "sha256-" + hex, "sha256:" + hex + "/../../../secret",
                                    std::string("sha256:") + std::string(64, 'A'), std::string("md5:") + hex}) {
    put_manifest(library + "evil/1", layer("model", "GGUF", digest));
    EXPECT_THAT(error_of("evil:1"), AllOf(HasSubstr("evil:1: bad digest"), HasSubstr("64 hexadecimal digits")))
        << digest;
  }
  for (const char* name : {"../evil:1", "evil:../1", "a/../b:c"}) EXPECT_FALSE(locate(name)) << name;
}

TEST_F(Ollama, BrokenStoresSaySo) {
  put_manifest(library + "gone/1", layer("model", "never downloaded"));
  EXPECT_THAT(error_of("gone:1"), AllOf(HasSubstr("a file that is not there"), HasSubstr("ollama pull gone:1")));
  put(store + "/blobs/sha256-" + sha256_of("never downloaded") + "-partial", "nev");
  EXPECT_THAT(error_of("gone:1"), HasSubstr("not finished its download: ollama pull gone:1"));
  const std::string blob = add(library + "cut/1", "GGUF whole");
  fs::resize_file(blob, 4);
  EXPECT_THAT(error_of("cut:1"), AllOf(HasSubstr("not whole"), HasSubstr("expected 10 bytes, found 4")));
  put_manifest(library + "cloud/1", layer("params", "{}"));
  EXPECT_THAT(error_of("cloud:1"), HasSubstr("no weights of this model on this machine"));
  put_manifest(library + "mlx/1", layer("tensor", "t"));
  EXPECT_THAT(error_of("mlx:1"), HasSubstr("single tensors"));
  put_manifest(library + "two/1", layer("model", "GGUF") + "," + layer("model", "GGUF"));
  put_blob("GGUF");
  EXPECT_THAT(error_of("two:1"), HasSubstr("several files"));
  for (const char* text : {"", "{", "[]", "3", R"({"layers":3})"}) {
    put(store + "/manifests/" + library + "bad/1", text);
    EXPECT_FALSE(locate("bad:1")) << text;
  }
  put(store + "/manifests/" + library + "odd/1", R"({"layers":[3,"x",null,{"mediaType":7},{}]})");
  EXPECT_THAT(error_of("odd:1"), HasSubstr("no weights"));
  fs::create_directories(store + "/manifests/" + library + "folder/1");
  EXPECT_THAT(error_of("folder:1"), HasSubstr("not a regular file"));
  ASSERT_EQ(::mkfifo((store + "/manifests/" + library + "folder/pipe").c_str(), 0666), 0);
  EXPECT_THAT(error_of("folder:pipe"), HasSubstr("not a regular file")) << "nobody waits for a writer";
}

TEST_F(Ollama, NamesThatItDoesNotHave) {
  EXPECT_THAT(error_of("llama3.2:1b"),
              AllOf(HasSubstr("a name with a tag, as Ollama writes it"), HasSubstr("no models of Ollama's here"),
                    HasSubstr("ollama pull llama3.2:1b")));
  add(library + "llama3.2/1b", "GGUF");
  add(library + "phi3/mini", "GGUF");
  EXPECT_THAT(error_of("llama3.3:1b"), HasSubstr("not in Ollama's store; did you mean llama3.2:1b?"));
  EXPECT_THAT(error_of("qwen:7b"),
              HasSubstr("not in Ollama's store, which has llama3.2:1b, phi3:mini; ollama pull qwen:7b"));
  EXPECT_THAT(error_of("org/name:Q4_K_M"), HasSubstr("hf download org/name --include '*Q4_K_M*.gguf'"));
  EXPECT_THAT(error_of("org/name:main"), HasSubstr("a revision is written org/name@main"));
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(Ollama, TheStoreItselfListsItsModels) {
  const std::string blob = add(library + "llama3.2/1b", "GGUF");
  add(library + "llama3.2/latest", "GGUF");
  add("hf.co/org/name/Q8_0", "GGUF");
  put(store + "/manifests/" + library + "llama3.2/.DS_Store", "x");
  const std::string all = "Ollama's store: pass one of: hf.co/org/name:Q8_0, llama3.2:1b, llama3.2:latest";
  for (const std::string& path : {store, store + "/", folder / "ollama", store + "/blobs", store + "/manifests"})
    EXPECT_THAT(error_of(path), HasSubstr(all)) << path;
  EXPECT_THAT(error_of(store + "/manifests/" + library + "llama3.2"),
              HasSubstr("pass one of: llama3.2:1b, llama3.2:latest"));
  EXPECT_EQ(locate(store + "/manifests/" + library + "llama3.2/1b").value_or("error"), blob)
      << "a manifest is its model";
  EXPECT_EQ(locate(blob).value_or("error"), blob);
  options.hub.ollama_stores.clear();
  EXPECT_THAT(error_of(store), AllOf(HasSubstr("set OLLAMA_MODELS to "), HasSubstr("pass one of: hf.co/")));
}

}  // namespace
}  // namespace lstar
