#include <limits>
#include <numeric>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/base/json.h"
#include "lstar/report/detections.h"
#include "lstar/report/json/trace_json.h"
#include "lstar/report/text/text_layout.h"
#include "lstar/report/text/trace_text.h"
#include "lstar/study/trace_files.h"
#include "tests/support/study_fixture.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;

Measurement measured() {
  Measurement m = testing::made_up_measurement(testing::made_up_models()[1], Dtype::float16, 2);
  m.prompts.push_back({.text = "too long",
                       .ids = {1, 2},
                       .row = std::nullopt,
                       .error = Error{.kind = ErrorKind::argument, .what = "2 > 1 positions"}});
  m.seen.next_tokens = {{{5, 1.5}, {7, 0.25}}, {{1, 2.0}}};
  m.next_pieces = {{" the", "\n"}, {"x"}};
  return m;
}

JsonDocument parsed(const std::string& text) {
  auto document = JsonDocument::parse(text, "trace");
  EXPECT_TRUE(document) << document.error().message();
  return *std::move(document);
}

TEST(TraceJson, KeepsTheContract) {
  const Measurement m = measured();
  const JsonDocument document = parsed(trace_json_text(m));
  const Json root = document.root();
  EXPECT_EQ(root.string("model"), "EleutherAI/pythia-410m");
  EXPECT_TRUE(root["revision"].is_null());
  EXPECT_EQ(root.string("family"), "gpt_neox");
  EXPECT_EQ(root.integer("layers"), 24);
  EXPECT_EQ(root.integer("heads"), 16);
  EXPECT_EQ(root.integer("kv_heads"), 16);
  EXPECT_EQ(root.integer("hidden_size"), 128);
  EXPECT_EQ(root.string("dtype"), "float16");
  EXPECT_EQ(root.string("device"), "cpu");
  EXPECT_EQ(root.string("head_layout"), "true");
  ASSERT_EQ(root["prompts"].size(), 3u);

  const Json prompt = root["prompts"].at(1).value();
  EXPECT_EQ(prompt.integer("tokens"), 13);
  EXPECT_EQ(prompt["token_ids"].size(), 13u);
  EXPECT_EQ(prompt["residual_norm"].size(), 25u);
  ASSERT_EQ(prompt["layers"].size(), 24u);
  const Json layer = prompt["layers"].at(3).value();
  EXPECT_EQ(layer.integer("layer"), 3);
  EXPECT_EQ(layer.number("attention_sum"), m.seen.rounded_sum(1, 3));
  EXPECT_EQ(layer.number("w_v_frobenius_sq"), m.weights.w_v_sq[3]);
  const auto heads = m.seen.diagonal(1, 3), entropy = m.seen.entropy(1, 3);
  ASSERT_EQ(layer["diagonal_sum_per_head"].size(), 16u);
  EXPECT_EQ(layer["diagonal_sum_per_head"].at(7)->number().value(), heads[7]);
  // 1e-14: a sum of 16 terms in another order.
  EXPECT_NEAR(*layer.number("diagonal_sum"), std::accumulate(heads.begin(), heads.end(), 0.0) / 16, 1e-14 * 13);
  EXPECT_NEAR(*layer.number("attention_entropy"), std::accumulate(entropy.begin(), entropy.end(), 0.0) / (16 * 13),
              1e-14 * 13);
  for (const char* key : {"as_written", "off_diagonal", "multi_head", "ov_circuit"}) {
    EXPECT_TRUE(layer["trace"].number(key)) << key;
    EXPECT_TRUE(layer["rounding_floor"].number(key)) << key;
  }
  for (const char* key : {"as_written", "off_diagonal", "multi_head", "ov_circuit", "weights_only", "attention_only"})
    for (const char* detector : {"argmax_step", "sign_change", "central_difference"}) {
      const Json found = prompt["l_star"][key][detector];
      EXPECT_TRUE(found.integer("layer")) << key << detector;
      EXPECT_TRUE(found.boolean("resolved"));
      EXPECT_TRUE(found.string("rule"));
    }
  EXPECT_EQ(prompt["l_star"]["off_diagonal"]["argmax_step"].integer("layer"), 18);
  const Json next = prompt["next_tokens"].at(0).value();
  EXPECT_EQ(next.integer("id"), 1);
  EXPECT_EQ(next.string("text"), "x");

  const Json failed = root["prompts"].at(2).value();
  EXPECT_EQ(failed.string("error"), "2 > 1 positions");
  EXPECT_EQ(failed.integer("tokens"), 2);
  EXPECT_EQ(failed.string("kind"), "argument");
  EXPECT_TRUE(prompt["kind"].is_null());
}

