// A study of 500 prompts on a model of 24 layers and 16 heads: what fits on a screen, what a file takes, and that
// nothing a reader needs to find L* again is lost on the way.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <tuple>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/base/delimited.h"
#include "lstar/base/json.h"
#include "lstar/report/csv.h"
#include "lstar/report/json/study_json.h"
#include "lstar/report/json/trace_json.h"
#include "lstar/report/prompt_results.h"
#include "lstar/report/text/failed_prompts.h"
#include "lstar/report/text/layer_histogram.h"
#include "lstar/report/text/study_text.h"
#include "lstar/report/text/text_layout.h"
#include "lstar/report/text/trace_text.h"
#include "lstar/report/trace_table.h"
#include "lstar/study/trace_files.h"
#include "tests/support/study_fixture.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr size_t kMany = 500;

std::ptrdiff_t lines_of(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

void expect_narrow(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 100) << line;
}

// As a file of texts of 10 to 60 tokens gives them, three of which cannot be run.
Measurement many_measured() {
  Measurement m = testing::made_up_measurement(testing::made_up_models()[3], Dtype::float32, kMany - 3);
  for (size_t p = 0; p < m.prompts.size(); ++p) {
    const size_t tokens = 10 + p * 7 % 51;
    m.prompts[p].text = fmt::format("{:x<{}}", fmt::format("Prompt {} ", p), 4 * tokens);
    m.prompts[p].ids.assign(tokens, static_cast<int32_t>(1000 + p));
    m.prompts[p].id = PromptId{fmt::format("q{}", p), false};
  }
  // L* over several layers: a step of its own for each prompt.
  for (size_t p = 0; p < m.seen.tokens.size(); ++p)
    for (size_t h = 0; h < 16; ++h)
      for (size_t l = 5 + p % 13; l < 24; ++l) m.seen.off_diagonal(p, l, h) *= 9;
  for (const char* text : {"", "", "long"})
    m.prompts.push_back({.text = text,
                         .ids = {},
                         .row = std::nullopt,
                         .error = Error{.kind = ErrorKind::argument,
                                        .what = *text ? "5000 tokens, more than 1024" : "prompt is empty"}});
  m.prompts_read = PromptsRead{.file = "prompts.txt", .format = "lines of text", .count = kMany};
  return m;
}

StudyResult many_result() {
  Study study = testing::made_up_study(Dtype::float32);
  study.models.resize(1);
  Measurement m = many_measured();
  study.prompts.clear();
  for (const MeasuredPrompt& prompt : m.prompts) study.prompts.push_back({.text = prompt.text, .id = prompt.id});
  study.prompts_read = *m.prompts_read;
  std::vector<Result<ModelResult>> models{evaluate_model(study, study.models[0], std::move(m))};
  return *evaluate(study, std::move(models), "now");
}

const StudyResult& result() {
  static const StudyResult made = many_result();
  return made;
}

std::string screen(Detail detail) {
  return study_banner(result().study, false, detail) +
         model_text(result().study, result().models[0].entry, result().models[0], false, detail) +
         study_summary(result(), false, detail);
}

TEST(ManyPrompts, FitOnAScreen) {
  const std::string first = study_summary(result(), false);
  EXPECT_LE(lines_of(first), 15) << first;  // and where the files are
  expect_narrow(first);
  EXPECT_THAT(first,
              HasSubstr("Left out: 3 of 500 prompts of EleutherAI/pythia-160m (prompt is empty, and other reasons)"));
  const std::string text = model_text(result().study, result().models[0].entry, result().models[0], false);
  EXPECT_LE(lines_of(text), 30) << text;
  expect_narrow(text);
  for (const char* piece : {"prompts by layer: 497 of 497 resolved\n", "FAILED: prompts 498, 499: prompt is empty\n",
                            "FAILED: prompt 500: 5000 tokens", "497/497"})
    EXPECT_THAT(text, HasSubstr(piece));
  EXPECT_THAT(text, Not(HasSubstr("Prompt 1 ")));
  const std::string all = screen(Detail::every_prompt);
  EXPECT_GT(lines_of(all), 560);
  EXPECT_THAT(all, HasSubstr("    Prompt 497 (q496): L* = "));
  EXPECT_THAT(all, HasSubstr("ESTIMATORS SIDE BY SIDE"));

  const Measurement& m = result().models[0].measurement;
  const std::string trace = trace_text(m, false);
  EXPECT_LE(lines_of(trace), 40) << trace;
  expect_narrow(trace);
  EXPECT_THAT(trace, HasSubstr("FAILED: prompts 498, 499: prompt is empty\n"));
  EXPECT_GT(lines_of(trace_text(m, false, NanPolicy::report, Detail::every_prompt)), 500 * 24);
}

