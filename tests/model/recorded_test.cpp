// Every family and variant against `transformers` in float64 (tests/data, tools/oracle): what attention does in each
// layer, the residual stream, the next tokens, and the weight norms.
#include <gtest/gtest.h>

#include "tests/support/recorded_model.h"

namespace lstar {
namespace {

using testing::hold_pass;
using testing::hold_weights;
using testing::kFloat32;
using testing::kFloat64;
using testing::source_path;

class Recorded : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const std::string folder = source_path("tests/data/checkpoints/" + GetParam());
    auto opened = open_model(folder);
    ASSERT_TRUE(opened) << opened.error().message();
    model_ = std::make_unique<Model>(*std::move(opened));
    auto document = JsonDocument::read(folder + "/expected.json");
    ASSERT_TRUE(document) << document.error().message();
    expected_ = std::make_unique<JsonDocument>(*std::move(document));
  }
  std::unique_ptr<Model> model_;
  std::unique_ptr<JsonDocument> expected_;
};

TEST_P(Recorded, Float32) { hold_pass<float>(*model_, *expected_, Dtype::float32, kFloat32); }
TEST_P(Recorded, Float64) { hold_pass<double>(*model_, *expected_, Dtype::float64, kFloat64); }
TEST_P(Recorded, WeightNorms) { hold_weights(*model_, *expected_); }

INSTANTIATE_TEST_SUITE_P(Checkpoints, Recorded, ::testing::ValuesIn(testing::recorded_checkpoints()),
                         testing::test_name);

class Zoo : public ::testing::TestWithParam<std::string> {};

TEST_P(Zoo, MatchesTransformers) {
  const auto model = open_model(source_path("zoo/" + GetParam()));
  ASSERT_TRUE(model) << model.error().message();
  const auto expected = JsonDocument::read(source_path("tests/data/zoo/" + GetParam() + ".json"));
  ASSERT_TRUE(expected) << expected.error().message();
  hold_pass<float>(*model, *expected, Dtype::float32, kFloat32);
  hold_pass<double>(*model, *expected, Dtype::float64, kFloat64);
  hold_weights(*model, *expected);
}
INSTANTIATE_TEST_SUITE_P(Models, Zoo, ::testing::ValuesIn(testing::zoo_models()), testing::test_name);

}  // namespace
}  // namespace lstar
