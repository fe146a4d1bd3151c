// What keys of a configuration do, against transformers (tests/data/switches, tools/oracle/record_switches.py): seeing
// both ways, activations, rotary keys, and padding among RoBERTa's and OPT's tokens.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/altered_checkpoint.h"

namespace lstar {
namespace {

using testing::Altered;

std::vector<std::string> switches() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(testing::source_path("tests/data/switches")))
    names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

class Switches : public ::testing::TestWithParam<std::string> {};

TEST_P(Switches, MatchTransformers) {
  const auto expected = JsonDocument::read(testing::source_path("tests/data/switches/" + GetParam() + ".json"));
  ASSERT_TRUE(expected) << expected.error().message();
  Altered altered(std::string(*expected->root().string("weights_of")));
  for (const auto& [key, value] : testing::keys_of(*expected->root().find("changes")))
    testing::set(altered.keys, key, value);
  const auto model = altered.model();
  ASSERT_TRUE(model) << model.error().message();
  testing::hold_pass<float>(*model, *expected, Dtype::float32, testing::kFloat32);
  testing::hold_pass<double>(*model, *expected, Dtype::float64, testing::kFloat64);
}
INSTANTIATE_TEST_SUITE_P(Keys, Switches, ::testing::ValuesIn(switches()), testing::test_name);

std::string refusal(const std::string& name, const testing::Keys& changes) {
  Altered altered(name);
  for (const auto& [key, value] : changes) testing::set(altered.keys, key, value);
  const auto model = altered.model();
  return model ? "" : model.error().message();
}

// Where transformers fails, or its attention functions do not agree.
TEST(Refused, ByName) {
  const auto names = [](const std::string& message, const char* key) {
    EXPECT_NE(message.find(key), std::string::npos) << message;
  };
  names(refusal("mpt", {{"is_causal", "false"}}), "key is_causal");
  names(refusal("gemma", {{"use_bidirectional_attention", "true"}}), "key use_bidirectional_attention");
  names(refusal("gemma2", {{"use_bidirectional_attention", "true"}}), "key use_bidirectional_attention");
  names(refusal("roberta", {{"pad_token_id", "null"}}), "key pad_token_id");
  names(refusal("llama-linear", {{"partial_rotary_factor", "0.5"}}), "key partial_rotary_factor");
  names(refusal("gemma3_text", {{"rope_parameters",
                                 R"({"sliding_attention": {"rope_theta": 10000.0},
                                     "full_attention": {"rope_type": "linear", "factor": 8.0,
                                                        "partial_rotary_factor": 0.5}})"}}),
        "key partial_rotary_factor");
}

// A decoder that sees both ways still predicts a next token; its rows do not start with one that sees itself alone.
TEST(Switches, BothWaysKeepTheOutput) {
  Altered altered("llama");
  testing::set(altered.keys, "is_causal", "false");
  const auto model = altered.model();
  ASSERT_TRUE(model);
  EXPECT_FALSE(model->architecture.causal);
  EXPECT_TRUE(model->architecture.predicts_next);
  EXPECT_TRUE(model->weights.output);
}

// Padding takes no position: a prompt may be longer than the positions by its padding.
TEST(Switches, PaddingTakesNoPosition) {
  Altered altered("roberta");
  const auto model = altered.model();
  ASSERT_TRUE(model);
  const Architecture& a = model->architecture;
  std::vector<int32_t> ids(static_cast<size_t>(a.max_positions), 5);
  EXPECT_TRUE(check_prompt(a, ids));
  ids.push_back(a.padding_token);
  EXPECT_TRUE(check_prompt(a, ids));
  ids.push_back(6);
  EXPECT_FALSE(check_prompt(a, ids));
}

}  // namespace
}  // namespace lstar