TEST(TraceJson, WhatWasNotMeasuredIsNullAndSaysSo) {
  Measurement m = measured();
  m.seen.rounded_sum = {};
  m.seen.entropy = {};
  m.seen.next_tokens.clear();
  m.weights.w_v_sq[4] = std::numeric_limits<double>::quiet_NaN();
  const JsonDocument document = parsed(trace_json_text(m));
  const Json prompt = document.root()["prompts"].at(0).value();
  const Json layer = prompt["layers"].at(4).value();
  EXPECT_TRUE(layer["attention_sum"].is_null());
  EXPECT_TRUE(layer["trace"]["as_written"].is_null());
  EXPECT_TRUE(layer["trace"]["off_diagonal"].is_null());
  const Json reasons = prompt["reasons"];
  EXPECT_EQ(reasons.string("attention_sum"), "not measured");
  EXPECT_EQ(reasons.string("attention_entropy"), "not measured");
  EXPECT_EQ(reasons.string("w_v_frobenius_sq"), "not finite from layer 4 on");
  EXPECT_TRUE(prompt["l_star"]["off_diagonal"]["argmax_step"]["layer"].is_null());
  EXPECT_EQ(prompt["l_star"]["off_diagonal"]["argmax_step"].integer("broken_from"), 4);
}

TEST(TraceText, ShowsLayersLStarAndNextTokens) {
  const std::string text = trace_text(measured(), false);
  EXPECT_THAT(text, HasSubstr("Prompt 1: The capital of France is Paris. [12 tokens]"));
  EXPECT_THAT(text, HasSubstr("54706*"));
  EXPECT_THAT(text, HasSubstr("next: 5 \" the\" (1.50), 7 \" \" (0.25)"));
  EXPECT_THAT(text, HasSubstr("FAILED: 2 > 1 positions"));
  EXPECT_THAT(text, HasSubstr("as_written is rounding residue"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 100) << line;
}

TEST(TraceCsv, OneRowAPromptAndLayer) {
  Measurement m = measured();
  m.prompts[0].text = "say \"yes\", now";
  std::istringstream lines(trace_csv(m));
  std::string line;
  std::getline(lines, line);
  const auto commas = [](const std::string& row) { return std::count(row.begin(), row.end(), ','); };
  const auto expected = commas(line);
  std::getline(lines, line);
  EXPECT_THAT(line, HasSubstr(",\"say \"\"yes\"\", now\","));
  EXPECT_EQ(commas(line), expected + 1);  // one inside the quotes
  int rows = 1;
  while (std::getline(lines, line)) ++rows;
  EXPECT_EQ(rows, 2 * 24);
}

// A name a trace, however many share it in the file.
TEST(Detections, OfManyNames) {
  constexpr int kMany = 2000;
  std::string names = "a", numbers = "1";
  for (int i = 1; i < kMany; ++i) {
    names += i % 2 ? ",a" : fmt::format(",a ({})", i);
    numbers += ",1";
  }
  const auto traces = parse_traces(names + "\n" + numbers + "\n", "f");
  ASSERT_TRUE(traces) << traces.error().message();
  EXPECT_THAT(detections_json(*traces, NanPolicy::report), HasSubstr(fmt::format("\n  \"a ({})\": {{", kMany)));
}

}  // namespace
}  // namespace lstar
