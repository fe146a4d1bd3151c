// Every family as llama.cpp's own converter writes it (tools/oracle/record_gguf_families.py): the numbers are those
// that transformers gives for the folder that the file was made from, or, where the file cannot say what the folder
// says, for what the file says.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace lstar
