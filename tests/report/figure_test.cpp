#include "lstar/report/figures/figure.h"

#include <filesystem>
#include <iterator>
#include <limits>
#include <set>
#include <sstream>
#include <tuple>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/base/atomic_file.h"
#include "lstar/report/csv.h"
#include "lstar/report/figures/figure_canvas.h"
#include "lstar/report/json/study_json.h"
#include "lstar/report/write_study.h"
#include "tests/support/study_fixture.h"
#include "tests/support/temporary_folder.h"

namespace lstar {
namespace {

using ::testing::HasSubstr;

uint32_t big_endian(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
  return value;
}

std::string drawn(const Figure& figure, FigureFormat format) {
  auto bytes = draw(figure, format);
  EXPECT_TRUE(bytes) << bytes.error().message();
  return bytes.value_or("");
}

TEST(Figure, PngIsFitForPrint) {
  const StudyResult result = testing::made_up_result();
  for (const Figure& figure : {cross_heritage_figure(result), traces_figure(result)}) {
    const std::string png = drawn(figure, FigureFormat::png);
    ASSERT_EQ(png.substr(1, 3), "PNG");
    EXPECT_EQ(big_endian(png, 16), 2100u);  // 7 inches at 300 dots an inch
    EXPECT_NEAR(big_endian(png, 20), figure.height * 300 / 72, 1);
    EXPECT_GT(png.size(), 50'000u);
  }
}

TEST(Figure, SameResultSameBytes) {
  const StudyResult result = testing::made_up_result();
  for (const FigureFormat format : {FigureFormat::png, FigureFormat::svg, FigureFormat::pdf}) {
    const std::string once = drawn(cross_heritage_figure(result), format);
    EXPECT_EQ(once, drawn(cross_heritage_figure(result), format)) << name(format);
    EXPECT_EQ(drawn(traces_figure(result), format), drawn(traces_figure(result), format)) << name(format);
  }
  EXPECT_THAT(drawn(traces_figure(result), FigureFormat::pdf), HasSubstr("/CreationDate (D:20000101000000Z)"));
}

TEST(Figure, SvgNamesWhatItShows) {
  const StudyResult result = testing::made_up_result();
  const std::string heritage = drawn(cross_heritage_figure(result), FigureFormat::svg);
  for (const char* text : {">pythia-160m<", ">bloom-560m<", ">gpt2<", ">Meta<", ">10 % threshold<", "width=\"1008\"",
                           "L* predicted (v3)", "without nobody/missing", "L* empirical (off_diagonal, argmax_step)"})
    EXPECT_THAT(heritage, HasSubstr(text));
  const std::string traces = drawn(traces_figure(result), FigureFormat::svg);
  for (const char* text : {">opt-350m<", ">BigScience<", ">L* 18.0<", ">predicted 16.9<", ">layer<"})
    EXPECT_THAT(traces, HasSubstr(text));
  EXPECT_THAT(drawn(traces_figure(result, 2), FigureFormat::svg), HasSubstr(">rounding floor<"));
  EXPECT_THAT(drawn(cross_heritage_figure(result, 2), FigureFormat::svg), HasSubstr(">L* not resolved<"));
}

// The heights of a bar's neighbours are no measure of it: what noise and the best simpler prediction score on the same
// models stands across the bars, and in the legend as a number.
TEST(Figure, ChanceStandsBesideErrors) {
  const StudyResult result = testing::made_up_result();
  const EstimatorSummary& s = result.summaries[0];
  std::optional<double> best;
  for (const Baseline& one : s.baselines)
    for (const char* simple : {"half", "two_thirds", "random layer", "constant fraction, leave one out"})
      if (one.name == simple && one.mape) best = std::min(best.value_or(*one.mape), *one.mape);
  ASSERT_TRUE(best);
  const std::string svg = drawn(cross_heritage_figure(result), FigureFormat::svg);
  EXPECT_THAT(svg, HasSubstr(fmt::format(">noise on the same models: {:.1f} %<", s.chance.formulas[0].noise.expected)));
  EXPECT_THAT(svg, HasSubstr(fmt::format(": {:.1f} %<", *best)));
  EXPECT_THAT(svg, HasSubstr(">best simpler prediction, "));
  // Where nothing has an error there is neither.
  Study study = testing::made_up_study(Dtype::float32);
  study.models.resize(1);
  Measurement m = testing::made_up_measurement(testing::made_up_models()[0], Dtype::float32);
  m.weights.w_v_sq.assign(m.weights.w_v_sq.size(), 0);
  const auto zero = evaluate_model(study, study.models[0], std::move(m));
  const std::string empty = drawn(cross_heritage_figure(*evaluate(study, {zero}, "now")), FigureFormat::svg);
  EXPECT_THAT(empty, Not(HasSubstr("noise on the same models")));
}

TEST(Figure, DrawsWhateverAStudyHolds) {
  Study study = testing::made_up_study();
  std::vector<Result<ModelResult>> models;
  for (size_t i = 0; i < study.models.size(); ++i) {
    testing::MadeUpModel made = testing::made_up_models()[i];
    study.models[i].name = "it's `date` $(x) \"q\" \\ @m {/Bold x}\n\xff" + std::string(60, 'm');
    study.models[i].lab = "lab of 'a rather long' name " + std::to_string(i);
    if (i == 1) made.layers = 1;
    if (i == 2) made.layers = 30, made.heads = 9, made.kv_heads = 3;  // predicted beyond the last layer
    Measurement m = testing::made_up_measurement(made, Dtype::float32);
    if (i == 3) m.weights.w_v_sq.assign(m.weights.w_v_sq.size(), std::numeric_limits<double>::quiet_NaN());
    if (i == 4) m.weights.w_v_sq.assign(m.weights.w_v_sq.size(), 0);
    if (i == 5)
      for (double& value : m.weights.w_v_sq) value *= 1e30;
    models.push_back(evaluate_model(study, study.models[i], std::move(m)));
  }
  const StudyResult result = *evaluate(study, std::move(models), "now");
  for (size_t e = 0; e < 3; ++e)
    for (const Figure& figure : {cross_heritage_figure(result, e), traces_figure(result, e)}) {
      drawn(figure, FigureFormat::png);
      drawn(figure, FigureFormat::svg);
    }
}

TEST(Figure, LabsKeepTheNotebooksColours) {
  const StudyResult result = testing::made_up_result();
  std::set<std::string> colours;
  for (const LabColour& entry : lab_colours(result)) {
    colours.insert(entry.colour);
    if (entry.lab == "EleutherAI") {
      EXPECT_EQ(entry.colour, "#E74C3C");
    } else if (entry.lab == "OpenAI") {
      EXPECT_EQ(entry.colour, "#9B59B6");
    }
  }
  EXPECT_EQ(colours.size(), 4u);
}

// No bar is no error of 0, and a mean that no prompt has is no line.
TEST(Figure, WhatHasNoLStarIsNamed) {
  Study study = testing::made_up_study(Dtype::float32);
  study.models.resize(1);
  Measurement m = testing::made_up_measurement(testing::made_up_models()[0], Dtype::float32);
  m.weights.w_v_sq[2] = std::numeric_limits<double>::quiet_NaN();
  const auto broken = evaluate_model(study, study.models[0], std::move(m));
  ASSERT_TRUE(broken);
  EXPECT_THAT(drawn(cross_heritage_figure(*evaluate(study, {broken}, "now")), FigureFormat::svg), HasSubstr(">no L*<"));
  const StudyResult result = testing::made_up_result();
  const ModelScore& spread = result.models[0].scores[2];
  ASSERT_GT(*spread.l_star_std, 0);
  EXPECT_THAT(drawn(traces_figure(result, 2), FigureFormat::svg),
              HasSubstr(fmt::format(">L* {:.1f} ± {:.1f} not resolved<", *spread.l_star, *spread.l_star_std)));
}

// The rows of each data block of a figure.
std::vector<std::vector<std::vector<double>>> blocks_of(const Figure& figure) {
  std::vector<std::vector<std::vector<double>>> blocks;
  std::istringstream lines(figure.commands);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("$block")) continue;
    blocks.emplace_back();
    while (std::getline(lines, line) && line != "end_of_block") {
      std::istringstream cells(line);
      blocks.back().emplace_back(std::istream_iterator<double>(cells), std::istream_iterator<double>());
    }
  }
  return blocks;
}

// Of a prompt that is not finite in one layer, neither has the others.
TEST(Figure, TracesAreTheMeansOfTheJson) {
  Study study = testing::made_up_study(Dtype::float32);
  study.models.resize(1);
  Measurement m = testing::made_up_measurement(testing::made_up_models()[0], Dtype::float32);
  const double infinity = std::numeric_limits<double>::infinity();
  m.seen.off_diagonal(1, 5, 0) = infinity;
  m.seen.off_diagonal(1, 7, 0) *= 50;
  m.seen.rounded_sum(1, 5) = static_cast<float>(infinity);
  const StudyResult result = *evaluate(study, {evaluate_model(study, study.models[0], std::move(m))}, "now");
  const JsonValue means = study_json(result)["traces"][0]["mean"];
  for (const auto& [estimator, floor, line] : {std::tuple{0, -1, 1}, {2, 1, 2}}) {
    const JsonValue& mean = means[study.estimators[static_cast<size_t>(estimator)]];
    const auto blocks = blocks_of(traces_figure(result, static_cast<size_t>(estimator)));
    ASSERT_EQ(blocks.size(), static_cast<size_t>(line + 1));
    for (const auto& [block, key] : {std::pair{line, "trace"}, {floor, "rounding_floor"}}) {
      if (block < 0) continue;
      const auto& rows = blocks[static_cast<size_t>(block)];
      ASSERT_EQ(rows.size(), mean[key].size());
      const double unit = rows[0][1] / mean[key][0].get<double>();
      for (size_t l = 0; l < rows.size(); ++l)  // 1e-10: twelve digits are drawn
        EXPECT_NEAR(rows[l][1] / unit / mean[key][l].get<double>(), 1, 1e-10) << estimator << key << l;
    }
  }
}

TEST(Figure, TicksAreRoundNumbers) {
  std::vector<double> at;
  for (const Tick& tick : linear_ticks({0, 23}, 6, true)) at.push_back(tick.at);
  EXPECT_THAT(at, ::testing::ElementsAre(0, 5, 10, 15, 20));
  EXPECT_EQ(log_ticks({0.5, 2000}, 5).front().label, "10⁰");
  EXPECT_EQ(linear_ticks({0, 0}, 5).size(), 0u);
}

TEST(Gnuplot, SaysWhatToInstall) {
  const auto missing = draw(cross_heritage_figure(testing::made_up_result()), FigureFormat::png, "no-such-gnuplot");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("`gnuplot` is not installed (Debian: gnuplot-nox)"));
}

