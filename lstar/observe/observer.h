// What may be looked at while a forward pass runs. Hooks are called from the thread that runs the pass, and cost
// nothing where they are empty. Includes base/ only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <variant>

#include "lstar/base/array.h"
#include "lstar/observe/observation.h"

namespace lstar {

// Prompts that go through the layers together, as rows of an Observation: first, first + 1, ...
struct Wave {
  size_t first = 0;
  std::span<const int64_t> start;  // (prompts + 1): rows start[p] to start[p + 1] are prompt first + p
  size_t prompts() const { return start.size() - 1; }
};

// Called as each layer ends. Of the wave's prompts all numbers of the layers up to this one are in the Observation; of
// the residual norms, those up to the state behind it, unless this is the last layer of a pass that needs no more of
// it. False ends the pass, with the error cancelled().
using OnLayer = std::function<bool(int layer, const Wave&, const Observation& so_far)>;

// Numbers in the pass's own arithmetic: float in float32, float16 and bfloat16 (rounded to these), double in float64.
using AnyView = std::variant<View<const float>, View<const double>>;

// Views that live for the call.
struct LayerActivations {
  int layer = 0;
  Wave wave;
  AnyView residual;  // (rows, hidden): the residual stream that the layer got, nothing of the layer added
  AnyView heads;     // (rows, heads * head_dim): A V of each head in turn, before W_O
};

// Called behind a layer's attention. False ends the pass, as above. An observer costs the attention of every row in the
// last layer, of which only each prompt's last row is computed without one, and its own time.
using Observer = std::function<bool(const LayerActivations&)>;

}  // namespace lstar
