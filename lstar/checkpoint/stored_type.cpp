#include "lstar/checkpoint/stored_type.h"

#include <array>

namespace lstar {

const StoredTypeInfo& info(StoredType type) {
  static constexpr std::array<StoredTypeInfo, 16> kTypes{{
      {"float64", 1, 8},
      {"float32", 1, 4},
      {"float16", 1, 2},
      {"bfloat16", 1, 2},
      {"Q8_0", 32, 34},  // binary16 scale, 32 signed bytes
      {"Q4_0", 32, 18},  // binary16 scale, 32 nibbles less 8
      {"Q4_1", 32, 20},  // binary16 scale, binary16 minimum, 32 nibbles
      {"int64", 1, 8, false},
      {"int32", 1, 4, false},
      {"int16", 1, 2, false},
      {"int8", 1, 1, false},
      {"uint8", 1, 1, false},
      {"bool", 1, 1, false},
      {"uint64", 1, 8, false},
      {"uint32", 1, 4, false},
      {"uint16", 1, 2, false},
  }};
  return kTypes[static_cast<size_t>(type)];
}

}  // namespace lstar
