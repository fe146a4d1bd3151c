// lstar fit as a shell runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/base/json.h"
#include "tests/cli/support.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::lstar_program;

std::string shapes_of(const char* detector) {
  std::string json = "{\"detector\": \"" + std::string(detector) + "\", \"results\": [";
  const int shapes[][3] = {{6, 8, 4}, {12, 12, 7}, {16, 8, 14}, {24, 16, 16}, {32, 32, 22}, {18, 9, 15}};
  for (const auto& [layers, heads, l_star] : shapes)
    json += fmt::format("{}{{\"model\": \"m{}\", \"lab\": \"lab{}\", \"L\": {}, \"H\": {}, \"L_star_empirical\": {}}}",
                        json.ends_with('[') ? "" : ", ", layers, layers % 4, layers, heads, l_star);
  return json + "]}";
}

TEST(Fit, OfResultsInSeveralFiles) {
  const testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "a.json", shapes_of("argmax_step")));
  ASSERT_TRUE(write_file(folder / "b.json", R"({"detector": "argmax_step", "results": [
    {"model": "more", "lab": "lab0", "L": 40, "H": 40, "L_star_empirical": 30}]})"));
  const auto one = lstar_program("fit --json " + (folder / "a.json"));
  ASSERT_EQ(one.status, 0) << one.err;
  const auto both = lstar_program("fit --json " + (folder / "a.json ") + (folder / "b.json"));
  ASSERT_EQ(both.status, 0) << both.err;
  const auto a = JsonDocument::parse(one.out, "a"), ab = JsonDocument::parse(both.out, "ab");
  ASSERT_TRUE(a && ab);
  EXPECT_EQ(a->root()["models"].size(), 6u);
  EXPECT_EQ(ab->root()["models"].size(), 7u);
  EXPECT_EQ(ab->root()["fits"].size(), 7u);
  const auto only = lstar_program("fit --form v3 " + (folder / "a.json"));
  EXPECT_THAT(only.out, AllOf(HasSubstr("v3, bounded"), HasSubstr("Least AICc"), ::testing::Not(HasSubstr("v4:"))));
}

TEST(Fit, FilesAndTheStoresOtherEstimators) {
  const testing::TemporaryFolder folder;
  const std::string out = folder / "out", fits = folder / "fits";
  const auto run = lstar_program(
      "run zoo/gpt2-12x12 zoo/neox-24x16 --token-ids '5 17 3 9 200 31' --figures none "
      "--deterministic-timestamp t --out " +
      out);
  ASSERT_EQ(run.status, 0) << run.err;
  const std::string asked = out + " --estimator multi_head --detector central_difference --figures svg --out " + fits +
                            " --deterministic-timestamp t";
  const auto fit = lstar_program("fit " + asked);
  ASSERT_EQ(fit.status, 0) << fit.err;
  EXPECT_THAT(fit.out, AllOf(HasSubstr("L* by multi_head and"), HasSubstr("not identified: rank 2"),
                             HasSubstr("l_star_fit_t.json, l_star_residuals_t.svg")));
  EXPECT_THAT(read_file(fits + "/l_star_residuals_t.svg").value_or(""), HasSubstr("constant"));
  EXPECT_EQ(read_file(fits + "/l_star_fit_t.json").value_or(""), lstar_program("fit --json " + asked).out);
}

TEST(Fit, WhatItRefuses) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(lstar_program("fit").status, 2);
  EXPECT_EQ(lstar_program("fit nowhere").status, 3);
  ASSERT_TRUE(write_file(folder / "a.json", shapes_of("argmax_step")));
  ASSERT_TRUE(write_file(folder / "b.json", shapes_of("sign_change")));
  const auto mixed = lstar_program("fit " + (folder / "a.json ") + (folder / "b.json"));
  EXPECT_EQ(mixed.status, 2);
  EXPECT_THAT(mixed.err, HasSubstr("never mixed"));
  EXPECT_EQ(lstar_program("fit --form v1 " + (folder / "a.json")).status, 2);
  EXPECT_EQ(lstar_program("fit --figures none,png " + (folder / "a.json")).status, 2);
  ASSERT_TRUE(write_file(folder / "none.json", R"({"results": []})"));
  EXPECT_EQ(lstar_program("fit " + (folder / "none.json")).status, 3);
}

}  // namespace
}  // namespace lstar
