#include "lstar/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

#include "tests/support/checkpoint_writer.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using namespace lstar::testing;  // NOLINT(google-build-using-namespace)
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<float> counting(size_t count, float step = 1) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = step * (static_cast<float>(i) - 3);
  return values;
}

class Safetensors : public ::testing::Test {
 protected:
  void SetUp() override { write_bytes(folder_ / "config.json", R"({"model_type": "gpt2", "n_layer": 2})"); }

  // The message of opening a folder whose model.safetensors is this, with the folder's own name taken out.
  std::string message_for(const std::string& bytes) {
    write_bytes(folder_ / "model.safetensors", bytes);
    return message();
  }
  std::string message() {
    const auto opened = open_checkpoint(folder_.path());
    if (opened) return "opened";
    std::string text = opened.error().message();
    const std::string prefix = folder_.path();
    if (text.starts_with(prefix)) text.erase(0, prefix.size());
    return text;
  }

  TemporaryFolder folder_;
};

TEST_F(Safetensors, ReadsWhatWasWrittenInEveryType) {
  const std::vector<float> values = counting(24, 0.25f);  // exact in every type
  std::vector<StoredTensor> stored;
  for (const StoredType type : {StoredType::float64, StoredType::float32, StoredType::float16, StoredType::bfloat16})
    stored.push_back(make_tensor(std::string(info(type).name), {2, 3, 4}, values, type));
  write_safetensors(folder_ / "model.safetensors", stored);
  const auto checkpoint = open_checkpoint(folder_.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  EXPECT_EQ((*checkpoint)->format(), "safetensors");
  EXPECT_EQ((*checkpoint)->tokenizer().folder, folder_.path());
  EXPECT_EQ((*checkpoint)->configuration().integer("n_layer"), 2);
  for (const StoredTensor& tensor : stored) {
    const TensorInfo* found = (*checkpoint)->find(tensor.name);
    ASSERT_NE(found, nullptr) << tensor.name;
    EXPECT_EQ(found->type, tensor.type);
    EXPECT_EQ(found->shape.text(), "[2, 3, 4]");
    EXPECT_EQ(found->shape.rows(), 6);
    EXPECT_EQ((*checkpoint)->file_of(*found), folder_ / "model.safetensors");
    std::vector<float> all(24);
    ASSERT_TRUE((*checkpoint)->read(*found, {0, 6}, std::span<float>(all)));
    EXPECT_EQ(all, values) << tensor.name;
    std::vector<double> some(8);
    ASSERT_TRUE((*checkpoint)->read(*found, {3, 5}, std::span<double>(some)));
    EXPECT_EQ(some, std::vector<double>(values.begin() + 12, values.begin() + 20)) << tensor.name;
    (*checkpoint)->drop(*found);
    ASSERT_TRUE((*checkpoint)->read(*found, {0, 6}, std::span<float>(all)));
    EXPECT_EQ(all, values) << "after drop, " << tensor.name;
    const auto rows = (*checkpoint)->stored_rows(*found, {3, 5});
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(rows.data()), rows.size()),
              tensor.bytes.substr(tensor.bytes.size() / 2, tensor.bytes.size() / 3))
        << tensor.name;
    EXPECT_TRUE((*checkpoint)->stored_rows(*found, {5, 7}).empty());
  }
  EXPECT_EQ((*checkpoint)->find("float3"), nullptr);
  EXPECT_EQ((*checkpoint)->find("zzz"), nullptr);
}