// Eight prompts are shown each, nine are not.
TEST(ManyPrompts, WhatIsMissingHasMoreThanOneReason) {
  ASSERT_EQ(result().summaries[0].partly.size(), 1u);
  EXPECT_EQ(result().summaries[0].partly[0].reason, "prompt is empty, and other reasons");
}

// A mean over two of many is not one over all.
TEST(ManyPrompts, AMeanOfAFewSaysSo) {
  Measurement m = many_measured();
  for (size_t p = 2; p < m.seen.tokens.size(); ++p)
    for (size_t h = 0; h < 16; ++h) m.seen.off_diagonal(p, 3, h) = std::numeric_limits<double>::quiet_NaN();
  const std::string trace = trace_text(m, false);
  const Study& study = result().study;
  const auto model = evaluate_model(study, study.models[0], std::move(m));
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_THAT(model_text(study, study.models[0], model, false), HasSubstr(" of 2 "));
  EXPECT_THAT(trace, HasSubstr(" of 2 "));
}

TEST(ManyPrompts, FewAreShownEach) {
  for (const size_t count : {kFewPrompts, kFewPrompts + 1}) {
    const Measurement m = testing::made_up_measurement(testing::made_up_models()[0], Dtype::float32, count);
    const bool each = count == kFewPrompts;
    EXPECT_EQ(trace_text(m, false).find("\nPrompt 1: ") != std::string::npos, each);
    const JsonValue prompt = trace_json(m)["prompts"][0];
    EXPECT_EQ(prompt["layers"][3]["diagonal_sum_per_head"].is_null(), !each);
    EXPECT_EQ(prompt["reasons"].contains("diagonal_sum_per_head"), !each) << "what is null has its reason";
    EXPECT_EQ(prompt["reasons"]["trace.edge_energy"], "not measured");
    EXPECT_EQ(trace_json(m, NanPolicy::report, true)["prompts"][0]["layers"][3]["diagonal_sum_per_head"].size(), 12u);
    Study study = testing::made_up_study(Dtype::float32);
    study.models.resize(1);
    study.prompts.resize(count, {.text = "x"});
    std::vector<Result<ModelResult>> models{evaluate_model(study, study.models[0], m)};
    const StudyResult made = *evaluate(study, std::move(models), "now");
    const JsonValue traces = study_json(made)["traces"][0];
    EXPECT_EQ(traces["by_estimator"].is_null(), !each);
    EXPECT_EQ(traces["residual_norm"].is_null(), !each);
    EXPECT_EQ(traces["reason"].is_null(), each);
    EXPECT_EQ(study_summary(made, false).find("NOTES"), std::string::npos) << "the first screen has no room for them";
  }
}

