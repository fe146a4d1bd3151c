// Every scheme by which weights are packed, told by its tensors alone.
#include "lstar/checkpoint/packing.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/checkpoint_writer.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using namespace lstar::testing;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

class Packings : public ::testing::Test {
 protected:
  void SetUp() override { write_bytes(folder_ / "config.json", "{}"); }

  // Tensors of one element; 8-bit floats, which the writer does not write, by their header alone.
  std::unique_ptr<Checkpoint> with(const std::vector<std::pair<std::string, StoredType>>& tensors) {
    std::string header = "{", data;
    for (const auto& [name, type] : tensors) {
      const bool is_float8 = type == StoredType::float8_e4m3;
      const auto width = static_cast<size_t>(info(type).block_bytes);
      header += fmt::format(R"({}"{}":{{"dtype":"{}","shape":[1],"data_offsets":[{},{}]}})", data.empty() ? "" : ",",
                            name, is_float8 ? "F8_E4M3" : safetensors_dtype(type), data.size(), data.size() + width);
      data.append(width, '\0');
    }
    write_bytes(folder_ / "model.safetensors", safetensors_bytes(header + "}", data));
    auto opened = open_checkpoint(folder_.path());
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? *std::move(opened) : nullptr;
  }

  TemporaryFolder folder_;
};

using Finder = std::function<std::optional<Error>(const Checkpoint&)>;

TEST_F(Packings, EachIsNamed) {
  const Finder find_held = [](const Checkpoint& c) {
    return find_reparametrisation(c, [](std::string_view stem) { return stem == "model.layers.0.q"; });
  };
  for (const auto& [rows, find] : {std::pair(packings(), Finder(find_packing)), {reparametrisations(), find_held}})
    for (const Packing& packing : rows) {
      std::vector<std::pair<std::string, StoredType>> tensors{{"model.norm.weight", StoredType::float32}};
      for (const std::string_view end : packing.ends)
        tensors.emplace_back("model.layers.0.q" + std::string(end), end == packing.ends.front()
                                                                        ? packing.type.value_or(StoredType::int32)
                                                                        : StoredType::float32);
      const auto checkpoint = with(tensors);
      ASSERT_NE(checkpoint, nullptr);
      const auto found = find(*checkpoint);
      ASSERT_TRUE(found) << packing.scheme;
      EXPECT_THAT(found->message(), HasSubstr("weights are packed by " + std::string(packing.scheme) + ", "));
      EXPECT_THAT(found->message(), HasSubstr(std::string(packing.advice)));
      EXPECT_EQ(found->kind, ErrorKind::unsupported) << packing.scheme;
      EXPECT_EQ(found->at, "tensor model.layers.0.q" + std::string(packing.ends.front()));
    }
}

// As the convolutions of audio encoders are published.
TEST_F(Packings, ReparametrisedElsewhereIsNone) {
  const auto checkpoint = with({{"audio.conv.parametrizations.weight.original0", StoredType::float32},
                                {"audio.conv.parametrizations.weight.original1", StoredType::float32}});
  ASSERT_NE(checkpoint, nullptr);
  EXPECT_FALSE(find_packing(*checkpoint));
  EXPECT_FALSE(find_reparametrisation(*checkpoint, [](std::string_view stem) { return stem == "model.layers.0.q"; }));
}

TEST_F(Packings, PlainWeightsAreNone) {
  const auto checkpoint = with({{"model.layers.0.q.weight", StoredType::bfloat16},
                                {"model.layers.0.q.bias", StoredType::float32},
                                {"model.layers.0.k_proj.k_scale", StoredType::float32},  // of a cache, not of weights
                                {"model.layers.0.attn.sinks", StoredType::float32},
                                {"h.0.attn.bias", StoredType::uint8},
                                {"position_ids", StoredType::int64}});
  ASSERT_NE(checkpoint, nullptr);
  EXPECT_FALSE(find_packing(*checkpoint));
  EXPECT_FALSE(find_scaled_float8(*checkpoint));
  EXPECT_FALSE(find_empty_tensors(*checkpoint));
}

TEST_F(Packings, EmptyTensorsAreZeroStage3) {
  write_safetensors(folder_ / "model.safetensors", {make_tensor("model.norm.weight", {0}, {})});
  const auto opened = open_checkpoint(folder_.path());
  ASSERT_TRUE(opened);
  const auto empty = find_empty_tensors(**opened);
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->kind, ErrorKind::unsupported);
  EXPECT_THAT(empty->message(), HasSubstr("tensor model.norm.weight: an empty tensor, as ZeRO's stage 3 leaves them"));
}

}  // namespace
}  // namespace lstar
