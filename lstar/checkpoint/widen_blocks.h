// The block formats of GGUF that cut their numbers finer than one scale for 32 bytes: five bits, the "K" formats with
// scales of their own within a block of 256, and those whose numbers are places in a table. Used by widen.cpp alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lstar/checkpoint/stored_type.h"

namespace lstar {

// Widens `count` elements (whole blocks) of such a type; does nothing for others.
void widen_blocks(StoredType type, const uint8_t* source, size_t count, float* out);

}  // namespace lstar
