#include "lstar/report/json/study_json.h"
#include "lstar/report/inspection.h"
#include "lstar/report/tokens.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/base/json.h"
#include "tests/support/study_fixture.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;
using Type = Json::Type;

JsonDocument parsed(const std::string& text) {
  auto document = JsonDocument::parse(text, "result");
  EXPECT_TRUE(document) << document.error().message();
  return *std::move(document);
}

void expect_types(Json object, std::initializer_list<std::pair<const char*, Type>> keys) {
  for (const auto& [key, type] : keys) {
    ASSERT_TRUE(object.has(key)) << key;
    EXPECT_EQ(object[key].type(), type) << key;
  }
}

const std::initializer_list<std::pair<const char*, Type>> kBlock{
    {"n_models", Type::integer}, {"overall_mape", Type::number}, {"mape_of_actual", Type::number},
    {"verdict", Type::string},   {"estimator", Type::string},    {"detector", Type::string},
    {"baselines", Type::object}, {"results", Type::array}};
const std::initializer_list<std::pair<const char*, Type>> kEntry{{"model", Type::string},
                                                                 {"lab", Type::string},
                                                                 {"L", Type::integer},
                                                                 {"H", Type::integer},
                                                                 {"arch", Type::string},
                                                                 {"L_star_predicted", Type::number},
                                                                 {"L_star_empirical", Type::number},
                                                                 {"L_star_std", Type::number},
                                                                 {"error_pct", Type::number},
                                                                 {"l_star_per_prompt", Type::array},
                                                                 {"resolved", Type::boolean},
                                                                 {"estimator", Type::string},
                                                                 {"detector", Type::string},
                                                                 {"dtype", Type::string},
                                                                 {"family", Type::string},
                                                                 {"prediction_in_range", Type::boolean},
                                                                 {"checkpoint", Type::object},
                                                                 {"failed_prompts", Type::array}};

TEST(StudyJson, KeepsTheContract) {
  const JsonDocument document = parsed(study_json_text(testing::made_up_result()));
  const Json root = document.root();
  expect_types(root, {{"experiment", Type::string},
                      {"timestamp", Type::string},
                      {"formula", Type::string},
                      {"by_estimator", Type::object},
                      {"failed", Type::array},
                      {"notes", Type::array},
                      {"version", Type::string},
                      {"seed", Type::integer},
                      {"dtype", Type::string},
                      {"head_layout", Type::string},
                      {"device", Type::string},
                      {"traces", Type::array}});
  expect_types(root, kBlock);
  EXPECT_EQ(root.string("verdict"), "FORMULA GENERALIZES");
  EXPECT_EQ(root.integer("n_models"), 6);
  EXPECT_EQ(root["results"].size(), 6u);
  for (const Json entry : root["results"].items()) expect_types(entry, kEntry);
  for (const char* name : {"off_diagonal", "ov_circuit", "as_written"}) {
    const Json block = root["by_estimator"][name];
    expect_types(block, kBlock);
    for (const Json entry : block["results"].items()) {
      expect_types(entry, kEntry);
      EXPECT_EQ(entry.string("estimator"), name);
    }
  }
  const Json failed = root["failed"].at(0).value();
  EXPECT_EQ(failed.string("model"), "nobody/missing");
  EXPECT_EQ(failed.string("file"), "models/nobody/missing");
  EXPECT_EQ(failed.string("error"), "models/nobody/missing: no such folder");
  EXPECT_EQ(failed.string("kind"), "missing");
}

TEST(StudyJson, TheHeadlineStandsTwice) {
  const JsonValue json = study_json(testing::made_up_result());
  for (const auto& [key, value] : json["by_estimator"]["off_diagonal"].items()) EXPECT_EQ(json[key], value) << key;
}

TEST(StudyJson, NumbersReadBackToTheSameDouble) {
  const StudyResult result = testing::made_up_result();
  const JsonDocument document = parsed(study_json_text(result));
  const Json entry = document.root()["results"].at(4).value();
  EXPECT_EQ(entry.number("L_star_predicted"), result.models[4].predicted);
  EXPECT_EQ(entry.number("error_pct"), result.models[4].scores[0].error_pct);
  const Json trace = document.root()["traces"].at(4).value();
  const auto values = trace["by_estimator"]["ov_circuit"].at(2).value()["trace"];
  const PromptTrace& expected = result.models[4].traces[3].prompts[2];
  ASSERT_EQ(result.models[4].traces[3].estimator, "ov_circuit");
  ASSERT_EQ(values.size(), expected.trace.size());
  for (size_t l = 0; l < values.size(); ++l) EXPECT_EQ(values.at(l)->number().value(), expected.trace[l]);
}

