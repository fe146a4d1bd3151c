// What a model's controls say of its L* (controls.h). Pure.
#pragma once

#include <span>
#include <vector>

#include "lstar/study/study.h"

namespace lstar {

// What the dtype rounds before the sum: an L* that the shadow has elsewhere, that its difference to the run could move,
// or that rounding at random moves in more than a few seeds, is not resolved; nor is any of a 16-bit run of which
// neither was asked. Changes the detections of the model's traces.
void apply_rounding(const Study&, ModelResult&, std::span<const ControlMeasurement>);

// The rest, of one estimator.
void score_controls(const Study&, const ModelResult&, std::span<const ControlMeasurement>, ModelScore&);

}  // namespace lstar
