// Stored numbers to float and double. Exact, but for float64 to float and for quantised blocks with minimums or with
// scales of their own, which round to nearest once: a quantised element is the float32 that the format's reference
// implementation gives, scale * q or scale * q + minimum; as double it is the same value. The bits are the same on
// every processor, but for which NaN a float16 NaN becomes.
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
