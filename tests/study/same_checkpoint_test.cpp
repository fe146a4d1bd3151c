// Two measurements are of one checkpoint only where everything that was seen is equal: each part alone tells them
// apart.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "tests/support/study_fixture.h"

namespace lstar {
namespace {

Measurement measured() {
  Measurement m = testing::made_up_measurement(testing::made_up_models()[0], Dtype::float32, 2);
  m.weights.w_o_sq[3] = std::numeric_limits<double>::quiet_NaN();
  return m;
}

TEST(SameCheckpoint, EveryPartCounts) {
  EXPECT_TRUE(same_checkpoint(measured(), measured())) << "a NaN is equal to itself";
  Measurement renamed = measured();
  renamed.identity = {.model = "another name", .path = "elsewhere", .format = "gguf"};
  EXPECT_TRUE(same_checkpoint(measured(), renamed));

  const std::pair<const char*, std::function<void(Measurement&)>> parts[] = {
      {"layers", [](Measurement& m) { ++m.shape.layers; }},
      {"heads", [](Measurement& m) { ++m.shape.heads; }},
      {"key/value heads", [](Measurement& m) { --m.shape.kv_heads; }},
      {"hidden", [](Measurement& m) { ++m.shape.hidden; }},
      {"an id", [](Measurement& m) { ++m.prompts[1].ids.back(); }},
      {"one id more", [](Measurement& m) { m.prompts[1].ids.push_back(1); }},
      {"a prompt that failed", [](Measurement& m) { m.prompts[1].row.reset(); }},
      {"one prompt more", [](Measurement& m) { m.prompts.push_back(m.prompts[0]); }},
      {"W_V", [](Measurement& m) { m.weights.w_v_sq[5] *= 1.0000001; }},
      {"W_O", [](Measurement& m) { m.weights.w_o_sq[5] *= 1.0000001; }},
      {"OV", [](Measurement& m) { m.weights.ov_sq(5, 1) *= 1.0000001; }},
      {"residual norms", [](Measurement& m) { m.seen.residual_norm(1, 5) *= 1.0000001; }},
      {"diagonal", [](Measurement& m) { m.seen.diagonal(1, 5, 1) *= 1.0000001; }},
      {"off the diagonal", [](Measurement& m) { m.seen.off_diagonal(1, 5, 1) *= 1.0000001; }},
      {"rounded sums", [](Measurement& m) { m.seen.rounded_sum(1, 5) *= 1.0000001; }},
      {"entropy", [](Measurement& m) { m.seen.entropy(1, 5, 1) *= 1.0000001; }},
  };
  for (const auto& [name, change] : parts) {
    Measurement other = measured();
    change(other);
    EXPECT_FALSE(same_checkpoint(measured(), other)) << name;
    EXPECT_FALSE(same_checkpoint(other, measured())) << name;
  }
}

}  // namespace
}  // namespace lstar
