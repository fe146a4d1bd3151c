// The walk over an architecture's roles, layer by layer: with a checkpoint it finds each tensor, without one it says
// which there would be.
#pragma once

#include <vector>

#include "lstar/architecture/weights.h"

namespace lstar {

// Every tensor found and of the right shape, or the first that is not. bind() (weights.h) explains more.
Result<Weights> find_weights(const Architecture&, const Checkpoint&);

struct DeclaredTensor {
  TensorInfo info;  // the first of its names and shapes, as float32
  Role role = Role::count;
  bool is_bias = false;
};

// Sorted by name. A checkpoint that has these tensors has all that the architecture needs.
std::vector<DeclaredTensor> tensors_of(const Architecture&);

}  // namespace lstar
