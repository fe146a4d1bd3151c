// Which files of a folder make a model: GGUFs side by side, shards without an index, variants, wrapped names, and a
// llamafile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/mapped_file.h"
#include "lstar/checkpoint/tensor_prefix.h"
#include "lstar/checkpoint/weight_files.h"
#include "tests/checkpoint/torch_writer.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using namespace lstar::testing;  // NOLINT(google-build-using-namespace)
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string gguf_of(const GgufPairs& more = {}, float value = 1) {
  GgufPairs pairs{{"general.architecture", std::string("llama")}};
  for (const auto& pair : more)
    if (pair.first == "general.architecture")
      pairs[0] = pair;
    else
      pairs.push_back(pair);
  return gguf_bytes(pairs, {make_tensor("a", {2}, {value, 2})});
}

class Folder : public ::testing::Test {
 protected:
  std::string message(const std::string& path) {
    opened_ = {};
    auto opened = open_checkpoint(path);
    if (opened) {
      opened_ = *std::move(opened);
      return "opened";
    }
    const std::string text = opened.error().message();
    return text.starts_with(folder_.path()) ? text.substr(folder_.path().size()) : text;
  }
  std::string message() { return message(folder_.path()); }
  float first(const std::string& name) {
    const TensorInfo* tensor = opened_ ? opened_->find(name) : nullptr;
    if (!tensor) return -1;
    std::vector<float> values(static_cast<size_t>(tensor->shape.elements()));
    EXPECT_TRUE(opened_->read(*tensor, {0, tensor->shape.rows()}, std::span<float>(values)));
    return values[0];
  }

  TemporaryFolder folder_;
  std::unique_ptr<Checkpoint> opened_;
};

TEST_F(Folder, TheOneLanguageModelAmongGgufs) {
  // Names that say nothing, or the wrong thing: the files' own words count.
  write_bytes(folder_ / "mmproj-model.gguf", gguf_of({}, 5));
  write_bytes(folder_ / "model-Q8_0.gguf", gguf_of({{"general.architecture", std::string("clip")}}));
  write_bytes(folder_ / "b.gguf", gguf_of({{"general.type", std::string("mmproj")}}));
  write_bytes(folder_ / "c.gguf", gguf_of({{"general.type", std::string("imatrix")}}));
  write_bytes(folder_ / "d", gguf_of({{"general.type", std::string("adapter")}}));
  write_bytes(folder_ / "e.gguf", gguf_of({{"general.architecture", std::string("controlvector")}}));
  write_bytes(folder_ / "f.gguf", gguf_bytes({{"general.architecture", std::string("llama")}}, {}));
  write_bytes(folder_ / "README.md", "text");
  for (const char* config : {"", R"({"model_type": "llama"})"}) {
    if (*config) write_bytes(folder_ / "config.json", config);
    ASSERT_EQ(message(), "opened");
    EXPECT_EQ(opened_->path(), folder_ / "mmproj-model.gguf");
    EXPECT_EQ(first("a"), 5);
  }
  std::filesystem::rename(folder_ / "mmproj-model.gguf", folder_ / "sha256-0123");  // known by its first bytes
  ASSERT_EQ(message(), "opened");
  write_bytes(folder_ / "A.gguf", gguf_of());
  EXPECT_EQ(message(), ": holds 2 models: A.gguf, sha256-0123; pass one of them");
  std::filesystem::remove(folder_ / "A.gguf");
  std::filesystem::remove(folder_ / "sha256-0123");
  EXPECT_THAT(message(), StartsWith(": holds no language model: b.gguf is a vision projector (mmproj), c.gguf is an "
                                    "importance matrix (imatrix), d is a LoRA adapter, "));
  EXPECT_THAT(message(folder_ / "b.gguf"), HasSubstr("a vision projector (mmproj), no language model: pass the"));
  EXPECT_THAT(message(folder_ / "c.gguf"), HasSubstr("an importance matrix (imatrix), no language model"));
  EXPECT_THAT(message(folder_ / "d"), HasSubstr("a LoRA adapter, no language model: merge it into its model first"));
  EXPECT_THAT(message(folder_ / "e.gguf"), HasSubstr("a control vector, no language model"));
  write_safetensors(folder_ / "model.safetensors", {make_tensor("w", {1}, {7})});
  ASSERT_EQ(message(), "opened");  // Hugging Face's own weights come first
  EXPECT_EQ(opened_->format(), "safetensors");
}

