// What a result must not depend on, to the bit: what is packed beside a prompt, the order of prompts, threads, waves,
// chunks, and how the same weights are laid out in files.
#include <gtest/gtest.h>

#include "lstar/model/forward.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

const Wants kAll = Want::diagonal | Want::entropy | Want::residual_norm | Want::rounded_sum | Want::next_token |
                   Want::output_scale | Want::overlap;

// `longest` past 256 crosses a key block.
std::vector<std::vector<int32_t>> some_prompts(int longest = 90) {
  std::vector<std::vector<int32_t>> prompts;
  uint64_t state = 12345;
  for (int n : {1, 2, 17, 64, longest, 5}) {
    std::vector<int32_t> ids;
    for (int i = 0; i < n; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      ids.push_back(static_cast<int32_t>((state >> 33) % 64));
    }
    prompts.push_back(ids);
  }
  return prompts;
}

Batch packed(const std::vector<std::vector<int32_t>>& prompts) {
  Batch batch;
  for (const auto& ids : prompts) {
    batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
    batch.start.push_back(static_cast<int64_t>(batch.ids.size()));
  }
  return batch;
}

template <class T>
Observation observe(const std::string& folder, const Batch& batch, Rounding rounding, int threads,
                    PassOptions options = {}) {
  const auto model = open_model(testing::source_path("tests/data/" + folder));
  EXPECT_TRUE(model) << model.error().message();
  const auto backend = make_cpu_backend<T>(rounding, threads);
  options.wants = kAll;
  options.next_tokens = 3;
  Observation seen;
  const auto ran = forward(*model, batch, options, *backend, seen);
  EXPECT_TRUE(ran) << ran.error().message();
  return seen;
}

// Row `p` of one observation against row `q` of another.
void expect_same_row(const Observation& a, size_t p, const Observation& b, size_t q) {
  ASSERT_EQ(a.tokens[p], b.tokens[q]);
  for (size_t l = 0; l < a.diagonal.dim1(); ++l) {
    for (size_t h = 0; h < a.diagonal.dim2(); ++h) {
      EXPECT_EQ(a.diagonal(p, l, h), b.diagonal(q, l, h)) << "layer " << l << " head " << h;
      EXPECT_EQ(a.off_diagonal(p, l, h), b.off_diagonal(q, l, h)) << "layer " << l << " head " << h;
      EXPECT_EQ(a.entropy(p, l, h), b.entropy(q, l, h)) << "layer " << l << " head " << h;
    }
    EXPECT_EQ(a.rounded_sum(p, l), b.rounded_sum(q, l)) << "layer " << l;
    for (size_t pair = 0; pair < a.overlap.dim2(); ++pair) EXPECT_EQ(a.overlap(p, l, pair), b.overlap(q, l, pair));
    if (a.output_scale_sq.empty()) continue;
    EXPECT_EQ(a.output_scale_sq(p, l), b.output_scale_sq(q, l)) << "layer " << l;
  }
  for (size_t l = 0; l < a.residual_norm.dim1(); ++l)
    EXPECT_EQ(a.residual_norm(p, l), b.residual_norm(q, l)) << "state " << l;
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(a.next_tokens[p][i].id, b.next_tokens[q][i].id);
    EXPECT_EQ(a.next_tokens[p][i].logit, b.next_tokens[q][i].logit);
  }
}

class Invariance : public ::testing::TestWithParam<std::tuple<std::string, Dtype>> {
 protected:
  static std::vector<std::vector<int32_t>> prompts_for(const std::string& name) {
    const auto model = open_model(testing::source_path("tests/data/checkpoints/" + name));
    return some_prompts(model->architecture.positions_are_limited ? 90 : 300);
  }
  Observation see(const Batch& batch, int threads = 1, const PassOptions& options = {}) const {
    const auto& [name, dtype] = GetParam();
    return dtype == Dtype::float64 ? observe<double>("checkpoints/" + name, batch, dtype, threads, options)
                                   : observe<float>("checkpoints/" + name, batch, dtype, threads, options);
  }
};

TEST_P(Invariance, PackedEqualsAlone) {
  const auto prompts = prompts_for(std::get<0>(GetParam()));
  const Observation together = see(packed(prompts));
  for (size_t p = 0; p < prompts.size(); ++p) expect_same_row(together, p, see(packed({prompts[p]})), 0);
}

TEST_P(Invariance, PermutingPromptsPermutesResults) {
  const auto prompts = prompts_for(std::get<0>(GetParam()));
  const std::vector<size_t> order{3, 0, 5, 1, 4, 2};
  std::vector<std::vector<int32_t>> shuffled;
  for (size_t p : order) shuffled.push_back(prompts[p]);
  const Observation straight = see(packed(prompts)), permuted = see(packed(shuffled));
  for (size_t i = 0; i < order.size(); ++i) expect_same_row(permuted, i, straight, order[i]);
}

