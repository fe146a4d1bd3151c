// Which numbers lstar computes of a checkpoint.
#pragma once

namespace lstar {

// Raised by whatever changes a single bit of an observation or of a weight norm, for any checkpoint, dtype or vector
// target: a kernel, the order of a sum, a rounding point, what a family or a configuration is read as. Measurements
// that were stored under another number are then measured again and never mixed with new ones (lstar/study/store/).
inline constexpr int kNumericsVersion = 2;

}  // namespace lstar