// What was not measured says why; what was has a value a layer and their mean.
TEST(StudyJson, SeriesBesideTheTraces) {
  StudyResult result = testing::made_up_result();
  result.models[1].measurement.seen.entropy = {};
  result.models[2].measurement.weights.w_o_sq[3] = 0;
  const JsonDocument document = parsed(study_json_text(result));
  const auto series = [&](size_t model) { return document.root()["traces"].at(model).value()["series"]; };
  EXPECT_EQ(series(0)["w_v_frobenius"]["by_layer"].size(), 12u);
  EXPECT_EQ(series(0)["w_o_frobenius"].number("mean"), std::sqrt(50.0));
  EXPECT_TRUE(series(0)["w_o_frobenius"]["reason"].is_null());
  EXPECT_TRUE(series(1)["attention_entropy"]["by_layer"].is_null());
  EXPECT_THAT(*series(1)["attention_entropy"].string("reason"), HasSubstr("not measured of every prompt"));
  EXPECT_EQ(series(1)["w_v_spectral"].string("reason"), "not asked for: --spectral");
  EXPECT_TRUE(series(2)["w_v_over_w_o"]["mean"].is_null());
  EXPECT_EQ(series(2)["w_v_over_w_o"].string("reason"), "not finite in layer 3");
  EXPECT_NEAR(*series(0)["greatest_gain"].number("bound"), 1.2115276586285884, 1e-14);  // 10^(1/12)
  const Json labs = document.root()["series_by_lab"];
  ASSERT_EQ(labs.size(), 4u);
  EXPECT_EQ(labs.at(1)->integer("n"), 2);
  EXPECT_TRUE(labs.at(1).value()["attention_entropy"].is_null()) << "one of its models has none";
  const Json bound = document.root()["gain_bound"]["of_gain"];
  EXPECT_EQ(bound.integer("n"), 6);
  EXPECT_TRUE(bound["slope"].is_null());
  EXPECT_THAT(*bound.string("reason"), HasSubstr("2 different depths"));
}

TEST(StudyJson, NaNBecomesNullWithAReason) {
  Study study = testing::made_up_study();
  study.models.resize(2);
  Measurement broken = testing::made_up_measurement(testing::made_up_models()[0], Dtype::float32);
  broken.weights.w_v_sq[5] = std::numeric_limits<double>::quiet_NaN();
  broken.weights.ov_sq(3, 2) = std::numeric_limits<double>::infinity();
  broken.seen.residual_norm(0, 10) = std::numeric_limits<double>::quiet_NaN();
  std::vector<Result<ModelResult>> models{evaluate_model(study, study.models[0], std::move(broken))};
  ASSERT_TRUE(models[0]);
  models.push_back(fail("gone"));
  const std::string text = study_json_text(*evaluate(study, std::move(models), "now"));
  const JsonDocument document = parsed(text);
  const Json entry = document.root()["results"].at(0).value();
  EXPECT_TRUE(entry["L_star_empirical"].is_null());
  EXPECT_TRUE(entry["error_pct"].is_null());
  EXPECT_THAT(entry.string("reason").value_or(""), HasSubstr("layer 5"));
  EXPECT_TRUE(document.root()["overall_mape"].is_null());
  EXPECT_EQ(document.root().integer("n_asked"), 2);
  ASSERT_EQ(document.root()["left_out"].size(), 2u);
  EXPECT_EQ(document.root()["left_out"].at(0).value().string("model"), "EleutherAI/pythia-160m");
  EXPECT_EQ(document.root()["left_out"].at(1).value().string("reason"), "failed: gone");
  EXPECT_TRUE(document.root().string("reason"));
}

// The ids of a tokenizer that several models share stand once; those of prompts that were given as ids are not
// repeated.
TEST(StudyJson, IdsStandOnce) {
  StudyResult result = testing::made_up_result();
  for (ModelResult& model : result.models) {
    model.measurement.prompts[1].text = std::nullopt;
    model.measurement.prompts[1].ids = {7, 8};
  }
  result.study.prompts[1] = {.text = std::nullopt, .ids = {7, 8}};
  result.models[4].measurement.prompts[0].ids = {1, 2, 3};
  const JsonValue json = study_json(result);
  ASSERT_EQ(json["tokenizations"].size(), 2u);
  EXPECT_EQ(json["tokenizations"][0]["models"].size(), 5u);
  EXPECT_EQ(json["tokenizations"][1]["models"], JsonValue::array({"bigscience/bloom-560m"}));
  EXPECT_EQ(json["tokenizations"][1]["token_ids"][0], JsonValue::array({1, 2, 3}));
  EXPECT_TRUE(json["tokenizations"][0]["token_ids"][1].is_null());
  EXPECT_EQ(json["prompts"][1]["token_ids"], JsonValue::array({7, 8}));
  EXPECT_TRUE(json["prompts"][0]["token_ids"].empty());
}

