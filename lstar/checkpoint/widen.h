// Stored numbers to float and double. Exact for every stored format but float64 to float, which rounds to nearest; a
// quantised element is scale * q, or scale * q + minimum, each operation rounded to float32, as the format's reference
// implementation has it (a double is the same value). The bits are the same on every processor. Thread-safe.
#pragma once

#include <cstddef>
#include <span>

#include "lstar/checkpoint/stored_type.h"

namespace lstar {

// Widens out.size() elements, whole blocks of a type that holds weights, from `source` on, which need not be aligned.
void widen(StoredType type, const std::byte* source, std::span<float> out);
void widen(StoredType type, const std::byte* source, std::span<double> out);

}  // namespace lstar
