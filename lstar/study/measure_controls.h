// Measures a study's controls of one model (controls.h) beside its own prompts.
#pragma once

#include <vector>

#include "lstar/study/controls.h"
#include "lstar/study/open_model.h"
#include "lstar/study/study.h"

namespace lstar {

// A control with what it is kept under; the key's content is empty where it is not kept.
struct MeasuredControl {
  ControlMeasurement measured;
  StoreKey key;
};

// In the order: shadow, rounding at random and untrained twins by their seed, lengths, each without and with its
// beginning. `own` is the measurement of the study's prompts, whose ids the twins are given. Each that fails says so in
// its place; the call fails only where it is cancelled or memory runs out.
Result<std::vector<MeasuredControl>> measure_controls(OpenModel&, const Study&, const Measurement& own,
                                                      const std::string& content, const MeasureOptions&,
                                                      const RunOptions&, const std::shared_ptr<WorkerPool>&);

// The cuts of longer texts that a ladder of lengths is measured on: of the study's prompts where one has as many tokens
// as the longest cut, else of the texts that lstar carries. Each cut is the text's first tokens; with a beginning, the
// model's beginning-of-sequence token and one token fewer.
struct LengthCut {
  int tokens = 0;
  bool has_begin = false;
  std::vector<Prompt> prompts;  // as ids
};
Result<std::vector<LengthCut>> length_cuts(OpenModel&, const Study&);

}  // namespace lstar
