#include "lstar/analysis/formulas.h"

#include "tests/analysis/recorded.h"

namespace lstar {
namespace {

std::optional<double> value(std::string_view name, int layers, int heads, std::optional<double> gain = {}) {
  return predict(*find_formula(name), layers, heads, gain).l_star;
}

// The same double that Python computes from the same expression.
TEST(Formulas, V3IsTheNotebooksToTheBit) {
  EXPECT_EQ(value("v3", 12, 12), 7.948000000000001);
  EXPECT_EQ(value("v3", 24, 16), 16.902);
  const PublishedTable table = cross_heritage("argmax_step");
  for (size_t i = 0; i < table.points.size(); ++i)
    EXPECT_EQ(value("v3", table.points[i].layers, table.points[i].heads), table.predicted[i]);
}

// By hand, L = 24, H = 16; tolerance: a few roundings of numbers near 20.
TEST(Formulas, TheOtherVersions) {
  const double tolerance = 24 * 4 * 0x1p-52;
  EXPECT_NEAR(*value("v1", 24, 16, 1.0), 12, tolerance);
  EXPECT_NEAR(*value("v1", 24, 16, 1.2), 12 * (1 + 0.7615941559557649), tolerance);  // tanh(1)
  EXPECT_NEAR(*value("v2", 24, 16, 0.9), 24 * 0.742, tolerance);
  EXPECT_NEAR(*value("v2", 24, 16, 1.1), 24 * 0.84, tolerance);
  EXPECT_NEAR(*value("v2", 24, 16, 1.0), 24 * 0.84, tolerance);     // not below 1: not dampening
  EXPECT_NEAR(*value("v4", 24, 16), 24 * 0.66525, tolerance);       // -0.13 + 0.504 + 0.53125 - 0.24
  EXPECT_NEAR(*value("v5", 24, 16, 0.9), 24 * 0.68775, tolerance);  // -0.2 + 0.696 + 0.76875 - 0.615 + 0.038
  EXPECT_EQ(value("half", 13, 1), 6.5);
  EXPECT_EQ(value("two_thirds", 24, 1), 16.0);
}

TEST(Formulas, WithoutAGainSomeHaveNoValue) {
  for (const Formula& formula : formulas()) {
    const Prediction prediction = predict(formula, 24, 16);
    EXPECT_EQ(prediction.l_star.has_value(), !formula.needs_gain) << formula.name;
    EXPECT_EQ(prediction.reason, formula.needs_gain ? std::string(formula.name) + " needs the residual gain G" : "");
    EXPECT_TRUE(predict(formula, 24, 16, 1.1).l_star) << formula.name;
    EXPECT_FALSE(predict(formula, 0, 16, 1.1).l_star) << formula.name;
    EXPECT_FALSE(predict(formula, 24, 0, 1.1).l_star) << formula.name;
    EXPECT_EQ(find_formula(formula.name), &formula);
  }
  EXPECT_EQ(find_formula("v6"), nullptr);
}

TEST(Formulas, APredictionMayLeaveTheModel) {
  EXPECT_NEAR(*value("v3", 80, 64), 91.725, 1e-12);  // about 91 times double's roundoff of 1e-16
  EXPECT_FALSE(in_range(*value("v3", 80, 64), 80));
  EXPECT_NEAR(*value("v3", 30, 9), 30.43, 0.005);  // SmolLM2-135M's shape, given to two decimals
  EXPECT_FALSE(in_range(*value("v3", 30, 9), 30));
  EXPECT_TRUE(in_range(0, 12));
  EXPECT_FALSE(in_range(12, 12));
  EXPECT_FALSE(in_range(-0.1, 12));
}

TEST(Formulas, AreWrittenAsTheNotebookWritesThem) {
  EXPECT_EQ(find_formula("v3")->text, "L* = L × (0.11 + 0.012×L + 4.9/H)");
}

TEST(Formulas, WhatTheCalibrationSaw) {
  const Formula& v3 = *find_formula("v3");
  EXPECT_EQ(v3.calibrated_on.size(), 8u);
  for (const char* seen : {"EleutherAI/pythia-160m", "openai-community/gpt2", "models/GPT2/", "gpt2@main", "opt-125m"})
    EXPECT_EQ(saw_model(v3, seen, 12, 12), true) << seen;
  for (const char* unseen :
       {"EleutherAI/pythia-160m-deduped", "gpt2-xl", "zoo/gpt2-12x12", "gpt2/other", "", "/", "gemma-2b"})
    EXPECT_EQ(saw_model(v3, unseen, 12, 12), false) << unseen;
  EXPECT_EQ(saw_model(v3, "google/gemma-2b", 18, 8), true);
  EXPECT_EQ(saw_model(v3, "checkpoints/gpt2", 4, 4), false) << "another model of that name";
  EXPECT_EQ(saw_model(*find_formula("half"), "gpt2", 12, 12), false) << "fitted to nothing";
  EXPECT_EQ(saw_model(*find_formula("v4"), "gpt2", 12, 12), std::nullopt) << "its table is not published";
}

}  // namespace
}  // namespace lstar
