#include "lstar/study/store/prompt_observation.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace lstar {
namespace {

template <class T>
std::vector<T> copied(std::span<const T> values) {
  return {values.begin(), values.end()};
}

}  // namespace

PromptObservation observation_of(const Measurement& m, const MeasuredPrompt& prompt) {
  const Observation& seen = m.seen;
  const size_t row = *prompt.row;
  PromptObservation one{.ids = prompt.ids, .text = prompt.text, .layers = m.shape.layers, .heads = m.shape.heads};
  const auto of_heads = [&](const Array3<double>& array, std::vector<double>& values) {
    for (size_t l = 0; !array.empty() && l < array.dim1(); ++l)
      values.insert(values.end(), array(row, l).begin(), array(row, l).end());
  };
  of_heads(seen.diagonal, one.diagonal);
  of_heads(seen.off_diagonal, one.off_diagonal);
  of_heads(seen.entropy, one.entropy);
  of_heads(seen.overlap, one.overlap);
  if (!seen.rounded_sum.empty()) one.rounded_sum = copied(seen.rounded_sum[row]);
  if (!seen.residual_norm.empty()) one.residual_norm = copied(seen.residual_norm[row]);
  if (!seen.output_scale_sq.empty()) one.output_scale_sq = copied(seen.output_scale_sq[row]);
  if (!seen.next_tokens.empty()) one.next_tokens = seen.next_tokens[row];
  if (!m.next_pieces.empty()) one.next_pieces = m.next_pieces[row];
  return one;
}

Wants that_apply(Wants wants, const ModelShape& shape) {
  if (!shape.has_output_norm) wants.bits &= ~static_cast<unsigned>(Want::output_scale);
  return wants;
}

bool has_all(const PromptObservation& seen, Wants wants, int next_tokens) {
  if (wants.has(Want::diagonal) && (seen.diagonal.empty() || seen.off_diagonal.empty())) return false;
  if (wants.has(Want::entropy) && seen.entropy.empty()) return false;
  if (wants.has(Want::rounded_sum) && seen.rounded_sum.empty()) return false;
  if (wants.has(Want::residual_norm) && seen.residual_norm.empty()) return false;
  if (wants.has(Want::output_scale) && seen.output_scale_sq.empty()) return false;
  if (wants.has(Want::overlap) && seen.overlap.empty()) return false;
  const auto kept = seen.next_tokens ? static_cast<int64_t>(seen.next_tokens->size()) : 0;
  return kept >= next_tokens;
}

PromptObservation only(PromptObservation seen, Wants wants, int next_tokens) {
  if (!wants.has(Want::diagonal)) seen.diagonal = seen.off_diagonal = {};
  if (!wants.has(Want::entropy)) seen.entropy = {};
  if (!wants.has(Want::rounded_sum)) seen.rounded_sum = {};
  if (!wants.has(Want::residual_norm)) seen.residual_norm = {};
  if (!wants.has(Want::output_scale)) seen.output_scale_sq = {};
  if (!wants.has(Want::overlap)) seen.overlap = {};
  const auto most = static_cast<size_t>(std::max(next_tokens, 0));
  if (most == 0) seen.next_tokens.reset(), seen.next_pieces.reset();
  if (seen.next_tokens && seen.next_tokens->size() > most) seen.next_tokens->resize(most);
  if (seen.next_pieces && seen.next_pieces->size() > most) seen.next_pieces->resize(most);
  return seen;
}

