// What a model's controls say of its L* (controls.h). Pure.
#pragma once

#include <span>
#include <vector>

#include "lstar/study/study.h"

namespace lstar {

// Of 16-bit and shadowed runs: an L* that the shadow has elsewhere, or that what the dtype rounds before the sum could
// move, is not resolved. Changes the detections of the model's traces.
void apply_shadow(const Study&, ModelResult&, std::span<const ControlMeasurement>);

// The rest, of one estimator.
void score_controls(const Study&, const ModelResult&, std::span<const ControlMeasurement>, ModelScore&);

}  // namespace lstar
