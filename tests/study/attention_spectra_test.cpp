// Spectra from the model's files on, against numbers that numpy made of the same weights and token ids: GPT-2 written
// out in float64 with whole matrices, numpy.linalg.eigvalsh.
#include "lstar/study/attention_spectra.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "lstar/study/open_model.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

std::vector<Prompt> some_ids(int n) {
  Prompt prompt;
  for (int i = 0; i < n; ++i) prompt.ids.push_back((7 * i * i + 3 * i + 5) % 64);
  return {prompt};
}

struct Known {
  size_t layer;
  double smallest[2], largest[2], causal_median, causal_largest;
};

TEST(AttentionSpectra, KnownAnswersOfAMiniature) {
  auto model = OpenModel::open(testing::source_path("zoo/gpt2-12x12"), {.threads = 2});
  ASSERT_TRUE(model) << model.error().message();
  AttentionSpectra spectra{.values = 2};
  const auto measured =
      model->measure(some_ids(60), {.numerics = {.dtype = Dtype::float64}, .on_mean_attention = spectra_into(spectra)});
  ASSERT_TRUE(measured) << measured.error().message();
  ASSERT_EQ(spectra.prompts.size(), 1u);
  ASSERT_EQ(spectra.prompts[0].size(), 12u);
  const Known known[] = {{0,
                          {0.4984395597530443, 0.508684588971763},
                          {2.124201525929572, 1.8714077062575756},
                          0.9687558519165078,
                          0.9850524678414437},
                         {4,
                          {0.27877808421440176, 0.4480805469756291},
                          {3.9363553337864854, 2.452549190040002},
                          0.9476254048285526,
                          0.9945698813799962},
                         {11,
                          {0.3701250713382837, 0.4946027554187634},
                          {1.6923637134808254, 1.4826425781662642},
                          0.9385695836077432,
                          0.9826253862345101}};
  for (const Known& expected : known) {
    const AttentionSpectrum* found = spectra.of(0, expected.layer);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->symmetrised.smallest.values.size(), 2u) << found->symmetrised.smallest.reason;
    ASSERT_EQ(found->symmetrised.largest.values.size(), 2u) << found->symmetrised.largest.reason;
    // 1e-10: what is promised of a pass in float64.
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(found->symmetrised.smallest.values[i], expected.smallest[i], 1e-10) << expected.layer;
      EXPECT_NEAR(found->symmetrised.largest.values[i], expected.largest[i], 1e-10) << expected.layer;
    }
    const CausalSummary causal = summary_of(found->causal);
    EXPECT_EQ(causal.least, 0);
    EXPECT_NEAR(causal.median, expected.causal_median, 1e-10) << expected.layer;
    EXPECT_NEAR(causal.largest, expected.causal_largest, 1e-10) << expected.layer;
  }
  EXPECT_EQ(spectra.of(1, 0), nullptr);
  EXPECT_EQ(spectra.of(0, 12), nullptr);
}

// What is measured does not depend on it.
TEST(AttentionSpectra, LeavesTheMeasurementAsItIs) {
  auto model = OpenModel::open(testing::source_path("zoo/opt-12x12"), {.threads = 2});
  ASSERT_TRUE(model);
  AttentionSpectra spectra;
  MeasureOptions options{.hash_files = false};
  const auto plain = model->measure(some_ids(100), options);
  options.on_mean_attention = spectra_into(spectra);
  const auto watched = model->measure(some_ids(100), options);
  ASSERT_TRUE(plain && watched);
  EXPECT_EQ(plain->seen.off_diagonal.values(), watched->seen.off_diagonal.values());
  EXPECT_EQ(plain->seen.residual_norm.values(), watched->seen.residual_norm.values());
  EXPECT_EQ(spectra.prompts.at(0).size(), 12u);
}

// Steps are asked between products: the call ends inside a layer.
TEST(AttentionSpectra, CanBeInterruptedInALayer) {
  auto model = OpenModel::open(testing::source_path("zoo/gpt2-12x12"), {.threads = 1});
  ASSERT_TRUE(model);
  AttentionSpectra spectra;
  int asked = 0;
  const MeasureOptions options{.hash_files = false,
                               .on_step = [&](const Step& step) { return step.phase != Phase::layers || ++asked < 10; },
                               .on_mean_attention = spectra_into(spectra)};
  const auto measured = model->measure(some_ids(60), options);
  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().kind, ErrorKind::cancelled);
  EXPECT_TRUE(spectra.prompts.empty());  // ten steps lie in the first layer
  EXPECT_EQ(asked, 10);
}

}  // namespace
}  // namespace lstar
