// Small checkpoints for tests: tensors from floats, written as safetensors or GGUF. The *_bytes functions give a
// file's content, for tests that break it on purpose; the write_* functions put it on disk. Quantising here is plain,
// not the best fit: what matters is that the stored blocks are valid.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lstar/base/dtype.h"
#include "lstar/checkpoint/stored_type.h"
#include "tests/support/stored_numbers.h"

namespace lstar::testing {

// A tensor as a file holds it.
struct StoredTensor {
  std::string name;
  StoredType type = StoredType::float32;
  std::vector<int64_t> dims;  // as `transformers` writes them; a GGUF gets them reversed
  std::string bytes;
};

// One block of 32.
inline void append_block(std::string& bytes, StoredType type, const float* values) {
  const auto [low, high] = std::minmax_element(values, values + 32);
  const float largest = std::max(std::fabs(*low), std::fabs(*high));
  const bool has_minimum = type == StoredType::q4_1;
  const float step = has_minimum ? (*high - *low) / 15 : largest / (type == StoredType::q8_0 ? 127 : 7);
  const float scale = round_to_float16(step), minimum = has_minimum ? round_to_float16(*low) : 0;
  append(bytes, float16_bits(scale));
  if (has_minimum) append(bytes, float16_bits(minimum));
  const auto steps = [&](float x) { return scale == 0 ? 0 : static_cast<int>(std::lround((x - minimum) / scale)); };
  if (type == StoredType::q8_0) {
    for (int i = 0; i < 32; ++i) append(bytes, static_cast<int8_t>(std::clamp(steps(values[i]), -127, 127)));
    return;
  }
  const int zero = has_minimum ? 0 : 8;
  const auto nibble = [&](int i) { return static_cast<uint8_t>(std::clamp(steps(values[i]) + zero, 0, 15)); };
  for (int i = 0; i < 16; ++i) append(bytes, static_cast<uint8_t>(nibble(i) | nibble(i + 16) << 4));
}

inline std::string encode(StoredType type, const std::vector<float>& values) {
  std::string bytes;
  if (info(type).block_elements == 32) {
    for (size_t i = 0; i + 32 <= values.size(); i += 32) append_block(bytes, type, values.data() + i);
    return bytes;
  }
  for (const float value : values) switch (type) {
      case StoredType::float64: append(bytes, static_cast<double>(value)); break;
      case StoredType::float32: append(bytes, value); break;
      case StoredType::float16: append(bytes, float16_bits(value)); break;
      case StoredType::bfloat16: append(bytes, bfloat16_bits(value)); break;
      default: {  // whole numbers, of the type's width
        const auto whole = static_cast<int64_t>(value);
        bytes.append(reinterpret_cast<const char*>(&whole), static_cast<size_t>(info(type).block_bytes));
      }
    }
  return bytes;
}

inline StoredTensor make_tensor(std::string name, std::vector<int64_t> dims, const std::vector<float>& values,
                                StoredType type = StoredType::float32) {
  return {std::move(name), type, std::move(dims), encode(type, values)};
}

inline std::string_view safetensors_dtype(StoredType type) {
  switch (type) {
    case StoredType::float64: return "F64";
    case StoredType::float32: return "F32";
    case StoredType::float16: return "F16";
    case StoredType::bfloat16: return "BF16";
    case StoredType::int64: return "I64";
    case StoredType::int32: return "I32";
    case StoredType::int16: return "I16";
    case StoredType::int8: return "I8";
    case StoredType::uint8: return "U8";
    case StoredType::boolean: return "BOOL";
    case StoredType::uint64: return "U64";
    case StoredType::uint32: return "U32";
    case StoredType::uint16: return "U16";
    default: return "none";  // quantised types do not exist in safetensors
  }
}

// A file of this header and these bytes behind it.
inline std::string safetensors_bytes(const std::string& header, const std::string& data) {
  std::string bytes;
  append(bytes, static_cast<uint64_t>(header.size()));
  return bytes + header + data;
}

// Names must not need escaping in JSON.
inline std::string safetensors_bytes(const std::vector<StoredTensor>& tensors) {
  std::string header = R"({"__metadata__":{"format":"pt"})", data;
  for (const StoredTensor& tensor : tensors) {
    header += fmt::format(R"(,"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", tensor.name,
                          safetensors_dtype(tensor.type), fmt::join(tensor.dims, ","), data.size(),
                          data.size() + tensor.bytes.size());
    data += tensor.bytes;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return safetensors_bytes(header, data);
}

using GgufValue =
    std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float, bool, std::string, uint64_t, int64_t,
                 double, std::vector<std::string>, std::vector<int32_t>, std::vector<uint32_t>, std::vector<float>>;
using GgufPairs = std::vector<std::pair<std::string, GgufValue>>;

inline void append_gguf(std::string& bytes, const std::string& text) {
  append(bytes, static_cast<uint64_t>(text.size()));
  bytes += text;
}

// The format's number of a value type.
template <class T>
constexpr uint32_t gguf_value_type() {
  if constexpr (std::is_same_v<T, uint8_t>) return 0;
  if constexpr (std::is_same_v<T, int8_t>) return 1;
  if constexpr (std::is_same_v<T, uint16_t>) return 2;
  if constexpr (std::is_same_v<T, int16_t>) return 3;
  if constexpr (std::is_same_v<T, uint32_t>) return 4;
  if constexpr (std::is_same_v<T, int32_t>) return 5;
  if constexpr (std::is_same_v<T, float>) return 6;
  if constexpr (std::is_same_v<T, bool>) return 7;
  if constexpr (std::is_same_v<T, std::string>) return 8;
  if constexpr (std::is_same_v<T, uint64_t>) return 10;
  if constexpr (std::is_same_v<T, int64_t>) return 11;
  if constexpr (std::is_same_v<T, double>) return 12;
}

inline uint32_t gguf_tensor_type(StoredType type) {
  switch (type) {
    case StoredType::float32: return 0;
    case StoredType::float16: return 1;
    case StoredType::q4_0: return 2;
    case StoredType::q4_1: return 3;
    case StoredType::q8_0: return 8;
    case StoredType::int8: return 24;
    case StoredType::int16: return 25;
    case StoredType::int32: return 26;
    case StoredType::int64: return 27;
    case StoredType::float64: return 28;
    case StoredType::bfloat16: return 30;
    default: return 0xffffffffu;
  }
}

// "general.alignment", as uint32, is heeded where it is given.
inline std::string gguf_bytes(const GgufPairs& metadata, const std::vector<StoredTensor>& tensors,
                              uint32_t version = 3) {
  std::string bytes = "GGUF";
  append(bytes, version);
  append(bytes, static_cast<uint64_t>(tensors.size()));
  append(bytes, static_cast<uint64_t>(metadata.size()));
  size_t alignment = 32;
  for (const auto& [key, value] : metadata) {
    if (key == "general.alignment") alignment = std::get<uint32_t>(value);
    append_gguf(bytes, key);
    std::visit(
        [&bytes](const auto& v) {
          using T = std::decay_t<decltype(v)>;
          if constexpr (std::is_same_v<T, std::string>) {
            append(bytes, gguf_value_type<T>());
            append_gguf(bytes, v);
          } else if constexpr (std::is_arithmetic_v<T>) {
            append(bytes, gguf_value_type<T>());
            append(bytes, v);
          } else {
            append(bytes, uint32_t{9});
            append(bytes, gguf_value_type<typename T::value_type>());
            append(bytes, static_cast<uint64_t>(v.size()));
            for (const auto& element : v) {
              if constexpr (std::is_same_v<typename T::value_type, std::string>)
                append_gguf(bytes, element);
              else
                append(bytes, element);
            }
          }
        },
        value);
  }
  const auto aligned = [&](size_t size) { return (size + alignment - 1) / alignment * alignment; };
  std::string data;
  for (const StoredTensor& tensor : tensors) {
    append_gguf(bytes, tensor.name);
    append(bytes, static_cast<uint32_t>(tensor.dims.size()));
    for (size_t i = tensor.dims.size(); i-- > 0;) append(bytes, static_cast<uint64_t>(tensor.dims[i]));
    append(bytes, gguf_tensor_type(tensor.type));
    append(bytes, static_cast<uint64_t>(data.size()));
    data += tensor.bytes;
    data.resize(aligned(data.size()));
  }
  bytes.resize(aligned(bytes.size()));
  return bytes + data;
}

// A new file each time: somebody may still have the old one mapped, and some file systems sync a file written over.
inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::remove(path.c_str());
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  ASSERT_TRUE(file.flush().good()) << path;
}

inline void write_safetensors(const std::string& path, const std::vector<StoredTensor>& tensors) {
  write_bytes(path, safetensors_bytes(tensors));
}

inline void write_gguf(const std::string& path, const GgufPairs& metadata, const std::vector<StoredTensor>& tensors) {
  write_bytes(path, gguf_bytes(metadata, tensors));
}

}  // namespace lstar::testing