TEST_F(Safetensors, VectorsScalarsAndEmptyTensors) {
  write_safetensors(folder_ / "model.safetensors",
                    {make_tensor("vector", {3}, {1, 2, 3}), make_tensor("scalar", {}, {7}),
                     make_tensor("no rows", {0, 4}, {}), make_tensor("no columns", {4, 0}, {})});
  const auto checkpoint = open_checkpoint(folder_.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  const auto read_all = [&](std::string_view name) {
    const TensorInfo* tensor = (*checkpoint)->find(name);
    std::vector<float> out(static_cast<size_t>(tensor->shape.elements()));
    const auto done = (*checkpoint)->read(*tensor, {0, tensor->shape.rows()}, std::span<float>(out));
    EXPECT_TRUE(done) << done.error().message();
    return out;
  };
  EXPECT_THAT(read_all("vector"), ElementsAre(1, 2, 3));
  EXPECT_EQ((*checkpoint)->find("vector")->shape.rows(), 1);
  EXPECT_THAT(read_all("scalar"), ElementsAre(7));
  EXPECT_TRUE(read_all("no rows").empty());
  EXPECT_TRUE(read_all("no columns").empty());
}

TEST_F(Safetensors, ReadRefusesWhatDoesNotFit) {
  write_safetensors(folder_ / "model.safetensors", {make_tensor("mask", {2, 2}, {1, 0, 1, 1}, StoredType::boolean),
                                                    make_tensor("w", {2, 3}, counting(6))});
  const auto checkpoint = open_checkpoint(folder_.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  const auto message_of = [&](const TensorInfo& tensor, RowRange rows, size_t size) {
    std::vector<float> out(size);
    const auto done = (*checkpoint)->read(tensor, rows, std::span<float>(out));
    return done ? std::string("read") : done.error().message().substr(folder_.path().size());
  };
  const TensorInfo& w = *(*checkpoint)->find("w");
  EXPECT_EQ(message_of(w, {0, 2}, 6), "read");
  EXPECT_EQ(message_of(TensorInfo(w), {0, 2}, 6), "read");  // a copy of the description is as good
  EXPECT_EQ(message_of(w, {1, 3}, 6),
            "/model.safetensors: tensor w: rows out of range: expected within 0..2, found 1..3");
  EXPECT_EQ(message_of(w, {-1, 1}, 6),
            "/model.safetensors: tensor w: rows out of range: expected within 0..2, found -1..1");
  EXPECT_EQ(message_of(w, {2, 1}, 0),
            "/model.safetensors: tensor w: rows out of range: expected within 0..2, found 2..1");
  EXPECT_EQ(message_of(w, {0, 2}, 5),
            "/model.safetensors: tensor w: output of another size: expected 6 elements, found 5");
  EXPECT_EQ(message_of(*(*checkpoint)->find("mask"), {0, 2}, 4),
            "/model.safetensors: tensor mask: holds no weights: expected a floating-point type, found bool");
  EXPECT_EQ(message_of({.name = "other"}, {0, 1}, 1), ": tensor other: not in this checkpoint");
}

TEST_F(Safetensors, BrokenHeaders) {
  const std::string good = safetensors_bytes({make_tensor("w", {2, 3}, counting(6))});
  EXPECT_EQ(message_for(good), "opened");
  EXPECT_EQ(message_for("\1\2\3\4\5\6\7"),
            "/model.safetensors: truncated: shorter than the length of its header: expected at least 8 bytes, found 7");
  EXPECT_EQ(message_for(""), "/model.safetensors: an empty file: fetch it again");
  std::string long_header = good;
  const uint64_t length = uint64_t{1} << 60;
  std::memcpy(long_header.data(), &length, 8);
  EXPECT_EQ(message_for(long_header),
            "/model.safetensors: byte 0: header too long (is this a safetensors file?): expected at most " +
                std::to_string(good.size() - 8) + " bytes, found 1152921504606846976");
  EXPECT_THAT(message_for(safetensors_bytes("{\"w\": ", "")),
              StartsWith("/model.safetensors: header: not valid JSON: found "));
  EXPECT_EQ(message_for(safetensors_bytes("[1, 2]", "")), "/model.safetensors: header is not a JSON object");
  EXPECT_EQ(message_for(safetensors_bytes(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                          R"("w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                                          "x")),
            "/model.safetensors: key w: header: key appears twice in one object");
}

TEST_F(Safetensors, BrokenTensors) {
  const auto message_of = [&](const std::string& entry, size_t data = 24) {
    return message_for(safetensors_bytes("{\"w\":" + entry + "}", std::string(data, '\0')));
  };
  EXPECT_EQ(message_of(R"({"dtype":"F32","shape":[2,3],"data_offsets":[0,24]})"), "opened");
  EXPECT_EQ(message_of(R"({"dtype":"F32","shape":[2,3],"data_offsets":[0,24]})", 23),
            "/model.safetensors: tensor w: data_offsets lie outside the file (is it truncated?): expected an end of at "
            "most 23, found 24");
  EXPECT_EQ(message_of(R"({"dtype":"F32","shape":[2,3],"data_offsets":[8,32]})"),
            "/model.safetensors: tensor w: data_offsets lie outside the file (is it truncated?): expected an end of at "
            "most 24, found 32");
  for (const char* offsets : {"[24,0]", "[-1,23]", "[0]", "[0,24,24]", "[0,24.0]", "7"})
    EXPECT_THAT(
        message_of(R"({"dtype":"F32","shape":[2,3],"data_offsets":)" + std::string(offsets) + "}"),
        StartsWith("/model.safetensors: tensor w: bad data_offsets: expected [begin, end] with 0 <= begin <= end, "
                   "found "))
        << offsets;
  EXPECT_EQ(message_of(R"({"dtype":"F32","shape":[2,3]})"),
            "/model.safetensors: tensor w: bad data_offsets: expected [begin, end] with 0 <= begin <= end, found none");
  EXPECT_EQ(
      message_of(R"({"dtype":"F32","shape":[2,2],"data_offsets":[0,24]})"),
      "/model.safetensors: tensor w: size does not match its shape: expected 16 bytes for float32 [2, 2], found 24");
  EXPECT_EQ(message_of(R"({"dtype":"F8_E4M3","shape":[24],"data_offsets":[0,24]})"), "opened");
  EXPECT_EQ(message_of(R"({"dtype":"F8","shape":[24],"data_offsets":[0,24]})"),
            "/model.safetensors: tensor w: unknown dtype: expected one of F64, F32, F16, BF16, F8_E4M3, F8_E5M2, "
            "F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ, F6_E2M3, F6_E3M2, F4, C64, I64, I32, I16, I8, U64, U32, U16, U8, BOOL, "
            "found F8");
  EXPECT_EQ(message_of(R"({"dtype":"F6_E2M3","shape":[2,16],"data_offsets":[0,24]})"), "opened");
  EXPECT_EQ(message_of(R"({"dtype":"F4","shape":[3,16],"data_offsets":[0,24]})"), "opened");
  EXPECT_EQ(message_of(R"({"dtype":"F4","shape":[16,3],"data_offsets":[0,24]})"),
            "/model.safetensors: tensor w: rows of float4 must be whole blocks: expected a last axis that 2 divides, "
            "found [16, 3]");
  EXPECT_EQ(message_of(R"({"dtype":"C64","shape":[3],"data_offsets":[0,24]})"), "opened");
  EXPECT_EQ(message_of(R"({"shape":[24],"data_offsets":[0,24]})"), "/model.safetensors: tensor w: has no dtype");
  EXPECT_EQ(message_of(R"({"dtype":"F32","data_offsets":[0,24]})"), "/model.safetensors: tensor w: has no shape");
  EXPECT_EQ(message_of("3"), "/model.safetensors: tensor w: has no dtype");
  EXPECT_EQ(message_of(R"({"dtype":"F32","shape":[-2,-3],"data_offsets":[0,24]})"),
            "/model.safetensors: tensor w: bad shape: expected axes that are whole numbers, not negative, found -2");
  EXPECT_EQ(message_of(R"({"dtype":"F32","shape":[4294967296,4294967296,6],"data_offsets":[0,24]})"),
            "/model.safetensors: tensor w: shape has too many elements: found [4294967296, 4294967296, 6]");
  EXPECT_EQ(message_of(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,24]})"),
            "/model.safetensors: tensor w: shape has too many elements: found [4611686018427387904]");
  EXPECT_EQ(message_for(safetensors_bytes(R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},)"
                                          R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                                          std::string(12, 'x'))),
            "/model.safetensors: tensor b: its data overlaps that of tensor a: expected a start at byte 124 or later, "
            "found byte 120");
}

