// What is in a checkpoint, without running it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lstar/model/weight_norms.h"
#include "lstar/study/measurement.h"

namespace lstar {

struct Inspection {
  Identity identity;
  Architecture architecture;
  std::vector<TensorInfo> tensors;  // sorted by name
  int64_t parameters = 0;           // elements of all floating-point and quantised tensors
  HeadLayout head_layout = HeadLayout::actual;
  WeightNorms weights;                // with the largest singular values
  std::vector<std::string> warnings;  // as Measurement::warnings
};

Result<Inspection> inspect(const std::string& model, const std::string& path, HeadLayout, int threads);

// The same of a checkpoint that is open already. Reads headers, W_V, W_O and the gains of norms.
Result<Inspection> inspect(const std::string& model, std::unique_ptr<Checkpoint>, HeadLayout, int threads);

}  // namespace lstar
