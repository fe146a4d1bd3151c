// The forward pass: one for every family, dtype and backend. It reads an Architecture and never asks which family it
// is. All prompts of a wave advance through a layer together, packed without padding; a layer's weights are read once a
// wave. Nothing of size n^2 exists. Activations are owned here and sized once a wave.
#pragma once

#include "lstar/base/progress.h"
#include "lstar/model/weights.h"

namespace lstar {

struct PassOptions {
  Wants wants;
  int next_tokens = 0;          // K likeliest next tokens of each prompt, with Want::next_token
  int64_t wave_tokens = 16384;  // prompts are run in waves of about this many tokens; a longer prompt is a wave alone
  int64_t mlp_rows = 2048;      // the MLP runs in chunks of this many rows
  Progress progress;            // ("layer", done, total) over all waves
};

// Runs every prompt of `batch` and fills `seen`, sized here: one row a prompt, in order. Every id must be in
// [0, vocab); prompts must not be empty, nor longer than learned positions allow. Not reentrant for one backend.
template <class T>
Result<void> forward(const Model&, const Batch& batch, const PassOptions&, Backend<T>&, Observation& seen);

}  // namespace lstar
