// lstar predict as a shell runs it: of a shape, of a model's configuration, and with a gain that it measures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "lstar/base/json.h"
#include "tests/cli/support.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;
using testing::lstar_program;

std::string below_the_head(const std::string& text) { return text.substr(text.find('\n')); }

TEST(Predict, OfAModelAsOfItsShape) {
  const auto shape = lstar_program("predict -L 24 -H 16"), model = lstar_program("predict zoo/neox-24x16");
  ASSERT_EQ(model.status, 0) << model.err;
  EXPECT_EQ(below_the_head(model.out), below_the_head(shape.out));
  EXPECT_THAT(model.out, HasSubstr("zoo/neox-24x16 (gpt_neox): L = 24, H = 16\n"));
  EXPECT_THAT(shape.out, HasSubstr("16.902"));
  EXPECT_EQ(below_the_head(lstar_program("predict zoo/neox-24x16 -G +0.9").out),
            below_the_head(lstar_program("predict -L 24 -H 16 --gain 0.9").out));
  const testing::TemporaryFolder folder;
  std::filesystem::copy_file(testing::source_path("zoo/neox-24x16/config.json"), folder / "config.json");
  EXPECT_EQ(below_the_head(lstar_program("predict " + folder.path()).out), below_the_head(shape.out)) << "no weights";
  EXPECT_EQ(lstar_program("predict " + folder.path() + " --gain measured").status, 3);
}

// The mean and the deviation over prompts of what the traces' residual norms give, and the gain of lstar run.
TEST(Predict, MeasuresTheGain) {
  const std::string asked = " zoo/gpt2-12x12 --token-ids '5 17 3 9' --token-ids '200 31' --json";
  const auto predicted = JsonDocument::parse(lstar_program("predict --gain measured" + asked).out, "predict"),
             traced = JsonDocument::parse(lstar_program("trace" + asked).out, "trace"),
             ran = JsonDocument::parse(lstar_program("run" + asked).out, "run");
  ASSERT_TRUE(predicted && traced && ran);
  double sum = 0, squares = 0;
  size_t p = 0;
  for (const Json prompt : testing::items(traced->root(), "prompts")) {
    const Json norms = prompt["residual_norm"];
    const double gain = *norms.at(11)->number() / *norms.at(10)->number();
    EXPECT_EQ(predicted->root()["G_per_prompt"].at(p++)->number(), gain);
    sum += gain;
    squares += gain * gain;
  }
  ASSERT_EQ(p, 2u);
  EXPECT_NEAR(*predicted->root().number("G"), sum / 2, 1e-15);
  EXPECT_NEAR(*predicted->root().number("G_std"), std::sqrt(squares / 2 - sum * sum / 4), 1e-7);
  EXPECT_EQ(predicted->root().number("G"), ran->root()["results"].at(0)->number("gain"));
  EXPECT_THAT(lstar_program("predict zoo/gpt2-12x12 --gain measured").out, HasSubstr("over 5 prompts"))
      << "the built-in study's";
}

TEST(Predict, WhatItRefuses) {
  for (const char* words : {"", "-L 24", "-H 16", "zoo/gpt2-12x12 -L 3", "-L 3 -H 3 --gain measured", "-L 3 -H 3 -G x",
                            "-L 3 -H 3 -G nan", "zoo/gpt2-12x12 --prompt hello", "zoo/manifest.toml", "-L 0 -H 3"}) {
    const auto refused = lstar_program(std::string("predict ") + words);
    EXPECT_EQ(refused.status, 2) << words;
    EXPECT_EQ(refused.out, "") << words;
    EXPECT_NE(refused.err, "") << words;
  }
  EXPECT_EQ(lstar_program("predict zoo/nowhere").status, 3);
}

}  // namespace
}  // namespace lstar