TEST_F(Folder, PartsOfAGgufAreOneModel) {
  const auto part = [](uint16_t number) {
    return gguf_bytes({{"general.architecture", std::string("llama")},
                       {"split.no", number},
                       {"split.count", uint16_t{2}},
                       {"split.tensors.count", int32_t{2}}},
                      {make_tensor(number == 0 ? "a" : "b", {1}, {1})});
  };
  write_bytes(folder_ / "m-00001-of-00002.gguf", part(0));
  write_bytes(folder_ / "m-00002-of-00002.gguf", part(1));
  write_bytes(folder_ / "mmproj.gguf", gguf_of({{"general.architecture", std::string("clip")}}));
  ASSERT_EQ(message(), "opened");
  EXPECT_EQ(opened_->tensors().size(), 2u);
  write_bytes(folder_ / "n.gguf", gguf_of());
  EXPECT_EQ(message(), ": holds 2 models: m-00001-of-00002.gguf, n.gguf; pass one of them");
  std::filesystem::remove(folder_ / "n.gguf");
  std::filesystem::remove(folder_ / "m-00001-of-00002.gguf");
  EXPECT_THAT(message(), HasSubstr("m-00001-of-00002.gguf: cannot be opened: No such file"));
}

TEST_F(Folder, AGgufIsReadWhereNothingElseIsMeant) {
  write_bytes(folder_ / "a.gguf", gguf_of());
  write_safetensors(folder_ / "model-00001-of-00002.safetensors", {make_tensor("w", {1}, {7})});
  const std::string no_config =
      ": the folder has no config.json, which its weights need; for the GGUF among them pass ";
  EXPECT_EQ(message(), no_config + "a.gguf");
  write_bytes(folder_ / "config.json", "{}");
  EXPECT_EQ(message(), ": model-00002-of-00002.safetensors is not there: the weights are in 2 files");
  std::filesystem::remove(folder_ / "model-00001-of-00002.safetensors");
  EXPECT_EQ(message(), "opened");
  std::filesystem::remove(folder_ / "config.json");
  write_bytes(folder_ / "b.pt", "x");
  EXPECT_EQ(message(), no_config + "a.gguf");
  std::filesystem::remove(folder_ / "b.pt");
  std::filesystem::rename(folder_ / "a.gguf", folder_ / "ggml-model.bin");
  EXPECT_EQ(message(), "opened");
}

TEST_F(Folder, GgufsThatAreNotTakenAreNamed) {
  write_bytes(folder_ / "a.gguf", gguf_of());
  std::filesystem::create_symlink("gone", folder_ / "b.gguf");
  EXPECT_EQ(message(), "/b.gguf: points to a file that is not there: found gone");
  std::filesystem::remove(folder_ / "a.gguf");
  std::filesystem::remove(folder_ / "b.gguf");
  for (char name = 'a'; name <= 'h'; ++name)
    write_bytes(folder_ / (name + std::string(".gguf")), gguf_of({{"general.type", std::string("adapter")}}));
  EXPECT_THAT(message(), EndsWith("f.gguf is a LoRA adapter and 2 more"));
}

TEST_F(Folder, ShardsWithoutAnIndex) {
  write_bytes(folder_ / "config.json", "{}");
  const auto shard = [&](const std::string& name, const char* tensor, float value) {
    if (name.ends_with(".safetensors"))
      write_safetensors(folder_ / name, {make_tensor(tensor, {1}, {value})});
    else
      write_bytes(folder_ / name, archive_of(pickle::dict({{tensor, pickle::tensor({})}})));
  };
  for (const std::string ending : {".safetensors", ".bin", ".fp16.safetensors"}) {
    const std::string stem = ending == ".bin" ? "pytorch_model" : "model";
    shard(stem + "-00001-of-00002" + ending, "a", 1);
    EXPECT_EQ(message(), ": " + stem + "-00002-of-00002" + ending + " is not there: the weights are in 2 files");
    shard(stem + "-00002-of-00002" + ending, "b", 2);
    shard("consolidated-00001-of-00001" + ending, "c", 3);  // the same weights in a layout of their own
    ASSERT_EQ(message(), "opened");
    EXPECT_EQ(opened_->tensors().size(), 2u);
    std::filesystem::remove(folder_ / (stem + "-00001-of-00002" + ending));
    EXPECT_EQ(message(), ": " + stem + "-00001-of-00002" + ending + " is not there: the weights are in 2 files");
    std::filesystem::remove(folder_ / (stem + "-00002-of-00002" + ending));
    std::filesystem::remove(folder_ / ("consolidated-00001-of-00001" + ending));
  }
}