TEST_F(Safetensors, FoldersThatLackSomething) {
  EXPECT_EQ(message(),
            ": the folder has no weights: expected model.safetensors or pytorch_model.bin, whole or in shards "
            "behind an index");
  write_bytes(folder_ / "training_args.bin", "not a model");
  EXPECT_THAT(message(), StartsWith(": the folder has no weights"));
  write_safetensors(folder_ / "other.safetensors", {make_tensor("a", {2}, {1, 2})});
  EXPECT_EQ(message(), "opened");
  write_safetensors(folder_ / "another.safetensors", {make_tensor("a", {2}, {1, 2})});
  EXPECT_EQ(message(),
            ": holds 2 sets of weights: another.safetensors, other.safetensors; leave one of them there, or name it "
            "model.safetensors");
  write_bytes(folder_ / "config.json", "[]");
  EXPECT_EQ(message(), "/config.json: not a JSON object");
  write_bytes(folder_ / "config.json", "{");
  EXPECT_THAT(message(), StartsWith("/config.json: line 1, column "));
  std::filesystem::remove(folder_ / "config.json");
  EXPECT_EQ(message(),
            ": holds weights (another.safetensors, other.safetensors) and no config.json: put their "
            "model's config.json beside them");
  EXPECT_EQ(open_checkpoint(folder_ / "nowhere").error().message(),
            folder_ / "nowhere" + ": not on disk: expected a folder in Hugging Face's layout, or a .gguf file");
  write_bytes(folder_ / "text", "GG, no checkpoint");
  EXPECT_EQ(open_checkpoint(folder_ / "text").error().message(),
            folder_ / "text" + ": a text in place of a model: \"GG, no checkpoint\"");
  write_bytes(folder_ / "bytes", "\1\2\3");
  EXPECT_EQ(open_checkpoint(folder_ / "bytes").error().message(),
            folder_ / "bytes" + ": not a checkpoint: expected a folder in Hugging Face's layout or a GGUF file");
}