// Lists by prompt keep their places where a prompt failed or has no L*.
TEST(StudyJson, ListsAreInTheOrderOfThePrompts) {
  Study study = testing::made_up_study(Dtype::float32);
  study.models.resize(1);
  Measurement m = testing::made_up_measurement(testing::made_up_models()[0], Dtype::float32, 5);
  m.weights.w_v_sq.assign(12, 80);  // attention decides
  for (size_t l = 0; l < 12; ++l)
    for (size_t h = 0; h < 12; ++h) {
      m.seen.off_diagonal(0, l, h) = 0;                                // no L*
      m.seen.off_diagonal(2, l, h) = l < 4 ? 1 : 9 + 0.1 * double(l);  // another L* than the others'
    }
  m.prompts.insert(m.prompts.begin(),
                   {.text = "", .ids = {}, .row = std::nullopt, .error = Error{.what = "prompt is empty"}});
  study.prompts.insert(study.prompts.begin(), Prompt{.text = ""});
  std::vector<Result<ModelResult>> models{evaluate_model(study, study.models[0], m)};
  const StudyResult result = *evaluate(study, std::move(models), "now");
  const JsonValue entry = study_json(result)["results"][0];
  EXPECT_TRUE(entry["l_star_per_prompt"][0].is_null());
  EXPECT_TRUE(entry["l_star_per_prompt"][1].is_null());
  EXPECT_EQ(entry["l_star_per_prompt"][3], 4);
  EXPECT_EQ(entry["reason_per_prompt"][0], "prompt is empty");
  EXPECT_EQ(entry["reason_per_prompt"][1], "the trace is zero in every layer");
  EXPECT_TRUE(entry["reason_per_prompt"][2].is_null());
  EXPECT_EQ(entry["decides"]["attention_only_per_prompt"].size(), 6u);
  EXPECT_TRUE(entry["decides"]["attention_only_per_prompt"][1].is_null());
  EXPECT_EQ(entry["decides"]["attention_only_per_prompt"][3], 4);
  EXPECT_NE(entry["decides"]["attention_only_per_prompt"][2], 4);
  EXPECT_EQ(entry["decides"]["verdict_per_prompt"][3], "attention");
  EXPECT_EQ(entry["failed_prompts"][0]["prompt"], 1);
  EXPECT_EQ(study_json(result)["traces"][0]["by_estimator"]["off_diagonal"].size(), 5u);
}

TEST(StudyJson, HeadsOnRequest) {
  const StudyResult result = testing::made_up_result();
  EXPECT_TRUE(study_json(result)["traces"][0]["per_head"].is_null());
  const JsonValue heads = study_json(result, /*per_head=*/true)["traces"][0]["per_head"];
  const Measurement& m = result.models[0].measurement;
  double sum = 0;
  for (size_t p = 0; p < 5; ++p) sum += m.seen.off_diagonal(p, 3, 4);
  EXPECT_DOUBLE_EQ(heads["off_diagonal_sum_mean"][3][4].get<double>(), sum / 5);
  EXPECT_EQ(heads["ov_frobenius_sq"][3][4], m.weights.ov_sq(3, 4));
}

TEST(StudyJson, HostileTextStaysValid) {
  StudyResult result = testing::made_up_result();
  result.models[0].entry.name = "\"\\\n\xff\xc3";
  const JsonDocument document = parsed(study_json_text(result));
  EXPECT_EQ(document.root()["results"].at(0).value().string("model"), "\"\\\n\ufffd\ufffd");
}

// What writes no study goes through the same door.
TEST(Json, OfOtherCommandsIsWrittenAlike) {
  EXPECT_EQ(tokens_json(std::vector<int32_t>{7}, {"a\u202e"}, {"w\xff"}),
            "{\"ids\":[7],\"pieces\":[\"a\\u202e\"],\"warnings\":[\"w\ufffd\"]}\n");
  Inspection found;
  found.identity.model = "m\u202e";
  found.warnings = {"w\xff"};
  found.tensors = {{.name = "t\u2066\xc3", .type = StoredType::float32, .shape = {}}};
  const std::string json = inspection_json(found);
  EXPECT_THAT(json, ::testing::HasSubstr("\"m\\u202e\""));
  EXPECT_THAT(json, ::testing::HasSubstr("\"w\ufffd\""));
  EXPECT_THAT(json, ::testing::HasSubstr("\"t\\u2066\ufffd\""));
}

TEST(StudyJson, SameResultSameBytes) {
  EXPECT_EQ(study_json_text(testing::made_up_result()), study_json_text(testing::made_up_result()));
}

TEST(StudyJson, WriterKeepsNumbersOnOneLine) {
  EXPECT_EQ(write_json({{"a", "\u202e\u009b \u2028\u00e9\U000e0041\x7f"}}),
            "{\n  \"a\": \"\\u202e\\u009b \\u2028\u00e9\\udb40\\udc41\\u007f\"\n}\n");
  EXPECT_EQ(write_json({{"a", {1, 2.5, nullptr}}, {"b", JsonValue::object()}, {"c", JsonValue::array({"x"})}}),
            "{\n  \"a\": [1, 2.5, null],\n  \"b\": {},\n  \"c\": [\n    \"x\"\n  ]\n}\n");
  EXPECT_EQ(write_json({{"a", {{"b", "x"}, {"c", nullptr}}}, {"d", {{"e", {1, 2}}}}}),
            "{\n  \"a\": {\"b\": \"x\", \"c\": null},\n  \"d\": {\n    \"e\": [1, 2]\n  }\n}\n");
}

}  // namespace
}  // namespace lstar
