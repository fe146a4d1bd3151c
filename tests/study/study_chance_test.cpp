// What chance_of says of the published table, against docs/mathematics.md's known answers and plain second writings.
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lstar/study/published.h"
#include "lstar/study/study_chance.h"

namespace lstar {
namespace {

constexpr double kSixDigits = 1e-6, kDrawn = 0.005;  // of a probability over 20,000 draws or more

// The six published models, as if each L* had been measured with five prompts.
std::vector<ScoredModel> published_models() {
  std::vector<ScoredModel> models;
  const Published published = *bundled_published();
  for (const PublishedRow& row : published.by_argmax_step) {
    models.push_back({row.model, row.model, row.point, {}});
    models.back().point.prompts = 5;
  }
  return models;
}

StudyChance chance(const std::vector<ScoredModel>& models, const char* formula = "v3") {
  NoiseDesigns designs(0);
  return chance_of(models, *find_formula(formula), static_cast<int>(models.size()), 0, designs);
}

const PairedDifference& paired(const StudyChance& chance, const std::string& name) {
  for (const PairedDifference& pair : chance.paired)
    if (pair.name == name) return pair;
  ADD_FAILURE() << "no " << name;
  return chance.paired.front();
}

TEST(StudyChance, ThePublishedTable) {
  const StudyChance of = chance(published_models());
  EXPECT_EQ(of.models, 6);
  EXPECT_EQ(of.labs, 4);
  EXPECT_TRUE(of.labs_exact);
  EXPECT_EQ(of.formulas.at(0).formula, "v3");
  EXPECT_NEAR(of.formulas[0].mape, 15.701389, kSixDigits);
  EXPECT_NEAR(of.formulas[0].noise.expected, 18.995858, kSixDigits);
  EXPECT_NEAR(of.formulas[0].noise.as_good.p, 0.243, kDrawn);
  EXPECT_NEAR(of.mape_by_labs->low, 11.154, 5e-4);
  EXPECT_NEAR(of.mape_by_labs->high, 23.087, 5e-4);
  // All 6^6 draws of the models, counted by Python.
  EXPECT_NEAR(of.generalizes.p, 0.015667866941015088, 1e-12);
  EXPECT_NEAR(of.partly.p, 0.3881172839506173, 1e-12);
  EXPECT_EQ(of.generalizes.error, 0);
  EXPECT_NEAR(of.assignment->as_good.p, 1, 1e-12);
  EXPECT_NEAR(of.shape_bound.value(), 9.583333, kSixDigits);
  EXPECT_EQ(of.better_than_chance, false);
}

// Positive where the simpler prediction is nearer; drawn by labs, of which there are fewer than models.
TEST(StudyChance, PairedDifferences) {
  const StudyChance of = chance(published_models());
  const PairedDifference &two_thirds = paired(of, "two_thirds"), &half = paired(of, "half");
  EXPECT_NEAR(two_thirds.mape, 13.75, kSixDigits);
  EXPECT_NEAR(two_thirds.difference, 1.951, 5e-4);
  EXPECT_NEAR(two_thirds.labs->low, 1.098, 5e-4);
  EXPECT_NEAR(two_thirds.labs->high, 2.927, 5e-4);
  EXPECT_NEAR(half.difference, -0.271, 5e-4);
  EXPECT_NEAR(half.labs->low, -14.014, 5e-4);
  EXPECT_NEAR(half.labs->high, 13.472, 5e-4);

  // The constant: of each model the mean L*/L of the others. A random layer: each of 1 ... L - 1.
  const std::vector<ScoredModel> models = published_models();
  double constant = 0, random = 0;
  for (const ScoredModel& model : models) {
    double others = 0, off = 0;
    for (const ScoredModel& other : models)
      if (&other != &model) others += other.point.l_star / other.point.layers / 5;
    constant += 100 * std::fabs(others - model.point.l_star / model.point.layers) / 6;
    for (int layer = 1; layer < model.point.layers; ++layer)
      off += 100 * std::fabs(layer - model.point.l_star) / model.point.layers / (model.point.layers - 1);
    random += off / 6;
  }
  EXPECT_NEAR(paired(of, "constant").mape, constant, 1e-9);
  EXPECT_NEAR(paired(of, "constant").difference, 15.7013888888889 - constant, 1e-9);
  EXPECT_NEAR(paired(of, "random_layer").mape, random, 1e-9);
}

// A model is seen under its name or under what it was opened from.
TEST(StudyChance, SeenAndUnseen) {
  std::vector<ScoredModel> models = published_models();
  for (int renamed = 0; renamed < 2; ++renamed) {
    const StudyChance of = chance(models);
    EXPECT_EQ(of.seen->models, 4);
    EXPECT_NEAR(of.seen->mape.value(), 15.215, 5e-4);
    EXPECT_THAT(of.unseen->names, ::testing::ElementsAre(models[3].name, models[4].name));
    EXPECT_NEAR(of.unseen->mape.value(), 16.675, 5e-4);
    for (ScoredModel& model : models) model.name = "somewhere/else";
  }
  EXPECT_FALSE(chance(models, "v1").seen);
}

// Deviations of L*/L about the formula, and what it differs by from its own mean fraction.
TEST(StudyChance, Power) {
  const std::vector<ScoredModel> models = published_models();
  const StudyChance of = chance(models);
  double mean_own = 0, mean_off = 0, squares = 0, differ = 0;
  const auto own = [](const ModelPoint& p) { return 0.11 + 0.012 * p.layers + 4.9 / p.heads; };
  const auto off = [&](const ModelPoint& p) { return 100 * (p.l_star / p.layers - own(p)); };
  for (const ScoredModel& model : models) {
    mean_own += own(model.point) / 6;
    mean_off += off(model.point) / 6;
  }
  for (const ScoredModel& model : models) {
    squares += std::pow(off(model.point) - mean_off, 2) / 6;
    differ += 100 * std::fabs(own(model.point) - mean_own) / 6;
  }
  EXPECT_NEAR(of.power->constant, mean_own, 1e-12);
  EXPECT_NEAR(of.power->scatter, std::sqrt(squares), 1e-9);
  EXPECT_NEAR(of.power->differ, differ, 1e-9);
}

// Noise is drawn for the number of prompts that an L* is the mean of: of one prompt it is further off.
TEST(StudyChance, NoiseOfTheSamePrompts) {
  NoiseDesigns designs(0);
  std::vector<ModelPoint> five, one;
  for (const ScoredModel& model : published_models()) {
    five.push_back(model.point);
    one.push_back(model.point);
    one.back().prompts = 1;
  }
  const std::vector<double> predicted = *predictions(*find_formula("v3"), published_models());
  const auto mean_of = [&](const std::vector<ModelPoint>& points) { return mean(designs.mapes(points, predicted)); };
  EXPECT_NEAR(mean_of(five), 18.995858, 0.2);
  EXPECT_NEAR(mean_of(one), 26.960820, 0.2);
}

}  // namespace
}  // namespace lstar
