// What a norm behind W_O makes of a head's circuit, against the definitions written out: the d x d map diag(gamma_o)
// W_O W_V diag(gamma), and the root mean square of every row of attention's output, projected anew from what the heads
// gave.
#include <gtest/gtest.h>

#include <cmath>

#include "lstar/model/forward.h"
#include "lstar/model/weight_norms.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

using Rows = std::vector<std::vector<double>>;

Rows read(const Checkpoint& c, const TensorInfo& tensor) {
  const int64_t rows = tensor.shape.rows(), cols = tensor.shape.cols();
  std::vector<double> values(static_cast<size_t>(rows * cols));
  EXPECT_TRUE(c.read(tensor, {0, rows}, std::span<double>(values)));
  Rows out;
  for (int64_t i = 0; i < rows; ++i) out.emplace_back(values.begin() + i * cols, values.begin() + (i + 1) * cols);
  return out;
}

std::vector<double> gain_of(const Checkpoint& c, const std::optional<NormRef>& norm, int width) {
  std::vector<double> gain(static_cast<size_t>(width), 1);
  if (!norm || !norm->gain) return gain;
  gain = read(c, *norm->gain)[0];
  for (double& value : gain) value += norm->gain_offset;
  return gain;
}

// Every recorded checkpoint that has such a norm; a test holds the list to the checkpoints. Made by opening them all,
// it would be made anew in each process of this program, which ctest starts once a test.
const std::vector<std::string> kWithOutputNorm = {"exaone4",
                                                  "exaone4-full",
                                                  "gemma2",
                                                  "gemma2-layer-types",
                                                  "gemma3",
                                                  "gemma3_text",
                                                  "gemma3_text-pattern",
                                                  "gemma3_text-scaled",
                                                  "glm4",
                                                  "olmo2",
                                                  "olmo2-grouped",
                                                  "olmo3",
                                                  "olmo3-layer-types"};

class OutputNorm : public ::testing::TestWithParam<std::string> {
 protected:
  const Model model_ = *open_model(testing::source_path("tests/data/checkpoints/" + GetParam()));
  const Architecture& a_ = model_.architecture;
  const Checkpoint& c_ = *model_.checkpoint;
};

TEST_P(OutputNorm, CircuitsTakeItsGain) {
  WorkerPool pool(1);
  const WeightNorms norms = *weight_norms(model_, {}, pool);
  EXPECT_TRUE(norms.has_output_norm);
  for (size_t l = 0; l < static_cast<size_t>(a_.layers); ++l) {
    const LayerWeights& w = model_.weights.layers[l];
    ASSERT_FALSE(a_.is_fused());
    const Rows v = read(c_, *w.query_key_value[2].weight), o = read(c_, *w.attention_out.weight);
    const std::vector<double> in = gain_of(c_, w.attention_norm, a_.hidden),
                              out = gain_of(c_, w.attention_output_norm, a_.hidden);
    for (int h = 0; h < a_.heads; ++h) {
      const int k = h * a_.kv_heads / a_.heads;
      double sum = 0;
      for (size_t i = 0; i < out.size(); ++i)
        for (size_t j = 0; j < in.size(); ++j) {
          double element = 0;
          for (int c = 0; c < a_.head_dim; ++c)
            element += o[i][static_cast<size_t>(h * a_.head_dim + c)] * v[static_cast<size_t>(k * a_.head_dim + c)][j];
          sum += std::pow(out[i] * element * in[j], 2);
        }
      // Sums of a few hundred products in double.
      EXPECT_NEAR(norms.ov_sq(l, static_cast<size_t>(h)) / sum, 1, 1e-12) << "layer " << l << ", head " << h;
    }
  }
}

// Prompts of which one is a single token; an observer sees every row of the last layer, too.
const Batch kBatch{.ids = {5, 17, 3, 40, 41, 2, 9, 60, 33, 12, 7}, .start = {0, 7, 8, 11}};

