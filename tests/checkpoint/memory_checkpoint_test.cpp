// Tensors where a program has them: in place, through strides, and refused where they do not fit their memory.
#include "lstar/checkpoint/memory_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "tests/support/stored_numbers.h"

namespace lstar {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

std::vector<float> counted(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0f);
  return values;
}

template <class T>
std::span<const std::byte> bytes_of(const T& values) {
  return std::as_bytes(std::span(values));
}

std::unique_ptr<Checkpoint> made(std::vector<MemoryTensor> tensors) {
  auto checkpoint = MemoryCheckpoint::from(std::move(tensors), "{}");
  EXPECT_TRUE(checkpoint) << checkpoint.error().message();
  return checkpoint ? *std::move(checkpoint) : nullptr;
}

std::vector<float> read(const Checkpoint& checkpoint, const std::string& name, RowRange rows) {
  const TensorInfo& tensor = *checkpoint.find(name);
  std::vector<float> values(static_cast<size_t>(rows.count() * tensor.shape.cols()));
  const auto done = checkpoint.read(tensor, rows, std::span(values));
  EXPECT_TRUE(done) << done.error().message();
  return values;
}

TEST(MemoryCheckpoint, DenseRowsStayWhereTheyAre) {
  const std::vector<float> values = counted(12);
  std::string odd = " ";  // at an odd address
  for (const float value : values) testing::append(odd, testing::float16_bits(value));
  const auto checkpoint = made({{.name = "w", .shape = {{3, 4}}, .bytes = bytes_of(values)},
                                {.name = "half",
                                 .type = StoredType::float16,
                                 .shape = {{2, 3, 2}},
                                 .bytes = bytes_of(odd).subspan(1),
                                 .strides = {6, 2, 1}},
                                {.name = "one", .shape = {}, .bytes = bytes_of(values).subspan(20)},
                                {.name = "none", .shape = {{0, 4}}, .bytes = {}}});
  ASSERT_NE(checkpoint, nullptr);
  EXPECT_EQ(checkpoint->format(), "memory");
  EXPECT_EQ(checkpoint->path(), "memory");
  EXPECT_THAT(checkpoint->files(), IsEmpty());
  EXPECT_EQ(checkpoint->tensors().size(), 4u);
  const TensorInfo &w = *checkpoint->find("w"), &half = *checkpoint->find("half");
  EXPECT_EQ(checkpoint->stored_rows(w, {1, 3}).data(), bytes_of(values).data() + 16);
  EXPECT_EQ(checkpoint->stored_rows(w, {1, 3}).size(), 32u);
  EXPECT_EQ(checkpoint->stored_rows(half, {0, 6}).data(), bytes_of(odd).data() + 1) << "strides of dense rows";
  EXPECT_THAT(checkpoint->stored_rows(w, {2, 4}), IsEmpty());
  EXPECT_THAT(read(*checkpoint, "w", {1, 2}), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(read(*checkpoint, "half", {4, 6}), ElementsAre(8, 9, 10, 11));
  EXPECT_THAT(read(*checkpoint, "one", {0, 1}), ElementsAre(5));
  EXPECT_THAT(read(*checkpoint, "none", {0, 0}), IsEmpty());
  std::vector<float> out(4);
  const auto refused = checkpoint->read(w, {3, 4}, std::span(out));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "memory: tensor w: rows out of range: expected within 0..3, found 3..4");
  checkpoint->drop(w);
  EXPECT_THAT(read(*checkpoint, "w", {0, 1}), ElementsAre(0, 1, 2, 3));
}

