#include "lstar/checkpoint/stored_type.h"

#include <array>

namespace lstar {

const StoredTypeInfo& info(StoredType type) {
  static constexpr std::array<StoredTypeInfo, 36> kTypes{{
      {"float64", 1, 8},
      {"float32", 1, 4},
      {"float16", 1, 2},
      {"bfloat16", 1, 2},
      {"Q8_0", 32, 34, 32},  // these: see widen_blocks.cpp
      {"Q4_0", 32, 18, 32},
      {"Q4_1", 32, 20, 32},
      {"Q5_0", 32, 22, 32},
      {"Q5_1", 32, 24, 32},
      {"Q2_K", 256, 84, 16},
      {"Q3_K", 256, 110, 16},
      {"Q4_K", 256, 144, 32},
      {"Q5_K", 256, 176, 32},
      {"Q6_K", 256, 210, 16},
      {"IQ4_NL", 32, 18, 32},
      {"IQ4_XS", 256, 136, 32},
      {"MXFP4", 32, 17, 32},
      {"MXFP4", 32, 17, 32},  // the same, kept in two tensors: see mxfp4_pairs.h
      {"float8_e4m3", 1, 1},  // these five: see widen_float8.cpp
      {"float8_e5m2", 1, 1},
      {"float8_e8m0", 1, 1},
      {"float8_e4m3fnuz", 1, 1},
      {"float8_e5m2fnuz", 1, 1},
      {"float6_e2m3", 4, 3, 0, false},  // 24 bits
      {"float6_e3m2", 4, 3, 0, false},
      {"float4", 2, 1, 0, false},  // two a byte, with scales in another tensor
      {"complex64", 1, 8, 0, false},
      {"int64", 1, 8, 0, false},
      {"int32", 1, 4, 0, false},
      {"int16", 1, 2, 0, false},
      {"int8", 1, 1, 0, false},
      {"uint8", 1, 1, 0, false},
      {"bool", 1, 1, 0, false},
      {"uint64", 1, 8, 0, false},
      {"uint32", 1, 4, 0, false},
      {"uint16", 1, 2, 0, false},
  }};
  return kTypes[static_cast<size_t>(type)];
}

bool is_exact(StoredType type, Dtype dtype) {
  switch (dtype) {
    case Dtype::float64: return true;
    case Dtype::float32: return type != StoredType::float64;
    case Dtype::float16: return type == StoredType::float16;
    case Dtype::bfloat16: return type == StoredType::bfloat16;
  }
  return false;
}

}  // namespace lstar
