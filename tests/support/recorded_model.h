// A model against the numbers that tools/oracle recorded for it: what attention does in each layer, the residual
// stream, the next tokens, and the weight norms.
#pragma once

#include "lstar/model/forward.h"
#include "lstar/model/weight_norms.h"
#include "tests/support/recorded.h"

namespace lstar::testing {

// What is promised of a pass: float32 within 1e-5 of float64, float64 within 1e-10.
inline constexpr double kFloat32 = 1e-5, kFloat64 = 1e-10;
inline const Wants kAll = Want::diagonal | Want::entropy | Want::residual_norm | Want::rounded_sum | Want::output_scale;

inline Batch batch_of(const std::vector<Json>& prompts) {
  Batch batch;
  for (Json prompt : prompts) {
    for (double id : numbers(prompt, "token_ids")) batch.ids.push_back(static_cast<int32_t>(id));
    batch.start.push_back(static_cast<int64_t>(batch.ids.size()));
  }
  return batch;
}

inline std::vector<double> slice(const Array3<double>& values, size_t prompt) {
  std::vector<double> out;
  for (size_t layer = 0; layer < values.dim1(); ++layer)
    out.insert(out.end(), values(prompt, layer).begin(), values(prompt, layer).end());
  return out;
}

template <class T>
void hold_pass(const Model& model, const JsonDocument& expected, Dtype dtype, double tolerance) {
  const std::vector<Json> prompts = items(expected.root(), "prompts");
  const auto backend = make_cpu_backend<T>(dtype, 2);
  Observation seen;
  const Wants wants = model.architecture.predicts_next ? kAll | Want::next_token : kAll;
  const auto ran = forward(model, batch_of(prompts), {.wants = wants, .next_tokens = 5}, *backend, seen);
  ASSERT_TRUE(ran) << ran.error().message();
  for (size_t p = 0; p < prompts.size(); ++p) {
    const Json error = *prompts[p].find("float32_error");
    const auto own = [&](const char* key) {
      return dtype == Dtype::float64 ? std::vector<double>{} : numbers(error, key);
    };
    const auto hold = [&](const std::vector<double>& ours, const char* key) {
      expect_close(ours, numbers(prompts[p], key), tolerance, own(key),
                   std::string(key) + " of prompt " + std::to_string(p));
    };
    hold(slice(seen.diagonal, p), "diagonal_sum_per_head");
    hold(slice(seen.off_diagonal, p), "off_diagonal_sum_per_head");
    hold(slice(seen.entropy, p), "entropy_per_head");
    hold({seen.residual_norm[p].begin(), seen.residual_norm[p].end()}, "residual_norm");
    if (!model.architecture.predicts_next) continue;
    const std::vector<Json> tokens = items(prompts[p], "next_token");
    ASSERT_EQ(tokens.size(), seen.next_tokens[p].size());
    for (size_t i = 0; i < tokens.size(); ++i) {
      EXPECT_EQ(seen.next_tokens[p][i].id, *tokens[i].integer("id")) << "next token " << i << " of prompt " << p;
      const double logit = *tokens[i].number("logit"), best = *tokens[0].number("logit");
      EXPECT_NEAR(seen.next_tokens[p][i].logit, logit, tolerance * std::max(std::fabs(logit), std::fabs(best)));
    }
  }
}

// Sums in double of at most a few thousand squares: far below 1e-10. `gains`: how exact the gains are that the
// OV circuit is multiplied with. `is_fused_alike`: a fused projection's rows are in transformers' order.
inline void hold_weights(const Model& model, const JsonDocument& expected, double gains = 1e-10,
                         bool is_fused_alike = true) {
  WorkerPool pool(2);
  const auto ours = weight_norms(model, {.spectral = true}, pool);
  const auto thirds = weight_norms(model, {.head_layout = HeadLayout::thirds}, pool);
  ASSERT_TRUE(ours) << ours.error().message();
  ASSERT_TRUE(thirds);
  const Json root = expected.root();
  expect_close(ours->w_v_sq, numbers(root, "w_v_frobenius_sq"), 1e-12, {}, "w_v");
  if (is_fused_alike && root.find("w_v_thirds_frobenius_sq"))
    expect_close(thirds->w_v_cut_sq, numbers(root, "w_v_thirds_frobenius_sq"), 1e-12, {}, "thirds");
  expect_close(thirds->w_v_sq, ours->w_v_sq, 0, {}, "w_v beside thirds");
  expect_close(ours->w_v_head_sq.values(), numbers(root, "w_v_frobenius_sq_per_kv_head"), 1e-12, {}, "w_v by head");
  // The record is of the map in front of a norm behind W_O; tests/model/output_norm_test.cpp has the one behind it.
  if (!ours->has_output_norm)
    expect_close(ours->ov_sq.values(), numbers(root, "ov_frobenius_sq_per_head"), gains, {}, "ov");
  expect_close(ours->w_o_sq, numbers(root, "w_o_frobenius_sq"), 1e-12, {}, "w_o");
}

}  // namespace lstar::testing