TEST(MemoryCheckpoint, Strides) {
  const std::vector<float> values = counted(24);
  const std::vector<double> doubles{0.1, 9, 0.2, 9, 0.3};
  const auto whole = bytes_of(values);
  const auto checkpoint = made(
      {{.name = "transposed", .shape = {{3, 4}}, .bytes = whole, .strides = {1, 3}},
       {.name = "slice", .shape = {{2, 3}}, .bytes = whole.subspan(4), .strides = {6, 1}},
       {.name = "permuted", .shape = {{2, 3, 4}}, .bytes = whole, .strides = {1, 2, 6}},
       {.name = "same", .shape = {{2, 2}}, .bytes = whole.first(4), .strides = {0, 0}},
       {.name = "one row", .shape = {{1, 3}}, .bytes = whole, .strides = {99, 1}},
       {.name = "doubles", .type = StoredType::float64, .shape = {{3}}, .bytes = bytes_of(doubles), .strides = {2}}});
  ASSERT_NE(checkpoint, nullptr);
  EXPECT_THAT(read(*checkpoint, "transposed", {0, 3}), ElementsAre(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11));
  EXPECT_THAT(read(*checkpoint, "transposed", {1, 2}), ElementsAre(1, 4, 7, 10));
  EXPECT_THAT(read(*checkpoint, "slice", {0, 2}), ElementsAre(1, 2, 3, 7, 8, 9));
  EXPECT_THAT(read(*checkpoint, "permuted", {4, 5}), ElementsAre(3, 9, 15, 21)) << "row (1, 1)";
  EXPECT_THAT(read(*checkpoint, "same", {0, 2}), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(read(*checkpoint, "one row", {0, 1}), ElementsAre(0, 1, 2));
  EXPECT_THAT(checkpoint->stored_rows(*checkpoint->find("slice"), {0, 1}), IsEmpty());
  EXPECT_FALSE(checkpoint->stored_rows(*checkpoint->find("one row"), {0, 1}).empty());
  std::vector<double> out(3);
  ASSERT_TRUE(checkpoint->read(*checkpoint->find("doubles"), {0, 1}, std::span(out)));
  EXPECT_THAT(out, ElementsAre(0.1, 0.2, 0.3));
}

// Each way not to fit: the error's message, and that nothing was read on the way to it.
TEST(MemoryCheckpoint, WhatDoesNotFit) {
  const std::vector<float> values = counted(12);
  const auto whole = bytes_of(values);
  const auto message = [](std::vector<MemoryTensor> tensors) {
    const auto checkpoint = MemoryCheckpoint::from(std::move(tensors), "{}", {.name = "mine"});
    if (checkpoint) return std::string("made");
    EXPECT_EQ(checkpoint.error().kind, ErrorKind::argument);
    return checkpoint.error().message();
  };
  const MemoryTensor good{.name = "w", .shape = {{3, 4}}, .bytes = whole};
  EXPECT_EQ(message({good}), "made");
  const auto with = [&](auto change) {
    MemoryTensor tensor = good;
    change(tensor);
    return message({tensor});
  };
  EXPECT_EQ(message({good, {.name = "v", .shape = {{1}}, .bytes = whole}, good}), "mine: tensor w: appears twice");
  EXPECT_EQ(with([](auto& t) {
              t.shape = {{3, 5}};
            }),
            "mine: tensor w: reaches beyond its memory: expected 60 bytes, found 48");
  EXPECT_EQ(with([](auto& t) { t.bytes = {}; }), "mine: tensor w: a null pointer");
  EXPECT_EQ(with([](auto& t) { t.shape = {{-3, 4}}; }), "mine: tensor w: negative axis in shape: found [-3, 4]");
  EXPECT_EQ(with([](auto& t) {
              t.shape = {{kMost, kMost}};
            }),
            "mine: tensor w: shape has too many elements: found [9223372036854775807, 9223372036854775807]");
  EXPECT_EQ(with([](auto& t) {
              t.shape = {{kMost, 1}};
            }),
            "mine: tensor w: shape has too many elements: found [9223372036854775807, 1]");
  EXPECT_EQ(with([](auto& t) { t.strides = {4}; }),
            "mine: tensor w: strides do not fit the shape: expected 2 of them, found 1");
  EXPECT_EQ(with([](auto& t) {
              t.strides = {-4, 1};
            }),
            "mine: tensor w: a negative stride: copy the tensor first: found -4");
  EXPECT_EQ(with([](auto& t) {
              t.strides = {5, 1};
            }),
            "mine: tensor w: reaches beyond its memory: expected 56 bytes, found 48");
  EXPECT_EQ(with([](auto& t) {
              t.strides = {kMost, 1};
            }),
            "mine: tensor w: strides reach too far: found 9223372036854775807, 1");
  EXPECT_EQ(with([](auto& t) {
              t.strides = {kMost / 4, kMost / 4};
            }),
            "mine: tensor w: strides reach too far: found 2305843009213693951, 2305843009213693951");
  EXPECT_EQ(with([](auto& t) {
              t.type = StoredType::q8_0;
              t.shape = {{1, 33}};
            }),
            "mine: tensor w: rows of Q8_0 must be whole blocks: expected a last axis that 32 divides, found [1, 33]");
  EXPECT_EQ(with([](auto& t) {
              t.type = StoredType::q8_0;
              t.shape = {{1, 32}};
              t.strides = {1, 2};
            }),
            "mine: tensor w: blocks of a quantised type have no strides");
  EXPECT_EQ(with([](auto& t) { t.type = StoredType::mxfp4_pair; }),
            "mine: tensor w: MXFP4 is given as two tensors of uint8, NAME_blocks and NAME_scales");
}

TEST(MemoryCheckpoint, Configurations) {
  const auto text = MemoryCheckpoint::from({}, R"({"model_type": "gpt2", "n_layer": 2, "rope": {"factor": 2.0}})",
                                           {.tokenizer = "folder"});
  ConfigurationValue::Section pairs{
      {"model_type", "gpt2"}, {"n_layer", 2}, {"rope", ConfigurationValue::Section{{"factor", 2.0}}}};
  const auto values = MemoryCheckpoint::from({}, pairs);
  pairs.clear();
  ASSERT_TRUE(text && values);
  for (const auto& checkpoint : {&*text, &*values})
    EXPECT_EQ((*checkpoint)->configuration().shown(), R"({"model_type":"gpt2","n_layer":2,"rope":{"factor":2.0}})");
  EXPECT_EQ((*text)->tokenizer().folder, "folder");
  EXPECT_EQ((*values)->tokenizer().folder, "");
  EXPECT_EQ((*values)->revision(), std::nullopt);
  EXPECT_EQ(MemoryCheckpoint::from({}, "[]").error().message(), "memory: its configuration is not a JSON object");
  EXPECT_EQ(MemoryCheckpoint::from({}, "[").error().file, "memory");
}

TEST(MemoryCheckpoint, NamesAndPairsAsInFiles) {
  const std::vector<float> values = counted(4);
  const auto wrapped =
      made({{.name = "_orig_mod.model.layers.0.x", .shape = {{4}}, .bytes = bytes_of(values)},
            {.name = "_orig_mod.model.embed_tokens.weight", .shape = {{4}}, .bytes = bytes_of(values)}});
  EXPECT_NE(wrapped->find("model.layers.0.x"), nullptr);
  EXPECT_EQ(wrapped->notes().size(), 1u);
  const std::vector<std::byte> blocks(16, std::byte{0x21}), scales(1, std::byte{128});
  const auto pair = made({{.name = "w_scales", .type = StoredType::uint8, .shape = {{1, 1}}, .bytes = scales},
                          {.name = "w_blocks", .type = StoredType::uint8, .shape = {{1, 1, 16}}, .bytes = blocks}});
  ASSERT_NE(pair->find("w"), nullptr);
  EXPECT_EQ(pair->find("w")->type, StoredType::mxfp4_pair);
  const std::vector<float> widened = read(*pair, "w", {0, 1});
  EXPECT_EQ(widened.size(), 32u);
  EXPECT_EQ(widened[0], 1.0f) << "0.5 twice";
  EXPECT_EQ(widened[1], 2.0f);
}

}  // namespace
}  // namespace lstar
