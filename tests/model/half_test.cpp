// float16 and bfloat16 runs against what `transformers` computes in them (half.json, tools/oracle): are the rounding
// points where the families' Architectures say they are? What tells is the residue of the first layer, n minus the sum
// of its rounded probabilities: another rounding point changes one probability in seven or more, and with it the
// residue, while the right ones reproduce it but for the float32 summation.
#include <gtest/gtest.h>

#include "lstar/model/forward.h"
#include "tests/support/recorded.h"

namespace lstar {
namespace {

using testing::items;
using testing::numbers;

struct Half {
  int exact = 0;  // prompts whose first residue is the recorded one but for the float32 summation
  int whole = 0;  // prompts whose residual stream has the recorded norms after every layer, to the last digits
  double worst_residue = 0;  // largest gap of a residue
  double worst_norm = 0;     // largest relative gap of a residual norm
};

Half hold(Model& model, Json recorded, Dtype dtype) {
  Batch batch;
  const std::vector<Json> prompts = items(recorded, "prompts");
  for (Json prompt : prompts) {
    for (double id : numbers(prompt, "token_ids")) batch.ids.push_back(static_cast<int32_t>(id));
    batch.start.push_back(static_cast<int64_t>(batch.ids.size()));
  }
  const auto backend = make_cpu_backend<float>(dtype, 1);
  Observation seen;
  EXPECT_TRUE(forward(model, batch, {.wants = Want::rounded_sum | Want::residual_norm}, *backend, seen));
  Half half;
  for (size_t p = 0; p < prompts.size(); ++p) {
    const double n = static_cast<double>(batch.length(p));
    if (n < 3) continue;  // one or two tokens leave hardly a probability to round
    const double gap = std::fabs(seen.rounded_sum(p, 0) - numbers(prompts[p], "rounded_sum")[0]);
    // n rows of sum 1, each float32 addition off by at most 2^-24 of the running sum, most of it cancelling.
    if (gap <= 4 * n * unit_roundoff(Dtype::float32)) ++half.exact;
    half.worst_residue = std::max(half.worst_residue, gap);
    const std::vector<double> norms = numbers(prompts[p], "residual_norm");
    double worst = 0;
    for (size_t l = 0; l < norms.size(); ++l)
      worst = std::max(worst, std::fabs(seen.residual_norm(p, l) / norms[l] - 1));
    half.worst_norm = std::max(half.worst_norm, worst);
    if (worst < 1e-9) ++half.whole;  // one element of the stream off by one unit in the last place moves more
  }
  return half;
}

class HalfPrecision : public ::testing::TestWithParam<std::string> {};

TEST_P(HalfPrecision, RoundingPoints) {
  const std::string folder = testing::source_path("tests/data/checkpoints/" + GetParam());
  auto model = open_model(folder);
  ASSERT_TRUE(model) << model.error().message();
  const auto recorded = JsonDocument::read(folder + "/half.json");
  ASSERT_TRUE(recorded) << recorded.error().message();
  int exact = 0, whole = 0;
  for (Dtype dtype : {Dtype::float16, Dtype::bfloat16}) {
    const Half half = hold(*model, *recorded->root().find(name(dtype)), dtype);
    exact += half.exact;
    whole += half.whole;
    // The reference itself misses its rounding in about 0.05 % of linear outputs; one flipped probability p moves the
    // head mean by 2 u p / H.
    EXPECT_LE(half.worst_residue, unit_roundoff(dtype)) << name(dtype);
    EXPECT_LE(half.worst_norm, unit_roundoff(dtype)) << name(dtype);
  }
  EXPECT_GE(exact, 2) << "of four prompts in two dtypes";
  // Where no output of the reference misses its rounding, every layer must agree: norms, activation, MLP, residual.
  EXPECT_GE(whole, 1) << "of four prompts in two dtypes";
}

// With a rounding point moved or merged the residue is another one.
TEST_P(HalfPrecision, OtherRoundingPointsAreSeen) {
  const std::string folder = testing::source_path("tests/data/checkpoints/" + GetParam());
  auto model = open_model(folder);
  ASSERT_TRUE(model) << model.error().message();
  const auto recorded = JsonDocument::read(folder + "/half.json");
  Architecture& a = model->architecture;
  const bool scale_is_exact = std::exp2(std::round(std::log2(a.attention_scale))) == a.attention_scale;
  const ScoreRounding right = a.rounding.scores;
  for (ScoreRounding other :
       {ScoreRounding::product_then_scale, ScoreRounding::query_first, ScoreRounding::once, ScoreRounding::none}) {
    if (other == right || scale_is_exact) continue;  // scaling by a power of two rounds nothing
    a.rounding.scores = other;
    int exact = 0;
    for (Dtype dtype : {Dtype::float16, Dtype::bfloat16})
      exact += hold(*model, *recorded->root().find(name(dtype)), dtype).exact;
    EXPECT_LE(exact, 1) << "with rounding " << static_cast<int>(other);
  }
}

std::vector<std::string> with_half() {
  std::vector<std::string> names;
  for (const std::string& name : testing::recorded_checkpoints())
    if (std::filesystem::exists(testing::source_path("tests/data/checkpoints/" + name + "/half.json")))
      names.push_back(name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Checkpoints, HalfPrecision, ::testing::ValuesIn(with_half()), testing::test_name);

}  // namespace
}  // namespace lstar