TEST_P(OutputNorm, ScalesAreOfEveryRow) {
  const auto backend = make_cpu_backend<double>(Dtype::float64, 1);
  Array2<double> expected(kBatch.prompts(), static_cast<size_t>(a_.layers));
  const auto look = [&](const LayerActivations& now) {
    const LayerWeights& w = model_.weights.layers[static_cast<size_t>(now.layer)];
    const Rows o = read(c_, *w.attention_out.weight);
    const std::vector<double> bias =
        w.attention_out.bias ? read(c_, *w.attention_out.bias)[0] : std::vector<double>(o.size(), 0);
    const View<const double> heads = std::get<View<const double>>(now.heads);
    for (size_t p = 0; p < kBatch.prompts(); ++p) {
      double sum = 0;
      for (int64_t i = kBatch.start[p]; i < kBatch.start[p + 1]; ++i) {
        double squares = 0;
        for (size_t r = 0; r < o.size(); ++r) {
          double output = bias[r];
          for (size_t c = 0; c < o[r].size(); ++c) output += o[r][c] * heads(i, static_cast<int64_t>(c));
          squares += output * output;
        }
        sum += 1 / (squares / static_cast<double>(o.size()) + w.attention_output_norm->epsilon);
      }
      expected(p, static_cast<size_t>(now.layer)) = sum / static_cast<double>(kBatch.length(p));
    }
    return true;
  };
  Observation observed, seen, single;
  ASSERT_TRUE(forward(model_, kBatch, {.wants = Want::output_scale, .observer = look}, *backend, observed));
  ASSERT_TRUE(forward(model_, kBatch, {.wants = Want::output_scale}, *backend, seen));
  EXPECT_EQ(seen.output_scale_sq.values(), observed.output_scale_sq.values());
  const auto float32 = make_cpu_backend<float>(Dtype::float32, 1);
  ASSERT_TRUE(forward(model_, kBatch, {.wants = Want::output_scale}, *float32, single));
  for (size_t p = 0; p < kBatch.prompts(); ++p)
    for (size_t l = 0; l < static_cast<size_t>(a_.layers); ++l) {
      // Both projections are sums of a few dozen products in double.
      EXPECT_NEAR(seen.output_scale_sq(p, l) / expected(p, l), 1, 1e-12) << "prompt " << p << ", layer " << l;
      // A float32 pass's outputs are good to about 1e-5, and their squares to twice that.
      EXPECT_NEAR(single.output_scale_sq(p, l) / expected(p, l), 1, 2e-5) << "prompt " << p << ", layer " << l;
    }
}

TEST_P(OutputNorm, WhatIsWantedChangesNothingElse) {
  for (const Dtype dtype : {Dtype::float32, Dtype::float16}) {
    const auto backend = make_cpu_backend<float>(dtype, 1);
    Observation with, without;
    const Wants others = Want::diagonal | Want::residual_norm | Want::next_token;
    ASSERT_TRUE(forward(model_, kBatch, {.wants = others, .next_tokens = 3}, *backend, without));
    ASSERT_TRUE(forward(model_, kBatch, {.wants = others | Want::output_scale, .next_tokens = 3}, *backend, with));
    EXPECT_TRUE(without.output_scale_sq.empty());
    EXPECT_EQ(with.diagonal.values(), without.diagonal.values());
    EXPECT_EQ(with.residual_norm.values(), without.residual_norm.values());
    for (size_t p = 0; p < kBatch.prompts(); ++p)
      for (size_t k = 0; k < 3; ++k) EXPECT_EQ(with.next_tokens[p][k].logit, without.next_tokens[p][k].logit);
  }
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, OutputNorm, ::testing::ValuesIn(kWithOutputNorm), testing::test_name);

TEST(OutputNorms, AreOfTheseFamiliesAlone) {
  std::vector<std::string> found;
  for (const std::string& name : testing::recorded_checkpoints()) {
    const auto any = open_model(testing::source_path("tests/data/checkpoints/" + name));
    if (any && any->architecture.has(Role::attention_output_norm)) found.push_back(name);
  }
  EXPECT_EQ(found, kWithOutputNorm);
  const auto model = open_model(testing::source_path("tests/data/checkpoints/llama"));
  WorkerPool pool(1);
  EXPECT_FALSE(weight_norms(*model, {}, pool)->has_output_norm);
  const auto backend = make_cpu_backend<float>(Dtype::float32, 1);
  Observation seen;
  ASSERT_TRUE(forward(*model, kBatch, {.wants = Want::output_scale}, *backend, seen));
  EXPECT_TRUE(seen.output_scale_sq.empty());
}

}  // namespace
}  // namespace lstar
