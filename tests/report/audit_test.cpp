// An audit in words and as JSON: what stands in it, and that nothing is wider than a terminal.
#include "lstar/report/json/audit_json.h"
#include "lstar/report/text/audit_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<Claim> two_claims() {
  return {{.id = "some-mape",
           .claim = "a formula has 4.8 %",
           .unit = "%",
           .published = 4.8,
           .recomputed = 5.15,
           .verdict = ClaimVerdict::differs,
           .reason = "it has 5.150 %",
           .numbers = {{"L/2", 25.2}, {"v3", 5.15, Interval{1, 9}}},
           .chance = ClaimChance{.what = "noise", .p = 0.0034, .p_error = 0.0004, .expected = 19.25, .least_p = 0.001}},
          {.id = "some-l-star",
           .claim = "L* is a layer",
           .reason = "nobody\x1b[31m measured it",
           .no_chance = "nothing was recomputed"}};
}

TEST(AuditText, SaysBothNumbersTheVerdictAndChance) {
  const std::string text = audit_text(two_claims(), nullptr, false);
  EXPECT_THAT(text, AllOf(HasSubstr("against what follows from the published numbers"), HasSubstr("some-mape"),
                          HasSubstr("4.8 %     5.150 %  differs"), HasSubstr("-           -  cannot be checked"),
                          HasSubstr("it has 5.150 %. Chance (noise): 19.25 % on average, p = 0.0034 ± 0.0004, at"),
                          HasSubstr("2 claims: 0 agree, 1 differ, 1 cannot be checked"), Not(HasSubstr("\x1b"))));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), kColumns) << line;
  EXPECT_THAT(audit_text(two_claims(), nullptr, true), HasSubstr("\x1b[31mdiffers"));
}

TEST(AuditText, TheWholeAuditFitsATerminal) {
  std::istringstream lines(audit_text(audit(*bundled_published()), nullptr, false));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), kColumns) << line;
}

TEST(AuditText, SaysWhatItIsOf) {
  MeasuredPoints measured{.sources = {"a\nb.json"}, .estimator = "ov_circuit", .detector = "argmax_step"};
  measured.models.resize(3);
  measured.left_out = {{.model = "gone", .reason = "failed: no file"}};
  std::vector<Claim> claims = two_claims();
  claims[0].reason = "it is " + std::string(300, 'x');
  measured.sources.push_back(std::string(300, 'y'));
  std::istringstream lines(audit_text(claims, &measured, false));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), kColumns) << line;
  EXPECT_THAT(audit_text(two_claims(), &measured, false),
              AllOf(HasSubstr("3 models of a b.json,\n"), HasSubstr("Without gone: failed: no file")));
}

TEST(AuditJson, HoldsEverything) {
  const JsonValue json = audit_json(two_claims(), nullptr);
  EXPECT_TRUE(json["estimator"].is_null());
  const JsonValue& first = json["claims"][0];
  EXPECT_EQ(first["id"], "some-mape");
  EXPECT_EQ(first["published"], 4.8);
  EXPECT_EQ(first["recomputed"], 5.15);
  EXPECT_EQ(first["verdict"], "differs");
  EXPECT_TRUE(first["numbers"][0]["low"].is_null());
  EXPECT_EQ(first["numbers"][1]["high"], 9);
  EXPECT_EQ(first["chance"]["p"], 0.0034);
  EXPECT_TRUE(first["chance_reason"].is_null());
  const JsonValue& second = json["claims"][1];
  EXPECT_TRUE(second["published"].is_null());
  EXPECT_EQ(second["verdict"], "cannot be checked");
  EXPECT_TRUE(second["chance"].is_null());
  EXPECT_EQ(second["chance_reason"], "nothing was recomputed");
}

}  // namespace
}  // namespace lstar
