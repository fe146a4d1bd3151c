// The block formats of GGUF: whole numbers with a scale, and for some a minimum, for each group of them. Those of 32
// have one group a block, the "K" formats scales of their own within a block of 256; numbers may be places in a table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lstar/checkpoint/stored_type.h"

namespace lstar {

// The parts of `count` elements (whole blocks) of such a type; does nothing for others. To the bit, element i is
// scale[i / group] * q[i] - minimum[i / group], with the group of info(type).
void unpack_blocks(StoredType type, const uint8_t* source, size_t count, int8_t* q, float* scale, float* minimum);

// Widens `count` elements (whole blocks) of such a type; does nothing for others.
void widen_blocks(StoredType type, const uint8_t* source, size_t count, float* out);

}  // namespace lstar
