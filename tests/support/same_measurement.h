// Whether two measurements are the same in every part, numbers to the bit.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "lstar/study/measurement.h"

namespace lstar::testing {

inline bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0);
}

template <class Array>
bool same_array(const Array& a, const Array& b) {
  return a.dim0() == b.dim0() && a.dim1() == b.dim1() && same_bits(a.values(), b.values());
}

inline void expect_same(const std::optional<Error>& a, const std::optional<Error>& b) {
  ASSERT_EQ(a.has_value(), b.has_value());
  if (!a) return;
  EXPECT_EQ(a->kind, b->kind);
  EXPECT_EQ(a->what, b->what);
  EXPECT_EQ(a->file, b->file);
  EXPECT_EQ(a->at, b->at);
  EXPECT_EQ(a->expected, b->expected);
  EXPECT_EQ(a->found, b->found);
}

inline void expect_same_identity(const Identity& a, const Identity& b) {
  EXPECT_EQ(a.model, b.model);
  EXPECT_EQ(a.path, b.path);
  EXPECT_EQ(a.revision, b.revision);
  EXPECT_EQ(a.format, b.format);
  EXPECT_EQ(a.files, b.files);
  EXPECT_EQ(a.stored_dtype, b.stored_dtype);
}

// All but where the model was found and what was said beside the numbers.
inline void expect_same_numbers(const Measurement& a, const Measurement& b) {
  EXPECT_EQ(a.shape.family, b.shape.family);
  EXPECT_EQ(a.shape.notebook_name, b.shape.notebook_name);
  EXPECT_EQ(a.shape.layers, b.shape.layers);
  EXPECT_EQ(a.shape.heads, b.shape.heads);
  EXPECT_EQ(a.shape.kv_heads, b.shape.kv_heads);
  EXPECT_EQ(a.shape.head_dim, b.shape.head_dim);
  EXPECT_EQ(a.shape.hidden, b.shape.hidden);
  EXPECT_EQ(a.shape.causal, b.shape.causal);
  EXPECT_EQ(a.shape.has_sinks, b.shape.has_sinks);
  EXPECT_EQ(a.shape.has_output_norm, b.shape.has_output_norm);
  EXPECT_EQ(a.numerics.dtype, b.numerics.dtype);
  EXPECT_EQ(a.numerics.head_layout, b.numerics.head_layout);
  EXPECT_EQ(a.backend, b.backend);
  ASSERT_EQ(a.prompts.size(), b.prompts.size());
  for (size_t p = 0; p < a.prompts.size(); ++p) {
    EXPECT_EQ(a.prompts[p].text, b.prompts[p].text);
    EXPECT_EQ(a.prompts[p].ids, b.prompts[p].ids);
    EXPECT_EQ(a.prompts[p].row, b.prompts[p].row);
    EXPECT_EQ(a.prompts[p].id, b.prompts[p].id);
    expect_same(a.prompts[p].error, b.prompts[p].error);
  }
  EXPECT_EQ(a.seen.tokens, b.seen.tokens);
  EXPECT_TRUE(same_array(a.seen.diagonal, b.seen.diagonal));
  EXPECT_TRUE(same_array(a.seen.off_diagonal, b.seen.off_diagonal));
  EXPECT_TRUE(same_array(a.seen.entropy, b.seen.entropy));
  EXPECT_TRUE(same_array(a.seen.rounded_sum, b.seen.rounded_sum));
  EXPECT_TRUE(same_array(a.seen.residual_norm, b.seen.residual_norm));
  EXPECT_TRUE(same_array(a.seen.output_scale_sq, b.seen.output_scale_sq));
  EXPECT_TRUE(same_array(a.seen.overlap, b.seen.overlap));
  ASSERT_EQ(a.seen.next_tokens.size(), b.seen.next_tokens.size());
  for (size_t row = 0; row < a.seen.next_tokens.size(); ++row) {
    ASSERT_EQ(a.seen.next_tokens[row].size(), b.seen.next_tokens[row].size());
    for (size_t k = 0; k < a.seen.next_tokens[row].size(); ++k) {
      EXPECT_EQ(a.seen.next_tokens[row][k].id, b.seen.next_tokens[row][k].id);
      EXPECT_TRUE(same_bits({a.seen.next_tokens[row][k].logit}, {b.seen.next_tokens[row][k].logit}));
    }
  }
  EXPECT_EQ(a.next_pieces, b.next_pieces);
  EXPECT_TRUE(same_bits(a.weights.w_v_sq, b.weights.w_v_sq));
  EXPECT_TRUE(same_bits(a.weights.w_v_cut_sq, b.weights.w_v_cut_sq));
  EXPECT_TRUE(same_array(a.weights.w_v_head_sq, b.weights.w_v_head_sq));
  EXPECT_TRUE(same_array(a.weights.ov_sq, b.weights.ov_sq));
  EXPECT_TRUE(same_bits(a.weights.w_o_sq, b.weights.w_o_sq));
  EXPECT_TRUE(same_bits(a.weights.w_v_spectral, b.weights.w_v_spectral));
  EXPECT_TRUE(same_bits(a.weights.w_o_spectral, b.weights.w_o_spectral));
  EXPECT_TRUE(same_array(a.weights.ov_products, b.weights.ov_products));
  EXPECT_EQ(a.weights.has_output_norm, b.weights.has_output_norm);
}

inline void expect_same(const Measurement& a, const Measurement& b) {
  expect_same_identity(a.identity, b.identity);
  expect_same_numbers(a, b);
  EXPECT_EQ(a.warnings, b.warnings);
  ASSERT_EQ(a.prompts_read.has_value(), b.prompts_read.has_value());
  if (!a.prompts_read) return;
  EXPECT_EQ(a.prompts_read->file, b.prompts_read->file);
  EXPECT_EQ(a.prompts_read->format, b.prompts_read->format);
  EXPECT_EQ(a.prompts_read->count, b.prompts_read->count);
}

}  // namespace lstar::testing
