// Floats of eight bits. Used by widen.cpp alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lstar/checkpoint/stored_type.h"

namespace lstar {

// Widens `count` elements of one of the float8 types; exact. Does nothing for others.
void widen_float8(StoredType type, const uint8_t* source, size_t count, float* out);

}  // namespace lstar
