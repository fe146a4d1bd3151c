// The same architecture before it has learned anything (docs/mathematics.md, untrained_twin): what L* says of weights
// that nobody trained.
#pragma once

#include <cstdint>
#include <string>

#include "lstar/architecture/weights.h"

namespace lstar {

// Weights drawn by seed as transformers' class initialises them: matrices, embeddings, sinks and a router's bias are
// normal with the configuration's initializer_range (OPT's init_std; 0.02 where it says none, as GGUF never does),
// norms multiply by 1 (Nemotron's by 2), other biases are 0, and where a family scales the projections onto its
// residual stream by its depth (GPT-2), they are divided by sqrt(2 L). A padding token's row is drawn like any other.
// In float32, whatever the checkpoint stores; nothing is stored (checkpoint/random_checkpoint.h).
Model untrained(const Architecture&, uint64_t seed, std::string name);

// Of a model that is there, named "NAME, untrained, seed S". Independent of it.
Model untrained_twin(const Model&, uint64_t seed);

}  // namespace lstar
