// A checkpoint whose weights are drawn by seed when they are read, and nowhere stored: what an architecture is before
// it has learned anything. An element depends on the seed, its tensor's name and its place alone, so that any rows may
// be read in any order, on any thread, and again. (On two machines alike where their logarithms, sines and cosines are:
// drawn in double, rounded to float32.)
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lstar/checkpoint/checkpoint.h"

namespace lstar {

// Normal numbers of a mean and a standard deviation, rounded to float32; a deviation of 0 is a constant.
struct RandomTensor {
  TensorInfo info;  // its type is float32, whatever it says
  double mean = 0, deviation = 0;
};

class RandomCheckpoint final : public Checkpoint {
 public:
  // `name` stands for a path in messages and results.
  RandomCheckpoint(std::vector<RandomTensor> tensors, uint64_t seed, std::string name);

  Result<void> read(const TensorInfo&, RowRange, std::span<float> out) const override;
  Result<void> read(const TensorInfo&, RowRange, std::span<double> out) const override;
  Configuration configuration() const override { return {}; }
  TokenizerSource tokenizer() const override { return {}; }

 private:
  struct Source {
    double mean, deviation;
    uint64_t key;
  };
  template <class T>
  Result<void> draw(const TensorInfo&, RowRange, std::span<T> out) const;

  std::vector<Source> sources_;  // beside tensors_
};

}  // namespace lstar