TEST(Gnuplot, ReportsAFailure) {
  const auto broken = draw({100, 100, "plot no_such_function(x)\n"}, FigureFormat::png);
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message(), HasSubstr("figure not drawn"));
}

TEST(Gnuplot, IsNotWaitedForWithoutEnd) {
  const testing::TemporaryFolder folder;
  const std::string program = folder / "hangs";
  ASSERT_TRUE(write_file(program, "#!/bin/sh\nexec sleep 600\n"));
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const auto begin = std::chrono::steady_clock::now();
  const auto figure = draw({100, 100, ""}, FigureFormat::png, program, std::chrono::milliseconds(200));
  ASSERT_FALSE(figure);
  EXPECT_EQ(figure.error().message(), program + ": figure not drawn: it took longer than 0.2 s");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

TEST(Gnuplot, QuotesText) {
  EXPECT_EQ(gnuplot_quote("it's\n`x`"), "'it\u2019s `x`'");
  EXPECT_EQ(gnuplot_quote("]]>\uffff\u202e\xff"), "']]\u203a  \ufffd'");
}

// Names that end a text early in gnuplot, in SVG or in a shell: every figure is drawn, and holds the name.
TEST(Gnuplot, DrawsEveryName) {
  for (const std::string name :
       {"'x", "''", "x'; print 1 #", "`date`", "]]>x", "\uffffx", "$(x)", "\\", "a\"b", "@x"}) {
    StudyResult result = testing::made_up_result();
    result.models[0].entry.name = name;
    for (const FigureFormat format : {FigureFormat::png, FigureFormat::svg}) {
      const auto drawn = draw(cross_heritage_figure(result), format);
      ASSERT_TRUE(drawn) << name << ": " << drawn.error().message();
      if (format != FigureFormat::svg) continue;
      EXPECT_EQ(drawn->find("]]>x"), std::string::npos);
      EXPECT_EQ(drawn->find("\uffff"), std::string::npos);
    }
  }
}

TEST(Csv, NoCellIsAFormula) {
  EXPECT_EQ(csv_row({"=1+1", "+x", "-x", "@x", "-1.5e3", "+2", "-inf", "a=b", "-", "=\"x\",1"}),
            "'=1+1,'+x,'-x,'@x,-1.5e3,+2,-inf,a=b,'-,\"'=\"\"x\"\",1\"\n");
}

TEST(WriteStudy, ReplacesNoOtherRun) {
  const testing::TemporaryFolder folder;
  StudyResult result = testing::made_up_result();
  const auto written = [&](const std::vector<FigureFormat>& formats = {}) {
    const auto files = write_study(result, folder.path(), formats);
    EXPECT_TRUE(files) << files.error().message();
    return *files;
  };
  const StudyFiles first = written();
  EXPECT_EQ(first.other_run, "");
  const std::string bytes = *read_file(first.written[0]);
  EXPECT_EQ(written({FigureFormat::svg}).written[0], first.written[0]) << "the same result";
  result.models[0].entry.name = "another";
  const StudyFiles second = written();
  EXPECT_EQ(second.other_run, first.written[0]);
  EXPECT_THAT(second.written[0], ::testing::EndsWith("_2.json"));
  EXPECT_THAT(second.written[1], ::testing::EndsWith("_2.csv"));
  EXPECT_EQ(*read_file(first.written[0]), bytes);
  EXPECT_EQ(written().written[0], second.written[0]) << "the same as the second";
  // Files of that name whose JSON is gone are somebody's too.
  std::filesystem::remove(second.written[0]);
  EXPECT_THAT(written().written[0], ::testing::EndsWith("_3.json"));
}

TEST(WriteStudy, WritesEveryFileUnderItsName) {
  const testing::TemporaryFolder folder;
  const StudyResult result = testing::made_up_result();
  const auto files = write_study(result, folder / "a/b", {FigureFormat::png, FigureFormat::svg});
  ASSERT_TRUE(files) << files.error().message();
  EXPECT_TRUE(files->missing.empty());
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "a/b"))
    names.insert(entry.path().filename().string());
  EXPECT_THAT(names, ::testing::ElementsAre(
                         "l_star_cross_heritage_20260106_120000.csv", "l_star_cross_heritage_20260106_120000.json",
                         "l_star_cross_heritage_20260106_120000.png", "l_star_cross_heritage_20260106_120000.svg",
                         "l_star_prompts_20260106_120000.csv", "l_star_traces_20260106_120000.csv",
                         "l_star_traces_20260106_120000.png", "l_star_traces_20260106_120000.svg"));
  EXPECT_EQ(files->written.size(), 8u);
  EXPECT_EQ(read_file(folder / "a/b/l_star_cross_heritage_20260106_120000.json"), study_json_text(result));
  EXPECT_EQ(read_file(folder / "a/b/l_star_cross_heritage_20260106_120000.csv"), study_csv(result));
  EXPECT_EQ(read_file(folder / "a/b/l_star_prompts_20260106_120000.csv"), prompts_csv(result));
  EXPECT_EQ(files_text(files->written),
            (folder / "a/b") +
                ": l_star_cross_heritage_20260106_120000.{json,csv,png,svg}, "
                "l_star_prompts_20260106_120000.csv, l_star_traces_20260106_120000.{csv,png,svg}");
}

