// The number formats in which weights are stored. A quantised type keeps blocks of elements along the last axis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lstar/base/dtype.h"

namespace lstar {

enum class StoredType {
  float64,
  float32,
  float16,
  bfloat16,
  q8_0,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs,
  mxfp4,
  mxfp4_pair,
  float8_e4m3,
  float8_e5m2,
  float8_e8m0,
  float8_e4m3fnuz,
  float8_e5m2fnuz,
  float6_e2m3,
  float6_e3m2,
  float4,
  complex64,
  int64,
  int32,
  int16,
  int8,
  uint8,
  boolean,
  uint64,
  uint32,
  uint16
};

struct StoredTypeInfo {
  std::string_view name;   // as `lstar inspect` and messages show it: "float16", "Q8_0"
  int block_elements = 1;  // elements of one block
  int block_bytes = 0;     // bytes of one block
  int group = 0;           // quantised: elements that share a scale; 0: not quantised
  bool is_weight = true;  // false for what read() refuses: buffers of integers, and packed bits that mean nothing alone
};

const StoredTypeInfo& info(StoredType);

// Whether every number of a type that holds weights is one of the dtype, so that rounding to it changes nothing.
bool is_exact(StoredType, Dtype);

}  // namespace lstar