TEST_F(Folder, Variants) {
  write_bytes(folder_ / "config.json", "{}");
  write_safetensors(folder_ / "model.fp16.safetensors", {make_tensor("w", {1}, {3})});
  ASSERT_EQ(message(), "opened");
  EXPECT_EQ(first("w"), 3);
  write_safetensors(folder_ / "model.bf16.safetensors", {make_tensor("w", {1}, {4})});
  EXPECT_EQ(message(),
            ": holds 2 sets of weights: model.bf16.safetensors, model.fp16.safetensors; leave one of them there, or "
            "name it model.safetensors");
  write_safetensors(folder_ / "model.safetensors", {make_tensor("w", {1}, {5})});
  ASSERT_EQ(message(), "opened");
  EXPECT_EQ(first("w"), 5);
  for (const char* name : {"model.safetensors", "model.bf16.safetensors", "model.fp16.safetensors"})
    std::filesystem::remove(folder_ / name);
  for (const char* index : {"model.safetensors.index.fp16.json", "pytorch_model.bin.index.fp16.json"}) {
    const std::string shard = "model.fp16-00001-of-00001.safetensors";
    write_safetensors(folder_ / shard, {make_tensor("w", {1}, {6})});
    write_bytes(folder_ / index, R"({"weight_map": {"w": ")" + shard + "\"}}");
    ASSERT_EQ(message(), "opened") << index;
    EXPECT_EQ(first("w"), 6);
    std::filesystem::remove(folder_ / index);
  }
}

// The same rule for the names of a repository.
TEST(WeightFiles, OfNamesAlone) {
  const auto files = [](std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    const auto choice = choose_weights({.folder = {}, .names = std::move(names)}, "org/name");
    if (!choice) return std::vector<std::string>{choice.error().message()};
    std::vector<std::string> found = choice->files;
    if (!choice->index.empty()) found.push_back(choice->index);
    return found;
  };
  EXPECT_THAT(files({"pytorch_model.bin", "model.safetensors"}), ElementsAre("model.safetensors"));
  EXPECT_THAT(files({"pytorch_model.bin", "model.safetensors.index.json"}),
              ElementsAre("model.safetensors.index.json"));
  EXPECT_THAT(files({"pytorch_model.bin", "model.fp16.safetensors"}), ElementsAre("pytorch_model.bin"));
  EXPECT_THAT(files({"onnx/model.onnx", "last.ckpt", "optimizer.pt", "rng_state_0.pth"}), ElementsAre("last.ckpt"));
  EXPECT_THAT(files({"params.json", "consolidated.safetensors"}), ElementsAre());
  EXPECT_THAT(files({"consolidated.safetensors", "model-00001-of-00001.safetensors"}),
              ElementsAre("model-00001-of-00001.safetensors"));
  EXPECT_THAT(files({"a.safetensors", "b.safetensors"}), ElementsAre(StartsWith("org/name: holds 2 sets of weights")));
  EXPECT_THAT(files({"model_world_size_2_rank_0.pt", "model_world_size_2_rank_1.pt"}),
              ElementsAre(StartsWith("org/name: holds 2 numbered files: model_world_size_2_rank_0.pt")));
  EXPECT_THAT(files({"config.json", "consolidated.00.pth", "consolidated.01.pth"}), ElementsAre());
  EXPECT_THAT(files({"model-00001-of-99999.safetensors"}), ElementsAre(HasSubstr("number of shards")));
  EXPECT_THAT(files({"1.safetensors/x"}), ElementsAre());
}

