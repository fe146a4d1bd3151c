// An architecture's roles bound to the tensors of one checkpoint: every name found, every shape checked, nothing read.
#pragma once

#include <optional>
#include <vector>

#include "lstar/model/architecture.h"

namespace lstar {

struct LayerWeights {
  NormRef attention_norm, mlp_norm;
  std::vector<LinearRef> query_key_value;  // one fused, or query, key, value
  LinearRef attention_out;
  LinearRef mlp_up, mlp_down;
  std::optional<LinearRef> mlp_gate;
};

struct Weights {
  const TensorInfo* token_embedding = nullptr;
  const TensorInfo* position_embedding = nullptr;  // null where there is none
  std::optional<NormRef> embedding_norm, final_norm;
  std::optional<LinearRef> project_in, project_out;
  std::vector<LayerWeights> layers;
  Result<LinearRef> output;  // its error is nobody's until next tokens are asked for: traces do not need it
};

// Fails with the name of the first tensor that is missing or has another shape.
Result<Weights> bind(const Architecture&, const Checkpoint&);

// Gives back the pages of a layer's weights.
void drop(const Checkpoint&, const LayerWeights&);

// A checkpoint that is ready to run. Owns the checkpoint.
struct Model {
  std::unique_ptr<Checkpoint> checkpoint;
  Architecture architecture;
  Weights weights;
};

Result<Model> open_model(const std::string& path);

}  // namespace lstar