bool agree(const PromptObservation& a, const PromptObservation& b) {
  const auto same = [](const std::vector<double>& x, const std::vector<double>& y) {
    return x.empty() || y.empty() ||
           (x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof x[0]) == 0);
  };
  if (a.ids != b.ids || a.layers != b.layers || a.heads != b.heads) return false;
  if (a.next_tokens && b.next_tokens)
    for (size_t k = 0; k < std::min(a.next_tokens->size(), b.next_tokens->size()); ++k) {
      const TokenScore &x = (*a.next_tokens)[k], &y = (*b.next_tokens)[k];
      if (x.id != y.id || std::bit_cast<uint64_t>(x.logit) != std::bit_cast<uint64_t>(y.logit)) return false;
    }
  return same(a.diagonal, b.diagonal) && same(a.off_diagonal, b.off_diagonal) && same(a.entropy, b.entropy) &&
         same(a.rounded_sum, b.rounded_sum) && same(a.residual_norm, b.residual_norm) &&
         same(a.output_scale_sq, b.output_scale_sq) && same(a.overlap, b.overlap);
}

PromptObservation joined(PromptObservation a, const PromptObservation& b) {
  const auto fill = [](std::vector<double>& values, const std::vector<double>& others) {
    if (values.empty()) values = others;
  };
  if (!a.text) a.text = b.text;
  fill(a.diagonal, b.diagonal);
  fill(a.off_diagonal, b.off_diagonal);
  fill(a.entropy, b.entropy);
  fill(a.rounded_sum, b.rounded_sum);
  fill(a.residual_norm, b.residual_norm);
  fill(a.output_scale_sq, b.output_scale_sq);
  fill(a.overlap, b.overlap);
  if (b.next_tokens && (!a.next_tokens || a.next_tokens->size() < b.next_tokens->size())) {
    a.next_tokens = b.next_tokens;
    a.next_pieces = b.next_pieces;
  }
  return a;
}

void set_rows(Measurement& m, std::span<const PromptObservation> rows) {
  const auto layers = static_cast<size_t>(m.shape.layers), heads = static_cast<size_t>(m.shape.heads);
  const auto all_have = [&](auto has) { return !rows.empty() && std::all_of(rows.begin(), rows.end(), has); };
  const auto of_heads = [&](std::vector<double> PromptObservation::*values, size_t width, Array3<double>& array) {
    if (!all_have([&](const PromptObservation& row) { return !(row.*values).empty(); })) return;
    array = Array3<double>(rows.size(), layers, width);
    for (size_t row = 0; row < rows.size(); ++row)
      for (size_t l = 0; l < layers; ++l)
        std::copy_n((rows[row].*values).begin() + static_cast<ptrdiff_t>(l * width), width, array(row, l).begin());
  };
  const auto of_layers = [&](std::vector<double> PromptObservation::*values, size_t width, Array2<double>& array) {
    if (!all_have([&](const PromptObservation& row) { return !(row.*values).empty(); })) return;
    array = Array2<double>(rows.size(), width);
    for (size_t row = 0; row < rows.size(); ++row) std::copy_n((rows[row].*values).begin(), width, array[row].begin());
  };
  m.seen = {};
  m.next_pieces.clear();
  for (const PromptObservation& row : rows) m.seen.tokens.push_back(static_cast<int64_t>(row.ids.size()));
  of_heads(&PromptObservation::diagonal, heads, m.seen.diagonal);
  of_heads(&PromptObservation::off_diagonal, heads, m.seen.off_diagonal);
  of_heads(&PromptObservation::entropy, heads, m.seen.entropy);
  of_heads(&PromptObservation::overlap, pairs_of(heads), m.seen.overlap);
  of_layers(&PromptObservation::rounded_sum, layers, m.seen.rounded_sum);
  of_layers(&PromptObservation::residual_norm, layers + 1, m.seen.residual_norm);
  of_layers(&PromptObservation::output_scale_sq, layers, m.seen.output_scale_sq);
  if (!all_have([](const PromptObservation& row) { return row.next_tokens.has_value(); })) return;
  for (const PromptObservation& row : rows) m.seen.next_tokens.push_back(*row.next_tokens);
  if (!all_have([](const PromptObservation& row) { return row.next_pieces.has_value(); })) return;
  for (const PromptObservation& row : rows) m.next_pieces.push_back(*row.next_pieces);
}

}  // namespace lstar