size_t count_of(const std::string& text, const std::string& piece) {
  size_t count = 0;
  for (size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++count;
  return count;
}

TEST(ManyPrompts, JsonUnderAMegabyte) {
  const std::string text = study_json_text(result());
  EXPECT_LT(text.size(), 1'000'000u);
  EXPECT_EQ(count_of(text, "Prompt 17 x"), 1u) << "each text once";
  EXPECT_EQ(count_of(text, "[1017, 1017"), 1u) << "each prompt's ids once";
  const auto document = JsonDocument::parse(text, "study");
  ASSERT_TRUE(document) << document.error().message();
  for (size_t e = 0; e < result().summaries.size(); ++e) {
    const ModelScore& score = result().models[0].scores[e];
    const Json entry = document->root()["by_estimator"][score.estimator]["results"].at(0).value();
    for (const char* key : {"l_star_per_prompt", "resolved_per_prompt", "margin_per_prompt", "reason_per_prompt"})
      EXPECT_EQ(entry[key].size(), kMany) << key;
    for (size_t i = 0; i < kMany; i += 29)
      EXPECT_EQ(entry["l_star_per_prompt"].at(i)->integer(), score.l_star_per_prompt[i]);
    EXPECT_EQ(entry["resolved_per_prompt"].at(kMany - 1)->boolean(), false);
    EXPECT_EQ(entry["failed_prompts"].at(2)->integer("prompt"), 500);
  }
}

TEST(ManyPrompts, TheMeanTraceIsOfThoseThatAreFinite) {
  Measurement m = testing::made_up_measurement(testing::made_up_models()[0], Dtype::float32, 12);
  m.seen.off_diagonal(3, 5, 0) = std::numeric_limits<double>::infinity();
  Study study = testing::made_up_study(Dtype::float32);
  study.models.resize(1);
  study.prompts.resize(12, {.text = "x"});
  std::vector<Result<ModelResult>> models{evaluate_model(study, study.models[0], m)};
  const StudyResult made = *evaluate(study, std::move(models), "now");
  const JsonValue of = study_json(made)["traces"][0]["mean"]["off_diagonal"];
  EXPECT_EQ(of["prompts"], 11);
  double sum = 0;  // by hand, from the definition
  for (size_t p = 0; p < 12; ++p) {
    double heads = 0;
    for (size_t h = 0; h < 12; ++h) heads += m.seen.off_diagonal(p, 7, h);
    if (p != 3) sum += heads / 12 * m.weights.w_v_sq[7];
  }
  EXPECT_NEAR(of["trace"][7].get<double>(), sum / 11, 1e-12 * sum);
}

using Row = std::map<std::string, std::string>;

std::vector<Row> rows_of(const std::string& csv) {
  const auto read = read_delimited(csv, ',', "csv");
  EXPECT_TRUE(read);
  std::vector<Row> rows;
  for (size_t r = 1; r < read->size(); ++r) {
    EXPECT_EQ((*read)[r].cells.size(), (*read)[0].cells.size()) << r;
    Row row;
    for (size_t c = 0; c < (*read)[0].cells.size(); ++c) row[(*read)[0].cells[c]] = (*read)[r].cells[c];
    rows.push_back(std::move(row));
  }
  return rows;
}

// A bound on the rounding of nothing is none. as_written's bound does not know the sum that it is of.
TEST(ManyPrompts, NoFloorWhereThereIsNoTrace) {
  Measurement m = testing::made_up_measurement(testing::made_up_models()[0], Dtype::float32, 2);
  m.seen.rounded_sum(1, 5) = std::numeric_limits<double>::quiet_NaN();
  const auto traces = traces_of(m, NanPolicy::report);
  EXPECT_TRUE(std::isfinite(traces_named(traces, "as_written")->prompts[1].floor[5]));
  const auto rows = rows_of(trace_csv(m));
  ASSERT_EQ(rows.size(), 24u);
  for (const Row& row : rows) {
    const bool broken = row.at("prompt") == "2" && row.at("layer") == "5";
    EXPECT_EQ(row.at("as_written").empty(), broken);
    EXPECT_EQ(row.at("as_written_rounding_floor").empty(), broken);
    EXPECT_FALSE(row.at("off_diagonal_rounding_floor").empty());
  }
}

// Every model, prompt, estimator and detector once, with numbers that are numbers.
TEST(PromptsTable, IsTidy) {
  const std::vector<Row> rows = rows_of(prompts_csv(result()));
  ASSERT_EQ(rows.size(), kMany * 3 * detectors().size());
  std::set<std::tuple<std::string, std::string, std::string>> keys;
  double sum = 0;
  for (Row row : rows) {
    keys.insert({row["prompt"], row["estimator"], row["detector"]});
    const std::string &layer = row["l_star"], &resolved = row["resolved"];
    EXPECT_EQ(layer.find_first_not_of("0123456789"), std::string::npos) << layer;
    EXPECT_TRUE(layer.empty() ? resolved.empty() : resolved == "true" || resolved == "false");
    EXPECT_EQ(row["error"].empty(), std::stoul(row["prompt"]) <= kMany - 3);
    EXPECT_FALSE(layer.empty() && row["error"].empty() && row["reason"].empty());
    if (row["estimator"] == "off_diagonal" && row["detector"] == "argmax_step" && !layer.empty())
      sum += std::stod(layer);
  }
  EXPECT_EQ(keys.size(), rows.size());
  EXPECT_NEAR(sum / (kMany - 3), *result().models[0].scores[0].l_star, 1e-9);
}

TEST(PromptsTable, NoCellIsAFormula) {
  StudyResult made = testing::made_up_result();
  made.models[0].entry.name = "=HYPERLINK(1)";
  made.models[0].measurement.prompts[0].id = PromptId{"@SUM(1,2)\n\"x\"", false};
  const std::vector<Row> rows = rows_of(prompts_csv(made));
  EXPECT_EQ(rows[0].at("model"), "'=HYPERLINK(1)");
  EXPECT_EQ(rows[0].at("id"), "'@SUM(1,2) \"x\"");
  EXPECT_EQ(rows_of(study_csv(made))[0].at("model"), "'=HYPERLINK(1)");
}

// What the traces' table says is what the study found, floors and all.
TEST(TracesTable, ReadsBackToTheSameLStar) {
  const ModelResult& model = result().models[0];
  const TracedModel traced[] = {{model.entry.name, model.measurement, model.traces}};
  const auto traces = parse_traces(layers_csv(traced, false), "f");
  ASSERT_TRUE(traces) << traces.error().message();
  ASSERT_EQ(traces->size(), (kMany - 3) * 4);
  size_t compared = 0;
  for (const ModelTraces& of : model.traces)
    for (size_t p = 0; p < of.prompts.size(); ++p) {
      const std::string name = fmt::format("prompt {}: {}", p + 1, of.estimator);
      const auto found = std::find_if(traces->begin(), traces->end(), [&](const auto& t) { return t.name == name; });
      if (found == traces->end()) continue;
      EXPECT_EQ(found->trace, of.prompts[p].trace);
      EXPECT_EQ(found->floor, of.prompts[p].floor);
      ++compared;
    }
  EXPECT_EQ(compared, traces->size());
}

TEST(HeadsTable, OneRowAHead) {
  const testing::MadeUpModel grouped{"m", "l", "llama", "llama", 2, 4, 2, 1, 2};
  Measurement m = testing::made_up_measurement(grouped, Dtype::float32, 2);
  m.weights.w_v_head_sq(1, 1) = 7;
  const std::string name = "m";
  const TracedModel traced[] = {{name, m, {}}};
  const std::vector<Row> rows = rows_of(heads_csv(traced));
  ASSERT_EQ(rows.size(), 2u * 2 * 4);
  const Row& last = rows[15];  // prompt 2, layer 1, head 3, of the second key/value head
  EXPECT_EQ(last.at("prompt") + last.at("layer") + last.at("head"), "213");
  EXPECT_EQ(last.at("w_v_frobenius_sq"), "7");
  EXPECT_EQ(rows[14].at("w_v_frobenius_sq"), "7");
  EXPECT_NE(rows[13].at("w_v_frobenius_sq"), "7");
  EXPECT_EQ(std::stod(last.at("diagonal_sum")), m.seen.diagonal(1, 1, 3));
  EXPECT_EQ(std::stod(last.at("off_diagonal_sum")), m.seen.off_diagonal(1, 1, 3));
  EXPECT_EQ(std::stod(last.at("attention_entropy")), m.seen.entropy(1, 1, 3) / 13);
  EXPECT_EQ(std::stod(last.at("ov_frobenius_sq")), m.weights.ov_sq(1, 3));
}

std::vector<FoundLayer> layers(std::initializer_list<std::pair<int, size_t>> counts) {
  std::vector<FoundLayer> found;
  for (const auto& [layer, count] : counts) found.insert(found.end(), count, FoundLayer{layer, true});
  return found;
}

TEST(LayerHistogram, BinsHoldEveryPromptOnce) {
  using Bins = std::vector<LayerBin>;
  EXPECT_EQ(layer_bins(layers({{18, 3}, {2, 1}}), 8), (Bins{{2, 2, 1, 0}, {18, 18, 3, 0}}));
  std::vector<FoundLayer> all;
  for (int layer = 3; layer < 24; ++layer) all.push_back({layer, layer % 2 == 0});
  all.push_back({std::nullopt, false});
  const Bins bins = layer_bins(all, 8);  // 21 layers, three a bin
  ASSERT_EQ(bins.size(), 7u);
  EXPECT_EQ(bins.front(), (LayerBin{3, 5, 1, 2}));
  EXPECT_EQ(bins.back(), (LayerBin{21, 23, 1, 2}));
  EXPECT_EQ(layer_bins(layers({{0, 1}, {1, 1}, {2, 1}, {4, 1}}), 3), (Bins{{0, 1, 2, 0}, {2, 3, 1, 0}, {4, 4, 1, 0}}));
  EXPECT_TRUE(layer_bins({}, 8).empty());
}

TEST(LayerHistogram, BarsAreInProportion) {
  std::vector<FoundLayer> found = layers({{7, 50}, {12, 25}, {13, 1}});
  found.insert(found.end(), 25, FoundLayer{12, false});
  found.push_back({std::nullopt, false});
  const std::string text = histogram_text(found, 100, 2);
  EXPECT_EQ(text, fmt::format("     7  {0}{0} 50\n    12  {0}{1} 50, 25 not resolved\n    13  █ 1\n  none  1\n",
                              "████████████████████", "░░░░░░░░░░░░░░░░░░░░"));
  for (const int width : {30, 60, 100}) {
    std::istringstream lines(histogram_text(found, width, 2));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), std::max(width, 40)) << line;
  }
  EXPECT_EQ(resolved_text(found), "76 of 102 resolved, 25 not, 1 without an L*");
}

TEST(FailedPrompts, AreGroupedByReason) {
  Measurement m;
  for (int i = 0; i < 9; ++i)
    m.prompts.push_back(
        {.text = "", .ids = {}, .row = std::nullopt, .error = Error{.what = i == 4 ? "long" : "empty"}});
  m.prompts.push_back({.text = "", .ids = {}, .row = std::nullopt, .error = Error{.what = "odd"}});
  EXPECT_THAT(failed_prompts_lines(m, 2), ::testing::ElementsAre("prompts 1, 2, 3, 4, 6 and 3 more: empty",
                                                                 "prompt 5: long", "1 more, for other reasons"));
}

}  // namespace
}  // namespace lstar