TEST_F(Folder, FilesUnderOtherNamesOfTheirFormat) {
  write_bytes(folder_ / "config.json", "{}");
  write_bytes(folder_ / "epoch=3.ckpt",
              archive_of(pickle::dict({{"state_dict", pickle::dict({{"model.wte.weight", pickle::tensor({})},
                                                                    {"model.lm_head.weight", pickle::tensor({})}})}})));
  ASSERT_EQ(message(), "opened");
  EXPECT_NE(opened_->find("lm_head.weight"), nullptr);
  std::filesystem::remove(folder_ / "epoch=3.ckpt");
  write_safetensors(folder_ / "pytorch_model.bin", {make_tensor("w", {1}, {3})});
  ASSERT_EQ(message(), "opened");
  EXPECT_EQ(opened_->format(), "safetensors");
}

TEST(TensorPrefix, OfWrappers) {
  const auto prefix = [](std::initializer_list<std::string_view> names) {
    return wrapper_prefix(std::vector<std::string_view>(names));
  };
  EXPECT_EQ(prefix({"module.model.embed_tokens.weight", "module.lm_head.weight"}), "module.");
  EXPECT_EQ(prefix({"_orig_mod.model.norm.weight", "_orig_mod.model.embed_tokens.weight"}), "_orig_mod.");
  EXPECT_EQ(prefix({"_forward_module.model.layers.0.x", "_forward_module.lm_head.weight"}), "_forward_module.");
  EXPECT_EQ(prefix({"base_model.model.model.layers.0.x", "base_model.model.lm_head.weight"}), "base_model.model.");
  EXPECT_EQ(prefix({"base_model.model.layers.0.x", "base_model.model.embed_tokens.weight"}), "base_model.model.");
  EXPECT_EQ(prefix({"module._orig_mod.transformer.h.0.x", "module._orig_mod.lm_head.weight"}), "module._orig_mod.");
  EXPECT_EQ(prefix({"model.model.layers.0.x", "model.lm_head.weight"}), "model.");
  EXPECT_EQ(prefix({"model.transformer.h.0.x", "model.transformer.wte.weight"}), "model.");
  EXPECT_EQ(prefix({"policy.student.gpt_neox.layers.0.x", "policy.student.embed_out.weight"}), "policy.student.");
  EXPECT_EQ(prefix({"model._orig_mod.model.layers.0.x", "model._orig_mod.lm_head.weight"}), "model._orig_mod.");
  // What models are called themselves stays.
  for (const auto& own : {"model.", "transformer.", "gpt_neox.", "bert.", "roberta.", "model.decoder.", "decoder.",
                          "model.language_model.", "language_model.model.", "model.text_model."})
    EXPECT_EQ(prefix({std::string(own) + "layers.0.x", std::string(own) + "embed_tokens.weight"}), "") << own;
  EXPECT_EQ(prefix({"model.layers.0.x", "lm_head.weight"}), "");
  EXPECT_EQ(prefix({"w", "v"}), "");
  EXPECT_EQ(prefix({"module.w"}), "");
  EXPECT_EQ(prefix({"q.weight", "q.weight_scale"}), "") << "no model is left";
  EXPECT_EQ(prefix({"0.weight", "0.bias"}), "");
  EXPECT_EQ(prefix({}), "");
  EXPECT_EQ(without_wrappers("_fsdp_wrapped_module.model.layers.0._fsdp_wrapped_module._checkpoint_wrapped_module.mlp"),
            "model.layers.0.mlp");
  EXPECT_EQ(without_wrappers("model.my_orig_mod.x"), "model.my_orig_mod.x");
  EXPECT_EQ(without_wrappers("my_orig_mod._orig_mod._checkpoint_wrapped_module._orig_mod.w"), "my_orig_mod.w");
  EXPECT_EQ(without_wrappers(".._orig_mod."), "..");
  std::string long_name = "model.";  // 10 MB, at once
  for (int i = 0; i < 1'000'000; ++i) long_name += "_orig_mod.";
  EXPECT_EQ(without_wrappers(long_name + "w"), "model.w");
}