// What torch makes of every byte (tools/oracle/record_float8.py), to the bit, but that any NaN is as good.
TEST(Float8, EveryByte) {
  const auto opened = open_checkpoint(LSTAR_SOURCE_DIR "/tests/data/float8");
  ASSERT_TRUE(opened) << opened.error().message();
  int types = 0;
  for (const TensorInfo& tensor : (*opened)->tensors()) {
    if (tensor.type == StoredType::float32) continue;
    ++types;
    std::vector<float> expected(256), values(256);
    ASSERT_TRUE((*opened)->read(*(*opened)->find(tensor.name + ".widened"), {0, 1}, std::span<float>(expected)));
    ASSERT_TRUE((*opened)->read(tensor, {0, 1}, std::span<float>(values)));
    std::vector<double> doubles(256);
    ASSERT_TRUE((*opened)->read(tensor, {0, 1}, std::span<double>(doubles)));
    for (size_t i = 0; i < 256; ++i) {
      if (std::isnan(expected[i])) {
        EXPECT_TRUE(std::isnan(values[i]) && std::isnan(doubles[i])) << tensor.name << " " << i;
        continue;
      }
      EXPECT_EQ(std::bit_cast<uint32_t>(values[i]), std::bit_cast<uint32_t>(expected[i])) << tensor.name << " " << i;
      EXPECT_EQ(doubles[i], static_cast<double>(expected[i])) << tensor.name << " " << i;
    }
  }
  EXPECT_EQ(types, 5);
}

TEST_F(Safetensors, Float8WithAScaleIsNotReadWithoutIt) {
  const std::string entry = R"({"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]})";
  for (const char* scale : {"q.weight_scale_inv", "q.weight_scale"}) {
    write_bytes(folder_ / "model.safetensors",
                safetensors_bytes(R"({"q.weight":)" + entry + R"(,")" + scale +
                                      R"(":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
                                  std::string(6, 'x')));
    const auto opened = open_checkpoint(folder_.path());
    ASSERT_TRUE(opened) << opened.error().message();
    std::vector<float> out(2);
    const auto read = (*opened)->read(*(*opened)->find("q.weight"), {0, 1}, std::span<float>(out));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().message().substr(folder_.path().size()),
              "/model.safetensors: tensor q.weight: its scales lie in another tensor and are not applied: found " +
                  std::string(scale));
  }
}

