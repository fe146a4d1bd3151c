// Every row of the tables of what people hand over, with an example that is written, opened and named; a row without an
// example fails.
#include "lstar/checkpoint/handed_over.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "lstar/checkpoint/checkpoint.h"
#include "tests/checkpoint/torch_writer.h"
#include "tests/support/file_with.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using namespace lstar::testing;  // NOLINT(google-build-using-namespace)
using namespace std::string_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kPointer =
    "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, 'a') + "\nsize 268435456\n";

// The message of opening a path, without the folder's own name.
std::string message_of(const TemporaryFolder& folder, const std::string& path) {
  const auto opened = open_checkpoint(path);
  if (opened) return "opened";
  std::string message = opened.error().message();
  EXPECT_EQ(message.find('\n'), message.npos) << message;
  if (message.starts_with(folder.path())) message.erase(0, folder.path().size());
  return message;
}

std::optional<ErrorKind> kind_of(const std::string& path) {
  const auto opened = open_checkpoint(path);
  return opened ? std::nullopt : std::optional(opened.error().kind);
}

struct FileExample {
  std::string name, content, says;
};

std::string tar() {
  std::string bytes(1024, '\0');
  bytes[0] = 'a';
  bytes.replace(257, 5, "ustar");
  return bytes;
}

// By the id of a row.
const std::map<std::string, FileExample> kFiles = {
    {"git lfs pointer", {"a.gguf", kPointer, "a Git LFS pointer: fetch the file itself (git lfs pull)"}},
    {"empty", {"a.gguf", "", "an empty file"}},
    {"zeros", {"a.gguf", std::string(5000, '\0'), "zeros at its start"}},
    {"cut by bytes",
     {"m.gguf.part1of2", "\1\2\3\4\5", "part 1 of 2 of a file cut by bytes: cat m.gguf.part* > m.gguf, and pass that"}},
    {"unfinished download", {"model.safetensors.incomplete", "\1\2\3", "a download that is not finished"}},
    {"web page", {"a.gguf", "\n<!DOCTYPE html><html><title>401</title>", "a web page was saved under this name"}},
    {"error in XML", {"a.gguf", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>", "a server's error message"}},
    {"safetensors",
     {"model.safetensors", safetensors_bytes({make_tensor("w", {2}, {1, 2})}), "pass the folder that holds both (/"}},
    {"torch file", {"pytorch_model.bin", archive_of(pickle::dict({{"w", pickle::tensor({})}})), "pass the folder"}},
    {"ggml", {"ggml-model-q4_0.bin", "tjgg\3\0\0\0"s, "GGML of before August 2023"}},
    {"ctranslate2", {"model.bin", "\6\0\0\0\x1c\0TransformerDecoderModelSpec\0"s, "weights of CTranslate2"}},
    {"numpy", {"weights.npz", zip_bytes({{"a.npy", "\x93NUMPY"}}), "arrays of NumPy"}},
    {"executorch", {"a.pte", "\1\1\1\1ET12", "ExecuTorch"}},
    {"tensorflow lite", {"a.tflite", "\x1c\1\1\1TFL3", "TensorFlow Lite"}},
    {"hdf5", {"tf_model.h5", "\x89HDF\r\n\x1a\n", "HDF5"}},
    {"onnx", {"model.onnx", "\x08\x07\x12", "a graph of ONNX"}},
    {"flax", {"flax_model.msgpack", "\x81\xa1", "weights of Flax"}},
    {"nemo", {"a.nemo", tar(), "an archive of NeMo"}},
    {"tensorrt", {"a.engine", "ptrt\1\1", "an engine of TensorRT"}},
    {"keras", {"a.keras", zip_bytes({{"config.json", "{}"}}), "a model of Keras"}},
    {"zip", {"a.zip", zip_bytes({{"config.json", "{}"}}), "a ZIP archive: unpack it"}},
    {"gzip", {"a.tgz", "\x1f\x8b\x08", "compressed by gzip"}},
    {"zstd", {"a.zst", "\x28\xb5\x2f\xfd", "compressed by zstd"}},
    {"xz", {"a.xz", "\xfd\x37zXZ\0"s, "compressed by xz"}},
    {"bzip2", {"a.bz2", "BZh91AY", "compressed by bzip2"}},
    {"lz4", {"a.lz4", "\x04\x22\x4d\x18", "compressed by lz4"}},
    {"7z", {"a.7z", "7z\xbc\xaf\x27\x1c", "7-Zip"}},
    {"rar", {"a.rar", "Rar!\x1a\7\1", "RAR"}},
    {"tar", {"a.tar", tar(), "a tar archive"}},
    {"torrent", {"a.torrent", "d8:announce3:abc", "a torrent"}},
    {"script", {"a", "#!/bin/sh\n", "a script"}},
    {"pickle", {"a.pkl", "\x80\x04N.", "a pickle of something else"}},
    {"table", {"a.arrow", "ARROW1\0\0"s, "an Arrow (Feather) file: a table of data, no model"}},
    {"packed", {"a.lzma", "\x5d\0\0\x80"s, "compressed by lzma: unpack it and pass what comes out"}},
    {"other", {"a.gguf", "%PDF-1.7", "a PDF document, no model"}},
    {"file of a folder", {"config.json", "{}", "one file of a model: pass its folder (/"}},
    {"short text", {"a.gguf", "Entry not found\nat all", "a text in place of a model: \"Entry not found\""}},
};

TEST(HandedOver, EveryKindOfFile) {
  for (const FileKind& kind : file_kinds()) {
    if (kind.id == "gguf") continue;  // below: where safetensors were looked for
    SCOPED_TRACE(kind.id);
    const auto example = kFiles.find(std::string(kind.id));
    ASSERT_NE(example, kFiles.end()) << "a row needs an example";
    const TemporaryFolder folder;
    const auto& [name, content, says] = example->second;
    write_bytes(folder / name, content);
    EXPECT_THAT(message_of(folder, folder / name), StartsWith("/" + name + ": "));
    EXPECT_THAT(message_of(folder, folder / name), HasSubstr(says));
    EXPECT_EQ(kind_of(folder / name), ErrorKind::unsupported);
  }
  EXPECT_EQ(kFiles.size() + 1, file_kinds().size());
}

// Whatever the table of first bytes knows; of what may hold weights, that which has a row of its own here.
TEST(HandedOver, EveryFileToldByItsFirstBytes) {
  for (const FileMagic& magic : file_magics()) {
    SCOPED_TRACE(magic.id);
    const std::string content = file_with(magic);
    const auto what =
        what_is_file({.path = "a", .name = "a", .size = content.size(), .bytes = content, .tail = content});
    const bool is_left = magic.id == "safetensors" || magic.id == "gguf" || magic.id == "zip" ||  // read, or broken
                         magic.id == "arrow stream";
    EXPECT_EQ(what.has_value(), !is_left);
  }
  for (const std::string& length : {"\xff\xff\xff\xff\xff\xff\xff\xff"s, "ORC\0\0\0\0\1"s}) {
    const std::string broken = length + "{\"a\"";
    EXPECT_FALSE(what_is_file({.path = "a", .name = "a", .size = 12, .bytes = broken, .tail = broken}))
        << "safetensors";
  }
  const std::string words = "ID3\nORC\n";
  EXPECT_FALSE(what_is_file({.path = "vocab.txt", .name = "vocab.txt", .size = 8, .bytes = words, .tail = words}));
}

// What a file is, where a model's own file was expected.
TEST(HandedOver, FilesOfAModelThatAreSomethingElse) {
  const TemporaryFolder folder;
  write_bytes(folder / "config.json", R"({"model_type": "gpt2"})");
  const auto message = [&](const std::string& name, const std::string& content) {
    write_bytes(folder / name, content);
    const std::string found = message_of(folder, folder.path());
    std::filesystem::remove(folder / name);
    return found;
  };
  const std::string pointer = ": a Git LFS pointer: fetch the file itself (git lfs pull)";
  for (const char* name : {"model.safetensors", "pytorch_model.bin", "model.safetensors.index.json",
                           "pytorch_model.bin.index.json", "model.fp16.safetensors", "consolidated.pth"})
    EXPECT_EQ(message(name, kPointer), fmt::format("/{}{}", name, pointer));
  EXPECT_THAT(message("model.safetensors", "<html>"), StartsWith("/model.safetensors: a web page"));
  EXPECT_THAT(message("model.safetensors", gguf_bytes({}, {})), StartsWith("/model.safetensors: a GGUF file"));
  EXPECT_THAT(message("pytorch_model.bin", "\x1f\x8b\x08"), StartsWith("/pytorch_model.bin: compressed by gzip"));
  // What is wrong with a file of the right kind is said as ever.
  const std::string good = safetensors_bytes({make_tensor("w", {2}, {1, 2})});
  EXPECT_THAT(message("model.safetensors", good.substr(0, good.size() - 1)), HasSubstr("is it truncated?"));
  EXPECT_THAT(message("pytorch_model.bin", archive_of("N")), HasSubstr("holds no tensors by name"));
  write_bytes(folder / "model.safetensors", good);
  EXPECT_THAT(message("model.safetensors.aria2", "\1"), StartsWith("/model.safetensors: the download is not finished"));
  EXPECT_EQ(message_of(folder, folder.path()), "opened");
  write_bytes(folder / "config.json", kPointer);
  EXPECT_EQ(message_of(folder, folder.path()), "/config.json" + pointer);
}

// Names of files in a folder; those that end in '/' are folders.
using Names = std::vector<std::string>;
struct FolderExample {
  Names names;
  std::string says;
  std::string path = {};  // below the test's folder
  std::map<std::string, std::string> contents = {};
};

const std::string kCommit(40, 'a');
const std::string kRepo = "models--org--tiny/";

const std::map<std::string, FolderExample> kFolders = {
    {"cache's repository",
     {{kRepo + "refs/main", kRepo + "snapshots/" + kCommit + "/config.json"},
      "pass org/tiny, or snapshots/" + kCommit,
      "models--org--tiny"}},
    {"cache", {{kRepo + "refs/main", "version.txt"}, "Hugging Face's cache: pass one of its models (org/tiny)"}},
    {"adapter",
     {{"adapter_config.json", "adapter_model.safetensors"},
      "an adapter for org/b?[2Jase: merge it into its model first",
      "",
      {{"adapter_config.json", R"({"base_model_name_or_path": "org/b\u001b[2Jase"})"}}}},
    {"unfinished download",
     {{"config.json", "model.safetensors.part"}, "a download is not finished (model.safetensors.part)"}},
    {"cut by bytes",
     {{"m.Q6_K.gguf.part2of3", "m.Q6_K.gguf.part3of3"},
      "m.Q6_K.gguf.part2of3 is part 2 of 3 of a file cut by bytes: cat m.Q6_K.gguf.part* > m.Q6_K.gguf"}},
    {"diffusers", {{"model_index.json", "unet/config.json"}, "a pipeline of diffusers"}},
    {"neox", {{"layer_00-model_00-model_states.pt", "mp_rank_00_model_states.pt"}, "a checkpoint of GPT-NeoX"}},
    {"deepspeed",
     {{"config.json", "latest", "global_step500/bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt",
       "global_step500/mp_rank_00_model_states.pt"},
      "DeepSpeed's shards: run zero_to_fp32.py here first"}},
    {"megatron", {{"latest_checkpointed_iteration.txt", "iter_0000100/mp_rank_00/model_optim_rng.pt"}, "Megatron-LM"}},
    {"distributed", {{".metadata", "__0_0.distcp", "__1_0.distcp"}, "format_utils dcp_to_torch /"}},
    {"nemo", {{"a.nemo"}, "a checkpoint of NeMo"}},
    {"litgpt", {{"lit_model.pth", "model_config.yaml"}, "a checkpoint of LitGPT"}},
    {"fairseq", {{"checkpoint_best.pt", "dict.txt"}, "a checkpoint of fairseq"}},
    {"native", {{"params.json", "consolidated.00.pth", "tokenizer.model"}, "Mistral's or Meta's own layout"}},
    {"sentence-transformers",
     {{"modules.json", "0_Transformer/config.json", "0_Transformer/model.safetensors", "1_Pooling/config.json"},
      "pass its model (0_Transformer)"}},
    {"checkpoints",
     {{"checkpoint-1000/config.json", "checkpoint-1000/model.safetensors", "checkpoint-500/config.json",
       "checkpoint-500/model.safetensors", "runs/events"},
      "holds checkpoints: checkpoint-500, checkpoint-1000; pass one of them"}},
    {"folders of models",
     {{"Q4_K_M/A-00001-of-00002.gguf", "Q4_K_M/A-00002-of-00002.gguf", "Q8_0/B.gguf", "README.md", "org/name/C.gguf",
       "runs/one/config.json", "runs/one/model.safetensors", ".trash/A.gguf", "a/b/c/d/A.gguf"},
      "no model here; in its folders: Q4_K_M/A-00001-of-00002.gguf, Q8_0/B.gguf, org/name/C.gguf, runs/one; pass one "
      "of them"}},
    {"ctranslate2", {{"model.bin", "vocabulary.json"}, "holds only weights of CTranslate2"}},
    {"mlc", {{"mlc-chat-config.json", "params_shard_0.bin"}, "holds only weights of MLC"}},
    {"openvino", {{"config.json", "openvino_model.xml", "openvino_model.bin"}, "OpenVINO: get the safetensors"}},
    {"onnx", {{"config.json", "onnx/model.onnx"}, "ONNX: get the safetensors"}},
    {"flax", {{"config.json", "flax_model.msgpack"}, "Flax: get the safetensors"}},
    {"orbax", {{"_CHECKPOINT_METADATA", "d/0"}, "Orbax"}},
    {"tensorflow", {{"config.json", "tf_model.h5"}, "TensorFlow: get the safetensors"}},
    {"tensorrt", {{"config.json", "rank0.engine"}, "TensorRT"}},
    {"numpy", {{"config.json", "weights.npz"}, "NumPy (npz)"}},
    {"device", {{"config.json", "model.tflite"}, "for phones"}},
    {"paddle", {{"config.json", "model_state.pdparams"}, "PaddlePaddle"}},
    {"rust", {{"config.json", "rust_model.ot"}, "rust-bert"}},
    {"ggml", {{"ggml-model-q4_0.bin"}, "GGML of before August 2023"}},
    {"llamafile", {{"tiny.llamafile", "README.md"}, "no model's folder; pass its llamafile: tiny.llamafile"}},
    {"packed", {{"model.zip", "part.tar.gz"}, "holds an archive (model.zip, part.tar.gz): unpack it first"}},
    {"no config",
     {{"ckpt.pt", "meta.pkl"}, "holds weights (ckpt.pt) and no config.json: put their model's config.json"}},
    {"tokenizer", {{"tokenizer.json", "tokenizer_config.json"}, "holds a tokenizer and no model"}},
    {"data", {{"train-00000-of-00001.parquet"}, "a data set, no model"}},
    {"empty", {{}, "an empty folder"}},
};

TEST(HandedOver, EveryKindOfFolder) {
  for (const FolderKind& kind : folder_kinds()) {
    SCOPED_TRACE(kind.id);
    const auto found = kFolders.find(std::string(kind.id));
    ASSERT_NE(found, kFolders.end()) << "a row needs an example";
    const FolderExample& example = found->second;
    const TemporaryFolder folder;
    for (const std::string& name : example.names) {
      std::filesystem::create_directories(std::filesystem::path(folder / name).parent_path());
      const auto content = example.contents.find(name);
      write_bytes(folder / name, content == example.contents.end() ? "{}" : content->second);
    }
    const std::string at = example.path.empty() ? "" : "/" + example.path;
    EXPECT_THAT(message_of(folder, folder.path() + at), StartsWith(at + ": "));
    EXPECT_THAT(message_of(folder, folder.path() + at), HasSubstr(example.says));
    EXPECT_EQ(kind_of(folder.path() + at), ErrorKind::unsupported);
    // The same rule for the names of a repository, but where a file's content is told.
    Listing repository{.folder = {}, .names = example.names};
    std::sort(repository.names.begin(), repository.names.end());
    if (example.path.empty()) {
      EXPECT_TRUE(kind.id == "distributed" || kind.id == "adapter" || what_is_folder(repository));
      std::string detail;
      EXPECT_TRUE(kind.is(repository, detail));
    }
  }
  EXPECT_EQ(kFolders.size(), folder_kinds().size());
}

TEST(HandedOver, UnfinishedDownloadsOfAllPrograms) {
  for (const char* ending : {".incomplete", ".part", ".partial", ".crdownload", ".download", ".aria2", ".tmp", ".!ut",
                             ".opdownload", ".filepart"}) {
    const std::string name = fmt::format("model.safetensors{}", ending);
    EXPECT_THAT(what_is_file({.path = name, .name = name, .size = 1, .bytes = "x", .tail = "x"}).value_or(""),
                StartsWith("a download that is not finished"));
    EXPECT_THAT(what_is_folder({.folder = {}, .names = {"config.json", name}}).value_or(""),
                StartsWith(fmt::format("a download is not finished ({})", name)));
  }
}

TEST(Listing, OfARepositoryWithManyFolders) {
  Listing all;
  for (int i = 10'000; i < 30'000; ++i) all.names.push_back(fmt::format("f{}/config.json", i));
  EXPECT_EQ(all.folders().size(), 1000u);
  EXPECT_EQ(all.under("f29999").names, std::vector<std::string>{"config.json"});
  const Listing few{.folder = {}, .names = {"a", "a-b/x", "a/", "a/b/c", "a/d", "a0/e"}};
  EXPECT_EQ(few.under("a").names, (std::vector<std::string>{"b/c", "d"}));
  EXPECT_TRUE(few.under("b").names.empty());
  EXPECT_EQ(few.under("a0").names, std::vector<std::string>{"e"});
}

TEST(Listing, APathTooLongForTheSystemIsAbsent) {
  EXPECT_FALSE(is_there(std::string(300, 'a')).value_or(true));
  EXPECT_FALSE(is_there("/" + std::string(5000, 'a')).value_or(true));
}

TEST(HandedOver, LinksThatLeadNowhere) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("../../blobs/gone", folder / "config.json");
  EXPECT_EQ(message_of(folder, folder.path()),
            "/config.json: points to a file that is not there: found ../../blobs/gone");
  std::filesystem::remove(folder / "config.json");
  write_bytes(folder / "config.json", "{}");
  std::filesystem::create_symlink("gone", folder / "model.safetensors");
  EXPECT_EQ(message_of(folder, folder.path()), "/model.safetensors: points to a file that is not there: found gone");
  std::filesystem::create_symlink("gone", folder / "model.gguf");
  EXPECT_THAT(message_of(folder, folder / "model.gguf"), HasSubstr("points to a file that is not there"));
}

// Root reads everything, so the test gives its rights away for as long as it asks.
class Unprivileged {
 public:
  Unprivileged() { dropped_ = ::geteuid() == 0 && ::seteuid(65534) == 0; }
  ~Unprivileged() {
    if (dropped_) {
      EXPECT_EQ(::seteuid(0), 0);
    }
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

 private:
  bool dropped_ = false;
};

TEST(HandedOver, NoPermissionIsNotAbsence) {
  const TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  const std::string model = folder / "model";
  std::filesystem::create_directory(model);
  write_bytes(model + "/config.json", "{}");
  write_bytes(model + "/model.safetensors", safetensors_bytes({make_tensor("w", {2}, {1, 2})}));
  const auto with = [&](const std::string& path, mode_t mode, const std::string& opened) {
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    std::string message;
    {
      const Unprivileged nobody;
      message = message_of(folder, opened);
    }
    EXPECT_EQ(::chmod(path.c_str(), 0755), 0);
    return message;
  };
  EXPECT_EQ(with(model, 0755, model), "opened");
  EXPECT_EQ(with(model, 0711, model), "opened") << "usual names need no list of the folder";
  EXPECT_EQ(with(model, 0700, model), "/model/config.json: cannot be read: Permission denied");
  EXPECT_EQ(with(folder.path(), 0700, model), "/model: cannot be read: Permission denied");
  EXPECT_EQ(with(model + "/config.json", 0600, model), "/model/config.json: cannot be read: Permission denied");
  EXPECT_EQ(with(model + "/model.safetensors", 0600, model),
            "/model/model.safetensors: cannot be opened: Permission denied");
  write_bytes(model + "/a.gguf", "GGUF");
  EXPECT_EQ(with(model + "/a.gguf", 0600, model + "/a.gguf"), "/model/a.gguf: cannot be opened: Permission denied");
  std::filesystem::remove(model + "/config.json");
  std::filesystem::remove(model + "/model.safetensors");
  EXPECT_EQ(with(model, 0711, model), "/model: cannot be read: Permission denied");
  EXPECT_EQ(with(model + "/a.gguf", 0600, model), "/model/a.gguf: cannot be opened: Permission denied");
}

}  // namespace
}  // namespace lstar
