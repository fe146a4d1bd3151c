// How much the last token's residual stream grows in a layer. Pure; safe from any thread.
#pragma once

#include <vector>

#include "lstar/base/array.h"

namespace lstar {

// Of the layer before the last, a value a prompt: norm of hidden state layers - 1 over that of layers - 2, the last two
// that the final norm cannot touch. `norms` is (prompts, layers + 1), of hidden states 0 ... layers. Empty for fewer
// than two layers.
std::vector<double> residual_gains(const Array2<double>& norms, int layers);

}  // namespace lstar