TEST_F(Safetensors, HostileFiles) {
  const std::string entry = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", eight(8, 'x');
  EXPECT_EQ(message_for(safetensors_bytes(R"({"w":)" + entry + R"(,"w":)" + entry + "}", eight)),
            "/model.safetensors: key w: header: key appears twice in one object");
  EXPECT_EQ(
      message_for(safetensors_bytes(R"({"w":{"dtype":"F32","dtype":"F16","shape":[2],"data_offsets":[0,8]}})", eight)),
      "/model.safetensors: key dtype: header: key appears twice in one object");
  const std::string deep(100'000, '[');
  EXPECT_THAT(message_for(safetensors_bytes(R"({"w":)" + deep, eight)),
              StartsWith("/model.safetensors: header: not valid JSON: found "));
  EXPECT_EQ(message_for(
                safetensors_bytes(R"({"w":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}})", "")),
            "opened");
  EXPECT_EQ(message_for(safetensors_bytes(
                R"({"w":{"dtype":"F32","shape":[9223372036854775807,2,0],"data_offsets":[0,0]}})", "")),
            "/model.safetensors: tensor w: shape has too many elements: found [9223372036854775807, 2, 0]");
  EXPECT_EQ(
      message_for(safetensors_bytes(R"({"w":{"dtype":"F32","shape":[1e3],"data_offsets":[0,8]}})", eight)),
      "/model.safetensors: tensor w: bad shape: expected axes that are whole numbers, not negative, found 1000.0");
  // A name with line ends stays one line.
  EXPECT_THAT(message_for(safetensors_bytes(R"({"a\nb\u001b[2J":3})", eight)),
              StartsWith("/model.safetensors: tensor a b [2J: has no dtype"));
  // Links that lead round, a pipe, a folder.
  std::filesystem::remove(folder_ / "model.safetensors");
  std::filesystem::create_symlink("model.safetensors", folder_ / "model.safetensors");
  EXPECT_NE(message(), "opened");
  std::filesystem::remove(folder_ / "model.safetensors");
  ASSERT_EQ(::mkfifo((folder_ / "model.safetensors").c_str(), 0600), 0);
  EXPECT_EQ(message(), "/model.safetensors: not a regular file");
  std::filesystem::remove(folder_ / "config.json");
  ASSERT_EQ(::mkfifo((folder_ / "config.json").c_str(), 0600), 0);
  EXPECT_EQ(message(), "/config.json: not a regular file");
  std::filesystem::remove(folder_ / "config.json");
  write_bytes(folder_ / "config.json", R"({"model_type":)" + deep);
  EXPECT_THAT(message(), StartsWith("/config.json: line 1, column "));
}

class Sharded : public Safetensors {
 protected:
  void SetUp() override {
    Safetensors::SetUp();
    write_safetensors(folder_ / "one.safetensors", {make_tensor("a", {2}, {1, 2}), make_tensor("c", {1}, {3})});
    write_safetensors(folder_ / "two.safetensors", {make_tensor("b", {2}, {4, 5})});
  }
  std::string with_index(const std::string& map) {
    write_bytes(folder_ / "model.safetensors.index.json", R"({"metadata":{},"weight_map":)" + map + "}");
    return message();
  }
};

TEST_F(Sharded, EqualsASingleFile) {
  ASSERT_EQ(with_index(R"({"a":"one.safetensors","b":"two.safetensors","c":"one.safetensors"})"), "opened");
  const auto sharded = *open_checkpoint(folder_.path());
  EXPECT_EQ(sharded->file_of(*sharded->find("b")), folder_ / "two.safetensors");
  EXPECT_EQ(sharded->files().size(), 2u);
  write_safetensors(folder_ / "model.safetensors",
                    {make_tensor("c", {1}, {3}), make_tensor("b", {2}, {4, 5}), make_tensor("a", {2}, {1, 2})});
  const auto single = *open_checkpoint(folder_.path());
  EXPECT_EQ(single->files().size(), 1u);
  ASSERT_EQ(single->tensors().size(), sharded->tensors().size());
  for (size_t i = 0; i < 3; ++i) {
    const TensorInfo &left = single->tensors()[i], &right = sharded->tensors()[i];
    EXPECT_EQ(left.name, right.name);
    EXPECT_EQ(left.shape, right.shape);
    std::vector<float> x(static_cast<size_t>(left.shape.elements())), y(x.size());
    ASSERT_TRUE(single->read(left, {0, 1}, std::span<float>(x)));
    ASSERT_TRUE(sharded->read(right, {0, 1}, std::span<float>(y)));
    EXPECT_EQ(x, y) << left.name;
  }
}

// An index that is older than its shards: a tensor is found where it is, and what nobody asks for may be nowhere.
TEST_F(Sharded, StaleIndexes) {
  ASSERT_EQ(with_index(R"({"a":"two.safetensors","b":"one.safetensors","d":"two.safetensors"})"), "opened");
  const auto opened = *open_checkpoint(folder_.path());
  EXPECT_EQ(opened->file_of(*opened->find("a")), folder_ / "one.safetensors");
  EXPECT_EQ(opened->file_of(*opened->find("b")), folder_ / "two.safetensors");
  EXPECT_EQ(opened->find("d"), nullptr);
  ASSERT_NE(opened->why_unread("d"), nullptr);
  EXPECT_EQ(opened->why_unread("d")->message(),
            folder_ /
                "two.safetensors: tensor d: not in the shard that model.safetensors.index.json names, nor in "
                "another");
}

TEST_F(Sharded, BrokenIndexes) {
  for (const char* name : {"../x.safetensors", "/etc/x", "..", ".", "", "sub/x.safetensors", "x\\u0000y"})
    EXPECT_THAT(
        with_index(R"({"a":")" + std::string(name) + "\"}"),
        StartsWith("/model.safetensors.index.json: tensor a: bad shard name: expected a plain file name, found \""))
        << name;
  EXPECT_EQ(with_index(R"({"a":3})"),
            "/model.safetensors.index.json: tensor a: bad shard name: expected a plain file name, found 3");
  EXPECT_EQ(with_index("{}"), "/model.safetensors.index.json: weight_map names no tensor");
  EXPECT_EQ(with_index("[]"), "/model.safetensors.index.json: has no object weight_map");
  EXPECT_EQ(with_index(R"({"a":"one.safetensors","b":"three.safetensors"})"),
            "/three.safetensors: shard: cannot be opened: No such file or directory");
  write_safetensors(folder_ / "two.safetensors", {make_tensor("b", {1}, {4}), make_tensor("c", {1}, {4})});
  EXPECT_EQ(with_index(R"({"a":"one.safetensors","b":"two.safetensors","c":"one.safetensors"})"),
            "/two.safetensors: tensor c: appears twice, first in one.safetensors");
  std::filesystem::remove(folder_ / "two.safetensors");
  std::filesystem::create_directory(folder_ / "two.safetensors");
  EXPECT_EQ(with_index(R"({"a":"one.safetensors","b":"two.safetensors"})"),
            "/two.safetensors: shard: not a regular file");
}

TEST(Zoo, EveryMiniatureOpens) {
  int models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(LSTAR_SOURCE_DIR "/zoo")) {
    if (!std::filesystem::exists(entry.path() / "config.json")) continue;
    const auto checkpoint = open_checkpoint(entry.path());
    ASSERT_TRUE(checkpoint) << checkpoint.error().message();
    double squares = 0;
    int64_t elements = 0;
    for (const TensorInfo& tensor : (*checkpoint)->tensors()) {
      EXPECT_EQ(tensor.type, StoredType::float16) << tensor.name;
      std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
      ASSERT_TRUE((*checkpoint)->read(tensor, {0, tensor.shape.rows()}, std::span<float>(values)));
      for (const float value : values) squares += static_cast<double>(value) * value;
      elements += tensor.shape.elements();
    }
    EXPECT_TRUE(std::isfinite(squares));
    EXPECT_GT(squares, 0) << entry.path();
    EXPECT_GT(elements, 1'500'000) << entry.path();
    ++models;
  }
  EXPECT_EQ(models, 6);
}

}  // namespace
}  // namespace lstar