TEST_P(Invariance, ThreadsWavesAndChunks) {
  const auto prompts = prompts_for(std::get<0>(GetParam()));
  const Observation one = see(packed(prompts));
  const Observation two = see(packed(prompts), 2);
  const Observation waves = see(packed(prompts), 3, {.wave_tokens = 20, .mlp_rows = 7});
  for (size_t p = 0; p < prompts.size(); ++p) {
    expect_same_row(one, p, two, p);
    expect_same_row(one, p, waves, p);
  }
}

// Rounded at random a row depends on nothing else either, for which direction is the number's own.
TEST(RandomRounding, PackedEqualsAloneOnAnyThreads) {
  for (const char* name : {"gpt2", "gpt_neox", "bloom-six-heads", "gemma2"}) {
    const std::string folder = std::string("checkpoints/") + name;
    const auto prompts = some_prompts();
    const auto see = [&](const Batch& batch, int threads, Dtype dtype, uint32_t seed) {
      return dtype == Dtype::float32 ? observe<double>(folder, batch, {dtype, seed}, threads)
                                     : observe<float>(folder, batch, {dtype, seed}, threads);
    };
    for (const Dtype dtype : {Dtype::float16, Dtype::float32}) {
      const Observation together = see(packed(prompts), 3, dtype, 7);
      for (size_t p = 0; p < prompts.size(); ++p)
        expect_same_row(together, p, see(packed({prompts[p]}), 1, dtype, 7), 0);
      EXPECT_NE(together.off_diagonal(3, 1, 0), see(packed(prompts), 1, dtype, 8).off_diagonal(3, 1, 0)) << name;
    }
  }
}

// Each dtype's random rounding is spread as its unit roundoff says, around what float64 has: the standard deviation of
// a layer's off-diagonal mass over 40 seeds is, relative to float32's, 2^13 times float16's within a factor of 4 (that
// many times by first-order error analysis; 40 seeds know a deviation to about 11 %), and the mean of the seeds is
// within 5 standard errors of float64's, or a tenth of one seed's deviation, which second-order terms may move it by.
TEST(RandomRounding, IsSpreadAroundTheExactNumbers) {
  constexpr int kSeeds = 40;
  const Batch batch = packed({some_prompts()[3]});
  const std::string folder = "checkpoints/gpt_neox-wide-heads";  // stored as float16: loading rounds nothing
  const Observation exact = observe<double>(folder, batch, Dtype::float64, 1);
  const auto mean_and_deviation = [&](Dtype dtype, size_t layer) {
    double sum = 0, squares = 0;
    for (uint32_t seed = 0; seed < kSeeds; ++seed) {
      const Observation seen = dtype == Dtype::float32 ? observe<double>(folder, batch, {dtype, seed}, 1)
                                                       : observe<float>(folder, batch, {dtype, seed}, 1);
      const double off = seen.off_diagonal(0, layer, 0) - exact.off_diagonal(0, layer, 0);
      sum += off / kSeeds;
      squares += off * off / kSeeds;
    }
    return std::pair(sum, std::sqrt(squares - sum * sum));
  };
  for (const size_t layer : {size_t{0}, exact.off_diagonal.dim1() - 1}) {
    const auto [wide_mean, wide] = mean_and_deviation(Dtype::float32, layer);
    const auto [short_mean, narrow] = mean_and_deviation(Dtype::float16, layer);
    EXPECT_GT(narrow / wide, 0x1p13 / 4) << layer;
    EXPECT_LT(narrow / wide, 0x1p13 * 4) << layer;
    EXPECT_LT(std::fabs(wide_mean), 5 * wide / std::sqrt(kSeeds) + 0.1 * wide) << layer;
    EXPECT_LT(std::fabs(short_mean), 5 * narrow / std::sqrt(kSeeds) + 0.1 * narrow) << layer;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Families, Invariance,
    ::testing::Combine(::testing::Values("gpt2", "gpt_neox", "opt-post-norm", "bloom-six-heads", "llama", "gemma2"),
                       ::testing::Values(Dtype::float32, Dtype::float16, Dtype::bfloat16, Dtype::float64)));

TEST(Files, ShardedEqualsSingle) {
  const Batch batch = packed(some_prompts());
  const Observation single = observe<float>("checkpoints/llama", batch, Dtype::float32, 2);
  const Observation sharded = observe<float>("checkpoints/llama-sharded", batch, Dtype::float32, 2);
  for (size_t p = 0; p < batch.prompts(); ++p) expect_same_row(single, p, sharded, p);
}

// The float32 GGUF was made from llama-smollm2-shape: rows of Q and K permuted, everything else as it was.
TEST(Files, GgufEqualsSafetensors) {
  const Batch batch = packed(some_prompts());
  const Observation folder = observe<float>("checkpoints/llama-smollm2-shape", batch, Dtype::float32, 2);
  const Observation gguf = observe<float>("gguf/llama-f32.gguf", batch, Dtype::float32, 2);
  for (size_t p = 0; p < batch.prompts(); ++p) expect_same_row(folder, p, gguf, p);
}

}  // namespace
}  // namespace lstar
