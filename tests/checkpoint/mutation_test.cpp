// Files with random bytes changed: opening one gives a checkpoint whose tensors can all be read, or an error of one
// line; never a crash. Run under the sanitizers, this is where a missing check shows.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/gguf_metadata.h"
#include "tests/checkpoint/torch_writer.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using namespace lstar::testing;  // NOLINT(google-build-using-namespace)

constexpr int kTries = 10'000;

// Reads everything that a checkpoint offers.
void use(const Checkpoint& checkpoint) {
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    ASSERT_EQ(checkpoint.find(tensor.name), &tensor);
    if (!info(tensor.type).is_weight) continue;
    std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
    const auto read = checkpoint.read(tensor, {0, tensor.shape.rows()}, std::span<float>(values));
    ASSERT_TRUE(read) << read.error().message();
    checkpoint.drop(tensor);
  }
  if (const GgufMetadata* metadata = checkpoint.tokenizer().gguf)
    for (const char* key : {"general.architecture", "llama.block_count", "tokens", "types", "scores"}) {
      (void)metadata->string(key);
      (void)metadata->number(key);
      (void)metadata->boolean(key);
      (void)metadata->strings(key);
      (void)metadata->integers(key);
      (void)metadata->numbers(key);
    }
  (void)checkpoint.configuration().string("model_type");
}

// Writes `good` with some bytes changed to `file` and opens `path`, again and again. Changes fall on the first `head`
// bytes: what the numbers behind it are is nobody's business.
void mutate(const std::string& good, size_t head, const std::string& file, const std::string& path) {
  std::mt19937 random(7);
  int opened = 0, refused = 0;
  for (int i = 0; i < kTries; ++i) {
    std::string bytes = good;
    for (uint32_t changes = 1 + random() % 2; changes > 0; --changes) {
      char& byte = bytes[random() % head];
      switch (random() % 3) {
        case 0: byte = static_cast<char>(byte ^ (1 << random() % 8)); break;
        case 1: byte = static_cast<char>(random()); break;
        default: byte = static_cast<char>(random() % 2 ? 0xff : 0x00);
      }
    }
    if (random() % 16 == 0) bytes.resize(random() % bytes.size());
    write_bytes(file, bytes);
    const auto checkpoint = open_checkpoint(path);
    if (checkpoint) {
      ASSERT_NO_FATAL_FAILURE(use(**checkpoint)) << "try " << i;
      ++opened;
    } else {
      const std::string message = checkpoint.error().message();
      ASSERT_FALSE(message.empty());
      ASSERT_EQ(message.find('\n'), std::string::npos) << message;
      ++refused;
    }
  }
  // Both ways out are taken often, or the changes are too wild or too tame to find anything.
  EXPECT_GT(opened, kTries / 100);
  EXPECT_GT(refused, kTries / 4);
}

TEST(Mutation, Safetensors) {
  const TemporaryFolder folder;
  write_bytes(folder / "config.json", R"({"model_type": "gpt2"})");
  const std::vector<float> values(32, 0.5f);
  const std::string good =
      safetensors_bytes({make_tensor("a", {4, 8}, values), make_tensor("b", {32}, values, StoredType::float16),
                         make_tensor("c", {}, {1}, StoredType::float64), make_tensor("d", {0}, {})});
  mutate(good, good.size() - 32 * 6 - 8, folder / "model.safetensors", folder.path());
}

TEST(Mutation, Mxfp4Pairs) {
  const TemporaryFolder folder;
  write_bytes(folder / "config.json", R"({"model_type": "gpt_oss"})");
  const std::vector<float> bytes(96, 120);
  const std::string good = safetensors_bytes({make_tensor("x_blocks", {2, 3, 16}, bytes, StoredType::uint8),
                                              make_tensor("x_scales", {2, 3}, {1, 2, 3, 4, 5, 6}, StoredType::uint8)});
  mutate(good, good.size() - 96 - 6, folder / "model.safetensors", folder.path());
}

TEST(Mutation, Gguf) {
  const TemporaryFolder folder;
  const std::vector<float> values(64, 0.5f);
  const std::string good =
      gguf_bytes({{"general.architecture", std::string("llama")},
                  {"llama.block_count", uint32_t{2}},
                  {"tokens", std::vector<std::string>{"a", "bc", "def"}},
                  {"types", std::vector<int32_t>{1, 2, 3}},
                  {"scores", std::vector<float>{1, 2, 3}}},
                 {make_tensor("a", {2, 32}, values, StoredType::q4_1),
                  make_tensor("b", {32, 2}, values, StoredType::float16), make_tensor("c", {1}, {1})});
  mutate(good, good.size() - 64 - 128 - 32, folder / "model.gguf", folder / "model.gguf");
}

TEST(Mutation, SplitGguf) {
  const TemporaryFolder folder;
  const auto part = [&](int number) { return folder / fmt::format("m-{:05}-of-00002.gguf", number); };
  const GgufPairs counts{{"split.count", uint16_t{2}}, {"split.tensors.count", int32_t{2}}};
  GgufPairs first = counts, second = counts;
  first.emplace_back("split.no", uint16_t{0});
  first.emplace_back("general.architecture", std::string("llama"));
  second.emplace_back("split.no", uint16_t{1});
  write_gguf(part(1), first, {make_tensor("a", {1}, {1})});
  const std::string good = gguf_bytes(second, {make_tensor("b", {32}, std::vector<float>(32, 0.5f))});
  mutate(good, good.size() - 128, part(2), part(1));
}

// Whole files: their heads are at the end.
TEST(Mutation, TorchArchive) {
  const TemporaryFolder folder;
  write_bytes(folder / "config.json", R"({"model_type": "gpt2"})");
  const std::string state =
      pickle::dict({{"w", pickle::tensor({})}, {"t", pickle::tensor({.sizes = {3, 2}, .strides = {1, 3}})}});
  const std::string good = archive_of(state);
  mutate(good, good.size(), folder / "pytorch_model.bin", folder.path());
}

TEST(Mutation, TorchStream) {
  const TemporaryFolder folder;
  write_bytes(folder / "config.json", R"({"model_type": "gpt2"})");
  const std::string state = pickle::dict({{"w", pickle::tensor({}, true)}, {"n", "N"}});
  const std::string good = stream_of(state, pickle::list({pickle::text("0")}), counted(6, six_floats()));
  mutate(good, good.size() - 24, folder / "pytorch_model.bin", folder.path());
}

// An index beside its shard; what is changed is the index.
TEST(Mutation, Index) {
  const TemporaryFolder folder;
  write_bytes(folder / "config.json", R"({"model_type": "gpt2"})");
  write_safetensors(folder / "one.safetensors", {make_tensor("a", {2}, {1, 2}), make_tensor("b", {1}, {3})});
  const std::string good =
      R"({"metadata":{"total_size":12},"weight_map":{"a":"one.safetensors","b":"one.safetensors"}})";
  mutate(good, good.size(), folder / "model.safetensors.index.json", folder.path());
}

}  // namespace
}  // namespace lstar