TEST_F(Folder, WrappedNamesAreReadWithANote) {
  write_bytes(folder_ / "config.json", "{}");
  for (const std::string wrapper : {"module.", "_orig_mod.", "_fsdp_wrapped_module.", "module._orig_mod."}) {
    write_safetensors(folder_ / "model.safetensors", {make_tensor(wrapper + "model.norm.weight", {1}, {3}),
                                                      make_tensor(wrapper + "lm_head.weight", {1}, {4})});
    ASSERT_EQ(message(), "opened");
    EXPECT_EQ(first("model.norm.weight"), 3) << wrapper;
    EXPECT_EQ(first("lm_head.weight"), 4) << wrapper;
    EXPECT_FALSE(opened_->notes().empty());
  }
  write_safetensors(folder_ / "model.safetensors", {make_tensor("model.norm.weight", {1}, {3})});
  ASSERT_EQ(message(), "opened");
  EXPECT_TRUE(opened_->notes().empty());
}

TEST_F(Folder, ALlamafileIsReadInPlace) {
  const std::string program = "MZqFpD='\n" + std::string(5000, 'x');
  const auto with = [&](const std::vector<ZipMember>& members, const std::string& before) {
    std::string archive = zip_bytes(members);
    // As its writers do, offsets count from the file's start.
    const size_t end = archive.find("PK\5\6");
    for (size_t at = archive.find("PK\1\2"); at < end; at = archive.find("PK\1\2", at + 4)) {
      uint32_t offset = 0;
      std::memcpy(&offset, archive.data() + at + 42, 4);
      offset += static_cast<uint32_t>(before.size());
      std::memcpy(archive.data() + at + 42, &offset, 4);
    }
    uint32_t directory = 0;
    std::memcpy(&directory, archive.data() + end + 16, 4);
    directory += static_cast<uint32_t>(before.size());
    std::memcpy(archive.data() + end + 16, &directory, 4);
    write_bytes(folder_ / "model.llamafile", before + archive);
    return message(folder_ / "model.llamafile");
  };
  const ZipMember model{"tiny.gguf", gguf_of({}, 9)}, code{"code.s", "compressed", 8},
      arguments{".args", "-m\ntiny.gguf\n"};
  for (const std::string& before : {program, std::string()}) {
    ASSERT_EQ(with({code, model, arguments}, before), "opened");
    EXPECT_EQ(opened_->format(), "gguf");
    EXPECT_EQ(first("a"), 9);
    const auto rows = opened_->stored_rows(*opened_->find("a"), {0, 1});
    ASSERT_EQ(rows.size(), 8u);
    EXPECT_EQ(opened_->files()[0]->size(), std::filesystem::file_size(folder_ / "model.llamafile"));
  }
  EXPECT_EQ(with({model, {"mmproj.gguf", gguf_of({{"general.architecture", std::string("clip")}})}}, program),
            "opened");
  EXPECT_EQ(with({model, {"b.gguf", gguf_of()}}, program),
            "/model.llamafile: holds 2 models: b.gguf, tiny.gguf; unpack one of them (unzip) and pass that");
  EXPECT_EQ(with({{"tiny.gguf", gguf_of(), 8}}, program),
            "/model.llamafile: entry tiny.gguf: compressed: unpack it (unzip) and pass that");
  std::vector<ZipMember> many;
  for (int i = 0; i < 64; ++i) many.push_back({std::to_string(100 + i) + ".gguf", gguf_of()});
  EXPECT_EQ(with(many, program),
            "/model.llamafile: holds 64 models: 100.gguf, 101.gguf, 102.gguf, 103.gguf, 104.gguf, 105.gguf and 58 "
            "more; unpack one of them (unzip) and pass that");
  many.push_back({"200.gguf", gguf_of()});
  EXPECT_EQ(with(many, program), "/model.llamafile: holds more than 64 GGUFs: unpack the model (unzip) and pass that");
  EXPECT_THAT(with({{"tiny.gguf", "no such thing"}}, program), HasSubstr("not a GGUF file"));
  EXPECT_THAT(with({arguments}, program), StartsWith("/model.llamafile: "));
}

}  // namespace
}  // namespace lstar
