// The forward pass: one for every family, dtype and backend. It reads an Architecture and never asks which family it
// is. All prompts of a wave advance through a layer together, packed without padding. Attention's weights are read once
// a wave, those behind it once a chunk of rows, and their pages are dropped. Nothing of size n^2 exists. Activations
// are owned here and sized once a wave.
#pragma once

#include <span>

#include "lstar/architecture/weights.h"
#include "lstar/base/steps.h"
#include "lstar/compute/backend.h"
#include "lstar/observe/mean_attention.h"
#include "lstar/observe/observer.h"

namespace lstar {

struct PassOptions {
  Wants wants;
  int next_tokens = 0;          // K likeliest next tokens of each prompt, with Want::next_token
  int64_t wave_tokens = 16384;  // prompts are run in waves of about this many tokens; a longer prompt is a wave alone
  int64_t mlp_rows = 4096;      // what follows attention runs in chunks of this many rows
  Steps* steps = nullptr;       // hears of every layer of every wave; may be null
  OnLayer on_layer;
  Observer observer;
  OnMeanAttention on_mean_attention;  // costs the sums that it is handed, and its products
};

// Whether a prompt can be run: not empty, no longer than learned positions allow, every id in [0, vocab).
Result<void> check_prompt(const Architecture&, std::span<const int32_t> ids);

// Runs every prompt of `batch`, each of which check_prompt must let pass, and fills `seen`, sized here: one row a
// prompt, in order. Not reentrant for one backend.
template <class T>
Result<void> forward(const Model&, const Batch& batch, const PassOptions&, Backend<T>&, Observation& seen);

}  // namespace lstar
