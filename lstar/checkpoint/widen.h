// Stored numbers to float and double. Exact, but for float64 to float and for the sum in Q4_1, which round to nearest:
// a quantised element is scale * q (exact in float32), or scale * q + minimum rounded to float32, as the format's
// reference implementation has it; as double it is the same value. The bits are the same on every processor.
// Thread-safe.
#pragma once

#include <cstddef>
#include <span>

#include "lstar/checkpoint/stored_type.h"

namespace lstar {

// Widens out.size() elements, whole blocks of a type that holds weights, from `source` on, which need not be aligned.
void widen(StoredType type, const std::byte* source, std::span<float> out);
void widen(StoredType type, const std::byte* source, std::span<double> out);

}  // namespace lstar