TEST(WriteStudy, ATimestampLeavesNoFolder) {
  const testing::TemporaryFolder folder;
  StudyResult result = testing::made_up_result();
  result.timestamp = "../x/1";
  const auto files = write_study(result, folder.path(), {});
  ASSERT_TRUE(files);
  EXPECT_EQ(files->written[0], folder / "l_star_cross_heritage_.._x_1.json");
}

TEST(WriteStudy, SaysWhereItCannotWrite) {
  const testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "file", "x"));
  const auto files = write_study(testing::made_up_result(), folder / "file/out");
  ASSERT_FALSE(files);
  EXPECT_THAT(files.error().message(), HasSubstr("file/out"));
}

TEST(StudyCsv, OneRowAModelAndEstimator) {
  const StudyResult result = testing::made_up_result();
  const std::string csv = study_csv(result);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 6 * 3 + 1);
  EXPECT_THAT(csv, HasSubstr("EleutherAI/pythia-160m,EleutherAI,12,12,pythia,gpt_neox,off_diagonal,argmax_step,"));
  // as_written's L* is a number, and that it is not resolved stands beside it.
  const ModelScore& score = result.models[0].scores[2];
  EXPECT_THAT(csv, HasSubstr(fmt::format(",as_written,argmax_step,float16,v3,{},{},{},{},{},false,,true,5,5,0,,",
                                         *result.models[0].predicted, *score.l_star, *score.l_star_std,
                                         *score.error_pct, *score.error_of_actual_pct)));
  EXPECT_THAT(csv, HasSubstr("\nnobody/missing,Nobody,,"));
  EXPECT_THAT(csv, ::testing::EndsWith(",models/nobody/missing: no such folder\n"));
}

}  // namespace
}  // namespace lstar
