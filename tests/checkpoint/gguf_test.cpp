#include "lstar/checkpoint/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <optional>
#include <tuple>

#include "lstar/checkpoint/gguf_metadata.h"
#include "lstar/checkpoint/shard_name.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using namespace lstar::testing;  // NOLINT(google-build-using-namespace)
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const GgufPairs kPairs{{"general.architecture", std::string("llama")}};

// 64 values that differ.
std::vector<float> ramp(float from, float step) {
  std::vector<float> values(64);
  for (size_t i = 0; i < values.size(); ++i) values[i] = from + step * static_cast<float>(i % 16);
  return values;
}

class Gguf : public ::testing::Test {
 protected:
  std::unique_ptr<Checkpoint> open(const std::string& bytes) {
    write_bytes(path_, bytes);
    auto opened = open_checkpoint(path_);
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? *std::move(opened) : nullptr;
  }
  // The message of opening a file of these bytes, without the file's name.
  std::string message_for(const std::string& bytes) {
    write_bytes(path_, bytes);
    const auto opened = open_checkpoint(path_);
    if (opened) return "opened";
    const std::string message = opened.error().message();
    return message.starts_with(path_ + ": ") ? message.substr(path_.size() + 2) : message;
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_ / "model";  // known by its magic number, not by its name
};

TEST_F(Gguf, ReadsWhatWasWrittenInEveryType) {
  // Steps of a power of two from a power of two: Q4_1 and Q4_0 hold such ramps exactly, Q8_0 nearly.
  std::vector<StoredTensor> stored;
  for (const StoredType type : {StoredType::float64, StoredType::float32, StoredType::float16, StoredType::bfloat16,
                                StoredType::q8_0, StoredType::q4_1})
    stored.push_back(make_tensor(std::string(info(type).name), {2, 32}, ramp(-2, 0.25f), type));
  stored.push_back(make_tensor("three", {2, 3, 4}, std::vector<float>(24, 1.5f)));
  for (const uint32_t version : {2u, 3u}) {
    const auto checkpoint = open(gguf_bytes(kPairs, stored, version));
    ASSERT_NE(checkpoint, nullptr);
    EXPECT_EQ(checkpoint->format(), "gguf");
    EXPECT_EQ(checkpoint->tokenizer().folder, "");
    EXPECT_EQ(checkpoint->find("three")->shape.text(), "[2, 3, 4]");
    for (const StoredTensor& tensor : stored) {
      const TensorInfo* found = checkpoint->find(tensor.name);
      ASSERT_NE(found, nullptr) << tensor.name;
      EXPECT_EQ(found->type, tensor.type);
      if (tensor.name == "three") continue;
      std::vector<float> row(32);
      ASSERT_TRUE(checkpoint->read(*found, {1, 2}, std::span<float>(row)));
      const float tolerance =
          found->type == StoredType::q8_0 ? 2.0f / 127 : 0;  // half a step, and the scale's rounding
      for (size_t i = 0; i < 32; ++i) EXPECT_NEAR(row[i], ramp(-2, 0.25f)[32 + i], tolerance) << tensor.name << i;
    }
  }
}

TEST_F(Gguf, AlignmentIsTheFilesOwn) {
  for (const uint32_t alignment : {1u, 8u, 32u, 256u}) {
    GgufPairs pairs = kPairs;
    pairs.emplace_back("general.alignment", alignment);
    const auto checkpoint =
        open(gguf_bytes(pairs, {make_tensor("a", {3}, {1, 2, 3}), make_tensor("b", {1}, {4}, StoredType::float16),
                                make_tensor("c", {2}, {5, 6})}));
    ASSERT_NE(checkpoint, nullptr);
    std::vector<float> c(2);
    ASSERT_TRUE(checkpoint->read(*checkpoint->find("c"), {0, 1}, std::span<float>(c)));
    EXPECT_THAT(c, ElementsAre(5, 6)) << alignment;
  }
}

TEST_F(Gguf, Metadata) {
  const double tiny = 1e-300;
  GgufPairs pairs{{"general.architecture", std::string("llama")},
                  {"general.name", std::string("a \xff name")},  // not UTF-8
                  {"llama.block_count", uint32_t{30}},
                  {"llama.attention.layer_norm_rms_epsilon", 1e-5f},
                  {"block_count", uint32_t{99}},  // the architecture's own value stands
                  {"model_type", std::string("other")},
                  {"u8", uint8_t{200}},
                  {"i8", int8_t{-3}},
                  {"u16", uint16_t{60000}},
                  {"i16", int16_t{-30000}},
                  {"i32", int32_t{-5}},
                  {"u64", std::numeric_limits<uint64_t>::max()},
                  {"i64", std::numeric_limits<int64_t>::min()},
                  {"f64", tiny},
                  {"nan", std::numeric_limits<float>::quiet_NaN()},
                  {"yes", true},
                  {"no", false},
                  {"strings", std::vector<std::string>{"one", "", std::string("a\0b\xff", 4)}},
                  {"ints", std::vector<int32_t>{-1, 2}},
                  {"uints", std::vector<uint32_t>{1, 4000000000u}},
                  {"floats", std::vector<float>{0.5f, -2}},
                  {"empty", std::vector<std::string>{}}};
  const auto checkpoint = open(gguf_bytes(pairs, {}));
  ASSERT_NE(checkpoint, nullptr);
  const GgufMetadata& metadata = *checkpoint->tokenizer().gguf;
  EXPECT_EQ(metadata.path(), path_);
  EXPECT_EQ(metadata.integer("u8"), 200);
  EXPECT_EQ(metadata.integer("i8"), -3);
  EXPECT_EQ(metadata.integer("u16"), 60000);
  EXPECT_EQ(metadata.integer("i16"), -30000);
  EXPECT_EQ(metadata.integer("i32"), -5);
  EXPECT_EQ(metadata.integer("i64"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(metadata.integer("u64"), std::nullopt);
  EXPECT_EQ(metadata.number("u64"), 0x1p64);
  EXPECT_EQ(metadata.number("i8"), -3);
  EXPECT_EQ(metadata.number("f64"), tiny);
  EXPECT_EQ(metadata.number("llama.attention.layer_norm_rms_epsilon"), static_cast<double>(1e-5f));
  EXPECT_EQ(metadata.boolean("yes"), true);
  EXPECT_EQ(metadata.boolean("no"), false);
  EXPECT_EQ(metadata.string("general.architecture"), "llama");
  const auto strings = metadata.strings("strings");
  ASSERT_TRUE(strings);
  EXPECT_THAT(*strings, ElementsAre("one", "", std::string_view("a\0b\xff", 4)));
  EXPECT_THAT(metadata.integers("ints"), ::testing::Optional(ElementsAre(-1, 2)));
  EXPECT_THAT(metadata.integers("uints"), ::testing::Optional(ElementsAre(1, 4000000000)));
  EXPECT_THAT(metadata.numbers("floats"), ::testing::Optional(ElementsAre(0.5, -2)));
  EXPECT_THAT(metadata.numbers("ints"), ::testing::Optional(ElementsAre(-1, 2)));
  EXPECT_TRUE(metadata.strings("empty")->empty());
  // Another type, or no such key: absent.
  EXPECT_EQ(metadata.integer("f64"), std::nullopt);
  EXPECT_EQ(metadata.integer("yes"), std::nullopt);
  EXPECT_EQ(metadata.integer("ints"), std::nullopt);
  EXPECT_EQ(metadata.boolean("u8"), std::nullopt);
  EXPECT_EQ(metadata.string("strings"), std::nullopt);
  EXPECT_EQ(metadata.strings("ints"), std::nullopt);
  EXPECT_EQ(metadata.integers("floats"), std::nullopt);
  EXPECT_EQ(metadata.numbers("strings"), std::nullopt);
  EXPECT_EQ(metadata.integer("nothing"), std::nullopt);

  const Configuration config = checkpoint->configuration();
  EXPECT_EQ(config.string("model_type"), "llama");
  EXPECT_EQ(config.string("general.architecture"), "llama");
  EXPECT_EQ(config.string("general.name"), "a \xef\xbf\xbd name");
  EXPECT_EQ(config.integer("block_count"), 30);
  EXPECT_EQ(config.number("attention.layer_norm_rms_epsilon"), static_cast<double>(1e-5f));
  EXPECT_EQ(config.integer("i64"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(config.boolean("yes"), true);
  EXPECT_FALSE(config.find("nan"));
  EXPECT_FALSE(config.find("strings"));
  EXPECT_FALSE(config.find("llama.block_count"));
}

TEST_F(Gguf, BrokenHeads) {
  const std::string good = gguf_bytes(kPairs, {make_tensor("w", {8}, std::vector<float>(8, 1))});
  EXPECT_EQ(message_for(good), "opened");
  const auto with = [&good](size_t at, auto value) {
    std::string bytes = good;
    std::memcpy(bytes.data() + at, &value, sizeof value);
    return bytes;
  };
  EXPECT_EQ(message_for("GGUX" + good.substr(4)),
            "not a checkpoint: expected a folder in Hugging Face's layout or a GGUF file");
  EXPECT_EQ(message_for(with(4, uint32_t{1})), "byte 4: GGUF version is not read: expected 2 or 3, found 1");
  EXPECT_EQ(message_for(with(4, uint32_t{0x03000000})),
            "byte 4: GGUF version is not read: expected 2 or 3, found big-endian numbers");
  EXPECT_EQ(message_for(with(8, uint64_t{1} << 60)), "byte 24: more tensors than the file can hold: expected at most " +
                                                         std::to_string((good.size() - 24) / 24) +
                                                         ", found 1152921504606846976");
  EXPECT_EQ(message_for(with(16, uint64_t{1} << 60)),
            "byte 24: more key-value pairs than the file can hold: expected at most " +
                std::to_string((good.size() - 24) / 14) + ", found 1152921504606846976");
  // Byte 24: length of the key, 8 bytes; 20 bytes of key; type, 4 bytes; length of the value.
  EXPECT_EQ(message_for(with(24, uint64_t{1} << 60)),
            "byte 32: truncated in a key: expected 1152921504606846976 more bytes, found " +
                std::to_string(good.size() - 32));
  EXPECT_EQ(message_for(with(24, ~uint64_t{0})),
            "byte 32: truncated in a key: expected 18446744073709551615 more bytes, found " +
                std::to_string(good.size() - 32));
  EXPECT_EQ(message_for(with(32, '\n')), "byte 24: bad key: expected 1 to 65535 printable ASCII characters");
  EXPECT_EQ(message_for(with(52, uint32_t{77})), "byte 52 (key general.architecture): unknown type of value: found 77");
  EXPECT_EQ(
      message_for(with(56, uint64_t{1} << 60)),
      "byte 64 (key general.architecture): truncated in a string: expected 1152921504606846976 more bytes, found " +
          std::to_string(good.size() - 64));
  EXPECT_EQ(message_for(gguf_bytes({}, {})), "has no text general.architecture");
  EXPECT_EQ(message_for(gguf_bytes({{"general.architecture", uint32_t{3}}}, {})), "has no text general.architecture");
  EXPECT_EQ(message_for(gguf_bytes({kPairs[0], {"a", true}, {"a", true}}, {})), "key a: appears twice");
  EXPECT_EQ(
      message_for(gguf_bytes({kPairs[0], {"split.count", uint16_t{3}}}, {})),
      "key split.count: first of several parts, and not named so: expected a name that ends -00001-of-00003.gguf");
  EXPECT_EQ(message_for(gguf_bytes({kPairs[0], {"split.count", uint16_t{1}}}, {})), "opened");
}

TEST_F(Gguf, BrokenArrays) {
  // A file of one pair "a" whose value is an array of this element type and count, with `data` behind it.
  const auto message_of = [&](uint32_t type, uint64_t count, const std::string& data) {
    std::string bytes = gguf_bytes({}, {}).substr(0, 16);
    append(bytes, uint64_t{1});
    append_gguf(bytes, "a");
    append(bytes, uint32_t{9});
    append(bytes, type);
    append(bytes, count);
    return message_for(bytes + data);
  };
  EXPECT_EQ(message_of(9, 1, std::string(16, '\0')), "byte 37 (key a): arrays of arrays are not read");
  EXPECT_EQ(message_of(13, 1, std::string(16, '\0')), "byte 37 (key a): unknown type of array elements: found 13");
  EXPECT_EQ(
      message_of(4, uint64_t{1} << 62, std::string(16, '\0')),
      "byte 49 (key a): more array elements than the file can hold: expected at most 4, found 4611686018427387904");
  EXPECT_EQ(message_of(8, uint64_t{1} << 60, std::string(16, '\0')),
            "byte 49 (key a): more strings than the file can hold: expected at most 2, found 1152921504606846976");
  std::string text;
  append(text, uint64_t{9});
  EXPECT_EQ(message_of(8, 1, text + "12345678"),
            "byte 57 (key a): truncated in an array of strings: expected 9 more bytes, found 8");
}

TEST_F(Gguf, BrokenTensors) {
  const StoredTensor tensor = make_tensor("w", {2, 4}, std::vector<float>(8, 1));
  const std::string good = gguf_bytes(kPairs, {tensor});
  // Entry: length, "w", 2 axes, 4, 2, type, offset.
  const size_t entry = good.find(std::string("w\2\0\0\0", 5)) + 1;
  const auto with = [&](size_t at, auto value) {
    std::string bytes = good;
    std::memcpy(bytes.data() + entry + at, &value, sizeof value);
    return bytes;
  };
  ASSERT_EQ(message_for(with(0, uint32_t{2})), "opened");
  EXPECT_EQ(message_for(with(0, uint32_t{5})), "tensor w: too many axes: expected at most 4, found 5");
  EXPECT_EQ(message_for(with(4, ~uint64_t{0})), "tensor w: axis too long: found 18446744073709551615");
  EXPECT_EQ(message_for(with(4, uint64_t{0})), "opened");                    // an empty tensor
  EXPECT_EQ(message_for(with(0, uint32_t{0})).substr(0, 10), "tensor w: ");  // what was an axis is now a type
  EXPECT_EQ(message_for(with(4, uint64_t{1} << 62)),
            "tensor w: shape has too many elements: found [2, 4611686018427387904]");
  const std::string known =
      "tensor w: type is not read: expected one of F32, F16, BF16, F64, Q8_0, Q4_1, Q4_0, Q5_0, Q5_1, Q2_K, Q3_K, "
      "Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, I8, I16, I32, I64, MXFP4, found ";
  EXPECT_EQ(message_for(with(20, uint32_t{15})), known + "Q8_K");
  EXPECT_EQ(message_for(with(20, uint32_t{16})), known + "IQ2_XXS");
  EXPECT_EQ(message_for(with(20, uint32_t{999})), known + "number 999");
  EXPECT_EQ(message_for(with(20, uint32_t{26})), "opened");  // whole numbers may be there; read() refuses them
  for (const auto& [number, name, elements] :
       {std::tuple{6u, "Q5_0", "32"}, {12u, "Q4_K", "256"}, {14u, "Q6_K", "256"}})
    EXPECT_EQ(message_for(with(20, number)), fmt::format("tensor w: rows of {} must be whole blocks: expected a last "
                                                         "axis that {} divides, found [2, 4]",
                                                         name, elements));
  EXPECT_EQ(message_for(with(20, uint32_t{8})),
            "tensor w: rows of Q8_0 must be whole blocks: expected a last axis that 32 divides, found [2, 4]");
  EXPECT_EQ(message_for(with(24, uint64_t{4})),
            "tensor w: data not aligned: expected an offset that 32 divides, found 4");
  EXPECT_EQ(
      message_for(with(24, uint64_t{32})),
      "tensor w: data lies outside the file (is it truncated?): expected 32 bytes from offset 32, found 32 bytes of "
      "data in all");
  EXPECT_EQ(
      message_for(with(24, uint64_t{1} << 63)),
      "tensor w: data lies outside the file (is it truncated?): expected 32 bytes from offset 9223372036854775808, "
      "found 32 bytes of data in all");
  EXPECT_EQ(
      message_for(good.substr(0, good.size() - 1)),
      "tensor w: data lies outside the file (is it truncated?): expected 32 bytes from offset 0, found 31 bytes of "
      "data in all");
  EXPECT_EQ(message_for(gguf_bytes(kPairs, {tensor, tensor})), "tensor w: appears twice");
  for (const uint32_t alignment : {0u, 24u}) {
    std::string bytes = gguf_bytes({kPairs[0], {"general.alignment", uint32_t{8}}}, {tensor});
    std::memcpy(bytes.data() + bytes.find("general.alignment") + 17 + 4, &alignment, 4);
    EXPECT_EQ(message_for(bytes), "key general.alignment: bad alignment: expected a power of two below 2^32, found " +
                                      std::to_string(alignment));
  }
  // Two tensors in one place.
  std::string two =
      gguf_bytes(kPairs, {make_tensor("a", {8}, std::vector<float>(8)), make_tensor("b", {8}, std::vector<float>(8))});
  const size_t offset = two.find(std::string("b\1\0\0\0", 5)) + 1 + 4 + 8 + 4;
  std::memset(two.data() + offset, 0, 8);
  EXPECT_THAT(message_for(two), StartsWith("tensor b: its data overlaps that of tensor a: expected a start at byte "));
}

class SplitGguf : public ::testing::Test {
 protected:
  std::string path(int part) const { return folder_ / fmt::format("m-{:05}-of-00003.gguf", part); }
  static GgufPairs split(int no, int count, int tensors) {
    return {{"split.no", static_cast<uint16_t>(no)},
            {"split.count", static_cast<uint16_t>(count)},
            {"split.tensors.count", static_cast<int32_t>(tensors)}};
  }
  void write_parts() {
    GgufPairs first = split(0, 3, 4);
    first.emplace_back("general.architecture", std::string("llama"));
    first.emplace_back("llama.block_count", uint32_t{2});
    write_gguf(path(1), first, {make_tensor("a", {2}, {1, 2}), make_tensor("d", {1}, {7})});
    write_gguf(path(2), split(1, 3, 4), {make_tensor("c", {2}, {3, 4})});
    write_gguf(path(3), split(2, 3, 4), {make_tensor("b", {2}, {5, 6}, StoredType::float16)});
  }
  std::string message(int part = 1) const {
    const auto opened = open_checkpoint(path(part));
    if (opened) return "opened";
    const std::string message = opened.error().message();
    return message.starts_with(folder_.path()) ? message.substr(folder_.path().size() + 1) : message;
  }

  TemporaryFolder folder_;
};

TEST_F(SplitGguf, EveryPartNamesTheModel) {
  write_parts();
  for (const std::string& asked : {path(1), path(3), folder_.path()}) {
    const auto checkpoint = open_checkpoint(asked);
    ASSERT_TRUE(checkpoint) << checkpoint.error().message();
    EXPECT_EQ((*checkpoint)->path(), path(1));
    EXPECT_EQ((*checkpoint)->configuration().integer("block_count"), 2);
    ASSERT_EQ((*checkpoint)->tensors().size(), 4u);
    EXPECT_EQ((*checkpoint)->files().size(), 3u);
    const TensorInfo& b = *(*checkpoint)->find("b");
    EXPECT_EQ((*checkpoint)->file_of(b), path(3));
    std::vector<float> values(2);
    ASSERT_TRUE((*checkpoint)->read(b, {0, 1}, std::span<float>(values)));
    EXPECT_THAT(values, ElementsAre(5, 6));
  }
}

TEST_F(SplitGguf, PartsThatDoNotFit) {
  write_parts();
  write_gguf(path(2), split(2, 3, 4), {make_tensor("c", {2}, {3, 4})});
  EXPECT_EQ(message(), "m-00002-of-00003.gguf: key split.no: part of another model, or misnamed: expected 1, found 2");
  write_gguf(path(2), split(1, 4, 4), {make_tensor("c", {2}, {3, 4})});
  EXPECT_EQ(message(),
            "m-00002-of-00003.gguf: key split.count: part of another model, or misnamed: expected 3, found 4");
  write_gguf(path(2), {}, {make_tensor("c", {2}, {3, 4})});
  EXPECT_EQ(message(),
            "m-00002-of-00003.gguf: key split.no: part of another model, or misnamed: expected 1, found none");
  write_gguf(path(2), split(1, 3, 4), {});
  EXPECT_EQ(message(),
            "m-00001-of-00003.gguf: key split.tensors.count: part of another model, or misnamed: expected 3, found 4");
  write_gguf(path(2), split(1, 3, 4), {make_tensor("a", {2}, {3, 4})});
  EXPECT_EQ(message(), "m-00002-of-00003.gguf: tensor a: appears twice, first in m-00001-of-00003.gguf");
  write_bytes(path(2), "GGUF");
  EXPECT_EQ(message(), "m-00002-of-00003.gguf: byte 4: truncated in the head: expected 4 more bytes, found 0");
  std::filesystem::remove(path(2));
  EXPECT_EQ(message(3), "m-00002-of-00003.gguf: cannot be opened: No such file or directory");
  std::filesystem::rename(path(1), path(2));
  EXPECT_EQ(message(2), "m-00001-of-00003.gguf: cannot be opened: No such file or directory");
}

TEST(GgufPartName, Forms) {
  const auto name = parse_gguf_part_name("a/b-c-00002-of-00010.gguf");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->before, "a/b-c-");
  EXPECT_EQ(name->number, 2);
  EXPECT_EQ(name->count, 10);
  EXPECT_EQ(name->name(3), "a/b-c-00003-of-00010.gguf");
  for (const char* other :
       {"a.gguf", "a-00000-of-00003.gguf", "a-00004-of-00003.gguf", "a-1-of-3.gguf", "a-00001-of-00003",
        "a00001-of-00003.gguf", "a-00001-of-00003.x.gguf", "-0001-of-00003.gguf", ""})
    EXPECT_FALSE(parse_gguf_part_name(other)) << other;
}

TEST_F(Gguf, EveryPrefixIsAnError) {
  const std::string good = gguf_bytes(
      {kPairs[0], {"llama.block_count", uint32_t{2}}, {"tokens", std::vector<std::string>{"a", "bc"}}, {"f", 1.0}},
      {make_tensor("w", {2, 32}, ramp(0, 1), StoredType::q4_1), make_tensor("n", {8}, std::vector<float>(8, 1))});
  EXPECT_EQ(message_for(good), "opened");
  EXPECT_THAT(message_for(""), StartsWith("an empty file"));
  for (size_t size = 1; size < good.size(); ++size) {
    const std::string message = message_for(good.substr(0, size));
    ASSERT_THAT(message,
                AnyOf(HasSubstr("truncated"), HasSubstr("than the file can hold"), StartsWith("not a checkpoint")))
        << size;
  }
}

}  // namespace
}  // namespace lstar
