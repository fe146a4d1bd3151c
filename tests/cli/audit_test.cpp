// lstar audit as a shell runs it: of the published numbers, of the zoo's result, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "lstar/base/json.h"
#include "tests/cli/support.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::lstar_program;

struct Row {
  std::string verdict, reason;
  std::optional<double> published, recomputed;
};

std::map<std::string, Row> claims_of(const std::string& json) {
  const auto document = JsonDocument::parse(json, "audit");
  std::map<std::string, Row> claims;
  if (!document) {
    ADD_FAILURE() << document.error().message() << json;
    return claims;
  }
  for (const Json claim : testing::items(document->root(), "claims"))
    claims[claim.string("id").value_or("")] = {claim.string("verdict").value_or(""),
                                               claim.string("reason").value_or(""), claim.number("published"),
                                               claim.number("recomputed")};
  return claims;
}

// From any folder: the numbers are in the program.
TEST(Audit, OfThePublishedNumbers) {
  const testing::TemporaryFolder folder;
  const auto json = lstar_program("audit --json");
  EXPECT_EQ(json.status, 0) << "claims that differ are no fault";
  EXPECT_EQ(json.err, "");
  auto claims = claims_of(json.out);
  EXPECT_EQ(claims["formula-mape"].verdict, "differs");
  EXPECT_EQ(claims["formula-mape"].published, 4.8);
  EXPECT_NEAR(claims["formula-mape"].recomputed.value_or(0), 5.150, 5e-4);
  EXPECT_EQ(claims["cross-heritage-mape"].verdict, "agrees");
  EXPECT_EQ(claims["trace-ratio"].verdict, "agrees");
  EXPECT_NEAR(claims["noise-null"].recomputed.value_or(0), 18.995858, 5e-7);
  EXPECT_EQ(lstar_program("audit --json").out, json.out) << "the same draws each time";
  const auto text = lstar_program("audit");
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.out, AllOf(HasSubstr("formula-mape"), HasSubstr("0 cannot be checked\n")));
}

TEST(Audit, OfMeasuredModels) {
  const testing::TemporaryFolder folder;
  const std::string out = folder / "out";
  // Two of the study's shapes, by names that were published and by one that was not.
  ASSERT_TRUE(write_file(folder / "study.toml", "[[model]]\npath = \"" + testing::source_path("zoo/neox-12x12") +
                                                    "\"\nname = \"EleutherAI/pythia-160m\"\nlab = \"EleutherAI\"\n"
                                                    "[[model]]\npath = \"" +
                                                    testing::source_path("zoo/gpt2-12x12") +
                                                    "\"\nname = \"another\"\nlab = \"OpenAI\"\n"));
  const auto run = lstar_program("run --manifest " + (folder / "study.toml") + " --token-ids '5 17 3 9 200 31' --out " +
                                 out + " --figures none --deterministic-timestamp t");
  ASSERT_EQ(run.status, 0) << run.err;
  const std::string of_json = out + "/l_star_cross_heritage_t.json";
  const auto audited = lstar_program("audit --json " + of_json);
  EXPECT_EQ(audited.status, 0) << audited.err;
  auto claims = claims_of(audited.out);
  EXPECT_EQ(claims.size(), claims_of(lstar_program("audit --json").out).size());
  EXPECT_EQ(claims["cross-heritage-mape"].verdict, "cannot be checked");
  EXPECT_THAT(claims["cross-heritage-mape"].reason, HasSubstr("1 of the 6 published models"));
  EXPECT_THAT(claims["seen"].reason, HasSubstr("of 2 models the calibration had seen 1"));
  EXPECT_TRUE(claims["noise-null"].recomputed);
  EXPECT_TRUE(claims["heritage"].recomputed) << "one gain of EleutherAI and one of another";
  EXPECT_EQ(claims["trace-ratio"].verdict, "cannot be checked");
  EXPECT_FALSE(claims["trace-ratio"].recomputed);

  // The folder has the same measurements, and answers for another estimator and detector.
  auto of_folder = claims_of(lstar_program("audit --json " + out).out);
  EXPECT_EQ(of_folder["cross-heritage-mape"].recomputed, claims["cross-heritage-mape"].recomputed);
  const std::string otherwise = " --estimator multi_head --detector central_difference";
  const auto other = lstar_program("audit --json " + of_json + otherwise);
  EXPECT_EQ(other.status, 0) << other.err;
  EXPECT_THAT(other.out, AllOf(HasSubstr("\"estimator\": \"multi_head\""), HasSubstr("\"central_difference\"")));
  EXPECT_EQ(claims_of(other.out)["cross-heritage-mape"].recomputed,
            claims_of(lstar_program("audit --json " + out + otherwise).out)["cross-heritage-mape"].recomputed);
}

TEST(Audit, WhatItRefuses) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(lstar_program("audit nowhere").status, 3);
  EXPECT_EQ(lstar_program("audit --detector argmax_step").status, 2);
  EXPECT_EQ(lstar_program("audit --estimator nonsense x").status, 2);
  ASSERT_TRUE(write_file(folder / "n.json", R"({"results": [{"model": "gpt2", "L": 12, "H": 12}]})"));
  EXPECT_EQ(lstar_program("audit " + (folder / "n.json")).status, 0) << "the notebook's own result";
  EXPECT_EQ(lstar_program("audit --estimator ov_circuit " + (folder / "n.json")).status, 3);
}

}  // namespace
}  // namespace lstar
