// An architecture's roles bound to the tensors of one checkpoint: every name found, every shape checked, nothing read.
#pragma once

#include <optional>
#include <vector>

#include "lstar/architecture/architecture.h"
#include "lstar/base/result.h"
#include "lstar/checkpoint/checkpoint.h"

namespace lstar {

struct MlpWeights {
  LinearRef up, down;  // `up` holds gate and up in turn where `interleaved`
  std::optional<LinearRef> gate;
  bool interleaved = false;
};

struct ExpertWeights {
  LinearRef router;
  std::vector<MlpWeights> experts;
  std::optional<MlpWeights> shared;
  std::optional<LinearRef> shared_switch;
};

struct LayerWeights {
  std::optional<NormRef> attention_norm, mlp_norm, attention_output_norm, mlp_output_norm;
  std::vector<LinearRef> query_key_value;     // one fused, or query, key, value
  std::vector<NormRef> query_norm, key_norm;  // none, one, or one a head
  const TensorInfo* sinks = nullptr;
  LinearRef attention_out;
  std::optional<MlpWeights> mlp;  // else experts
  std::optional<ExpertWeights> experts;
};

struct Weights {
  const TensorInfo* token_embedding = nullptr;
  const TensorInfo* position_embedding = nullptr;    // null where there is none
  const TensorInfo* token_type_embedding = nullptr;  // null where there is none
  std::optional<NormRef> embedding_norm, final_norm;
  std::optional<LinearRef> project_in, project_out;
  std::vector<LayerWeights> layers;
  Result<LinearRef> output;  // its error is nobody's until next tokens are asked for: traces do not need it
};

// Fails with the name of the first tensor that is missing or has another shape.
Result<Weights> bind(const Architecture&, const Checkpoint&);

// Every weight of a layer, for walks over all of them.
std::vector<const LinearRef*> linears(const LayerWeights&);
std::vector<const NormRef*> norms(const LayerWeights&);

// A checkpoint that is ready to run. Owns the checkpoint.
struct Model {
  std::unique_ptr<Checkpoint> checkpoint;
  Architecture architecture;
  Weights weights;
  std::vector<std::string> warnings;  // what was assumed, and what is in the checkpoint and not read
};

Result<Model> open_model(const std::string& path);
Result<Model> open_model(std::unique_ptr<Checkpoint>);

}  // namespace lstar
