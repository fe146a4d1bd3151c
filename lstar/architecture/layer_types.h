// Which layers see a window of keys, which mix experts, which turn by which rotary table: the ways in which
// configurations say it.
#pragma once

#include <functional>

#include "lstar/architecture/architecture.h"
#include "lstar/architecture/config.h"
#include "lstar/checkpoint/checkpoint.h"

namespace lstar {

// The plan, made if there is none yet; every layer then has rotary positions if the model has any.
std::vector<LayerPlan>& plan_of(Architecture&);

// Gives a window of `window` keys to the layers that "layer_types" calls sliding_attention, or without that key to
// those for which `slides` holds. A layer that is to have a window of 0 is a fault, but in a GGUF.
void plan_windows(Architecture&, Config&, int64_t window, const std::function<bool(int layer)>& slides);

// Gives every layer a window, in classes that read no layer_types. 0: none.
void see_windows(Architecture&, int64_t window);

// "sliding_window": absent is `fallback`, null is none (0).
int64_t read_window(Config&, int64_t fallback = 0);

// "is_causal": where it is false or null, transformers lets each token of a decoder see those behind it too, in a
// window as far as back.
void read_direction(Architecture&, Config&);

// Every `period`-th layer sees all, the others a window; "sliding_window_pattern" names another period.
std::function<bool(int)> all_but_every(Config&, int period);

// Names of one expert's three layers, "{}" "{}" in `stem` being layer and expert.
void name_experts(Architecture&, const std::string& stem, const char* gate, const char* up, const char* down);

// Where a mixture's experts are stored as transformers 5 holds them in memory, under "experts.gate_up_proj" and
// "experts.down_proj" for all of a layer, gives their roles and the router's those names. Source: transformers 5.24,
// Qwen3MoeExperts and its like; the gates' rows come first.
void name_stacked_experts(Architecture&, const Checkpoint&);

}  // namespace lstar
