// Every family as llama.cpp's own converter writes it (tools/oracle/record_gguf_families.py): the numbers are those
// that transformers gives for the folder that the file was made from, or, where the file cannot say what the folder
// says, for what the file says.
#include <gtest/gtest.h>

#include "lstar/architecture/family.h"
#include "tests/support/memory_checkpoint.h"
#include "tests/support/recorded_model.h"

namespace lstar {
namespace {

using testing::hold_pass;
using testing::hold_weights;
using testing::source_path;

// The weights are the folder's, but the metadata's numbers are float32 (1e-5 is off by 3e-8 of itself; multipliers,
// rotary divisors and YaRN's factor by up to 6e-8), and so are Gemma's and Nemotron's gains, to which 1 was added in
// float32. Through the layers that grows to less than 1e-6.
constexpr double kFloat64 = 1e-6;

const std::string kFolder = "tests/data/gguf_families/";

std::vector<std::string> recorded_files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(source_path(kFolder)))
    if (entry.path().extension() == ".gguf") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

// "qwen3--fuse-qkv" was made from the folder "qwen3".
std::string expected_of(const std::string& name) {
  const std::string folder = name.substr(0, name.find("--"));
  const std::string own = source_path(kFolder + folder + ".expected.json");
  return std::filesystem::exists(own) ? own : source_path("tests/data/checkpoints/" + folder + "/expected.json");
}

class GgufFamilies : public ::testing::TestWithParam<std::string> {};

TEST_P(GgufFamilies, MatchTransformers) {
  const auto model = open_model(source_path(kFolder + GetParam() + ".gguf"));
  ASSERT_TRUE(model) << model.error().message();
  const auto expected = JsonDocument::read(expected_of(GetParam()));
  ASSERT_TRUE(expected) << expected.error().message();
  hold_pass<float>(*model, *expected, Dtype::float32, testing::kFloat32);
  hold_pass<double>(*model, *expected, Dtype::float64, kFloat64);
  hold_weights(*model, *expected, kFloat64, false);  // BLOOM's and GPT-NeoX's rows are not by head here
}

INSTANTIATE_TEST_SUITE_P(Files, GgufFamilies, ::testing::ValuesIn(recorded_files()), testing::test_name);

// A GGUF of one layer: its metadata, and the names of its tensors.
class Described : public testing::MemoryCheckpoint {
 public:
  Described(const std::string& architecture, const std::string& metadata, const std::vector<std::string>& more = {})
      : MemoryCheckpoint(R"({"model_type": ")" + architecture + R"(", "block_count": 1, "embedding_length": 4,
          "feed_forward_length": 4, "attention.head_count": 2, "attention.layer_norm_rms_epsilon": 1e-5)" +
                         metadata + "}") {
    format_ = "gguf";
    for (const char* name :
         {"token_embd", "output_norm", "blk.0.attn_norm", "blk.0.attn_q", "blk.0.attn_k", "blk.0.attn_v",
          "blk.0.attn_output", "blk.0.ffn_norm", "blk.0.ffn_gate", "blk.0.ffn_up", "blk.0.ffn_down"})
      add(std::string(name) + ".weight", {4, 4}, {});
    for (const std::string& name : more) add(name, {2}, {1, 1});
  }
  std::string configuration_place() const override { return path_; }
};

std::string refusal(const Described& file) {
  const auto architecture = read_architecture(file);
  return architecture ? "" : architecture.error().message();
}

void expect_refused(const Described& file, const std::string& at, const std::string& found) {
  const std::string message = refusal(file);
  EXPECT_NE(message.find(at), std::string::npos) << message;
  EXPECT_NE(message.find("found " + found), std::string::npos) << message;
}

TEST(GgufMetadata, SaysWhatIsNotRead) {
  EXPECT_EQ(refusal({"llama", ""}), "");
  expect_refused({"llama", "", {"blk.0.attn_gate.weight"}}, "tensor blk.0.attn_gate.weight", "one more");
  expect_refused({"llama", "", {"blk.1.ffn_up.weight"}}, "tensor blk.1.ffn_up.weight", "one more");
  expect_refused({"llama", "", {"blk.0.ffn_up.scale"}}, "tensor blk.0.ffn_up.scale", "one more");
  expect_refused({"llama", R"(, "attention.key_length": 2, "attention.value_length": 4)"}, "attention.value_length",
                 "4");
  expect_refused({"llama", R"(, "attention.head_count_kv": [2])"}, "attention.head_count_kv", "[2]");
  expect_refused({"llama", R"(, "rope.scaling.type": "longrope")"}, "rope.scaling.type", "longrope without them");
  expect_refused({"llama",
                  R"(, "expert_count": 2, "expert_used_count": 1, "expert_gating_func": 2)",
                  {"blk.0.ffn_gate_inp.weight"}},
                 "expert_gating_func", "2");
  expect_refused({"llama",
                  R"(, "expert_count": 2, "expert_used_count": 1, "expert_weights_scale": 2.5)",
                  {"blk.0.ffn_gate_inp.weight"}},
                 "expert_weights_scale", "2.5");
}

TEST(GgufMetadata, StretchesByEitherKey) {
  const auto scaling = [](const std::string& metadata) {
    const auto architecture = read_architecture(Described("llama", metadata));
    return architecture ? architecture->rotary[0].scaling : RotaryScaling{};
  };
  const RotaryScaling linear = scaling(R"(, "rope.scaling.type": "linear", "rope.scaling.factor": 4.0)");
  EXPECT_EQ(linear.kind, RotaryScaling::Kind::linear);
  EXPECT_EQ(linear.factor, 4);
  const RotaryScaling older = scaling(R"(, "rope.scale_linear": 4.0)");
  EXPECT_EQ(older.kind, RotaryScaling::Kind::linear);
  EXPECT_EQ(older.factor, 4);
}

// The first Mixtral files have a tensor an expert.
TEST(GgufMetadata, ExpertsOneByOne) {
  const auto architecture = read_architecture(Described(
      "llama", R"(, "expert_count": 2, "expert_used_count": 1)",
      {"blk.0.ffn_gate_inp.weight", "blk.0.ffn_gate.0.weight", "blk.0.ffn_gate.1.weight", "blk.0.ffn_up.0.weight",
       "blk.0.ffn_up.1.weight", "blk.0.ffn_down.0.weight", "blk.0.ffn_down.1.weight"}));
  ASSERT_TRUE(architecture) << architecture.error().message();
  EXPECT_EQ((*architecture)[Role::expert_up]->pattern, "blk.{}.ffn_up.{}");
  EXPECT_FALSE((*architecture)[Role::expert_up]->stacked);
}

TEST(GgufMetadata, WindowsLayerByLayer) {
  const auto plan = [](const std::string& pattern) {
    const auto architecture = read_architecture(
        Described("exaone4", R"(, "attention.sliding_window": 8, "attention.sliding_window_pattern": )" + pattern));
    return architecture ? std::to_string(architecture->plan[0].window) : architecture.error().message();
  };
  EXPECT_NE(plan("[true, false]").find("one for each of 1 layers"), std::string::npos) << plan("[true, false]");
}

}  // namespace
}  // namespace lstar
