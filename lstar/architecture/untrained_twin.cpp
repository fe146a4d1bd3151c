#include "lstar/architecture/untrained_twin.h"

#include <cmath>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "lstar/architecture/binder.h"
#include "lstar/checkpoint/random_checkpoint.h"

namespace lstar {
namespace {

bool is_norm(Role role) {
  switch (role) {
    case Role::embedding_norm:
    case Role::attention_norm:
    case Role::query_norm:
    case Role::key_norm:
    case Role::attention_output_norm:
    case Role::mlp_norm:
    case Role::mlp_output_norm:
    case Role::final_norm: return true;
    default: return false;
  }
}

bool writes_residual(Role role) { return role == Role::attention_out || role == Role::mlp_down; }

}  // namespace

Model untrained(const Architecture& a, uint64_t seed, std::string name) {
  std::vector<RandomTensor> tensors;
  for (DeclaredTensor& declared : tensors_of(a)) {
    RandomTensor tensor{.info = std::move(declared.info)};
    if (is_norm(declared.role)) {
      tensor.mean = declared.is_bias ? 0 : a.initial_norm_gain - a.norm_gain_offset;
    } else if (!declared.is_bias || declared.role == Role::router) {
      const bool by_depth = a.initializes_by_depth && writes_residual(declared.role);
      tensor.deviation = a.initializer_range / (by_depth ? std::sqrt(2.0 * a.layers) : 1);
    }
    tensors.push_back(std::move(tensor));
  }
  Model model;
  model.checkpoint = std::make_unique<RandomCheckpoint>(std::move(tensors), seed, std::move(name));
  model.architecture = a;
  model.weights = *find_weights(a, *model.checkpoint);  // which has every tensor that the same walk declared
  return model;
}

Model untrained_twin(const Model& model, uint64_t seed) {
  return untrained(model.architecture, seed, fmt::format("{}, untrained, seed {}", model.checkpoint->path(), seed));
}

}  // namespace lstar
