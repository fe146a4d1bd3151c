// What was seen of one prompt: the piece in which measurements are stored, and put together again. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lstar/study/measurement.h"

namespace lstar {

// One prompt's row of an Observation, with the ids that it is of. An array that was not asked for is empty.
struct PromptObservation {
  std::vector<int32_t> ids;
  std::optional<std::string> text;             // as it was first asked; the ids decide
  int layers = 0, heads = 0;                   // of the model
  std::vector<double> diagonal, off_diagonal;  // (layers, heads)
  std::vector<double> entropy;                 // (layers, heads)
  std::vector<double> rounded_sum;             // (layers)
  std::vector<double> residual_norm;           // (layers + 1)
  std::vector<double> output_scale_sq;         // (layers); empty too where no norm follows W_O
  std::vector<double> overlap;                 // (layers, pairs of heads)
  std::optional<std::vector<TokenScore>> next_tokens;
  std::optional<std::vector<std::string>> next_pieces;  // of next_tokens
};

// That of a prompt that ran.
PromptObservation observation_of(const Measurement&, const MeasuredPrompt&);

// Without the wants that such a model has no numbers for.
Wants that_apply(Wants, const ModelShape&);

// Whether all arrays that the wants name are there, and `next_tokens` of them.
bool has_all(const PromptObservation&, Wants, int next_tokens);

// Without the arrays and next tokens beyond these.
PromptObservation only(PromptObservation, Wants, int next_tokens);

// Whether what both hold is the same to the bit.
bool agree(const PromptObservation&, const PromptObservation&);

// Both together; where both have an array it is the first one's. They agree.
PromptObservation joined(PromptObservation, const PromptObservation&);

// Fills `seen` and `next_pieces` of a measurement that has everything else; row i is that of the prompt with that row.
// An array is there where every row has it. The rows are of the measurement's shape.
void set_rows(Measurement&, std::span<const PromptObservation> rows);

}  // namespace lstar
