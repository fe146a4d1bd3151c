// What a checkpoint holds and no part of the model reads. Most of it belongs to other parts (a classifier, an image
// encoder) and is only said; some of it says that the model is not the one that the configuration describes, or that an
// adapter is not merged into it, and then no number would be the model's own.
#pragma once

#include <string>
#include <vector>

#include "lstar/architecture/weights.h"

namespace lstar {

// Fails if a tensor that is not read would change the numbers: parameters of an adapter, or a further layer, expert or
// part under the names of those that are read. The strings are warnings, one for each kind of tensor that is passed
// over and the names in it, layers and other numbers written {}. Buffers that every model has a rule for (causal masks,
// rotary frequencies) and a second copy of the embedding are not mentioned.
Result<std::vector<std::string>> unread_tensors(const Architecture&, const Checkpoint&, const Weights&);

// The first of these faults can be told before a tensor is bound, where it is the reason that one is missing.
Result<void> refuse_unmerged_adapters(const Checkpoint&);

}  // namespace lstar
