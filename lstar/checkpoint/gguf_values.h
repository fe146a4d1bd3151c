// The key-value part of a GGUF file that is mapped into memory: where each value lies, checked once, decoded when asked
// for. Borrows the mapping's bytes. Const calls may be made from several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lstar/base/result.h"
#include "lstar/checkpoint/gguf_cursor.h"
#include "lstar/checkpoint/gguf_metadata.h"

namespace lstar {

// Numbers as the format gives them.
enum class GgufType : uint32_t {
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  float32,
  boolean,
  string,
  array,
  uint64,
  int64,
  float64
};

// A value where it lies, every length checked. A lookup of another type is absent; `i` is an element of an array.
struct GgufValue {
  GgufType type = GgufType::uint8;  // of the value, or of an array's elements
  bool is_array = false;
  uint64_t count = 1;
  std::span<const std::byte> bytes;  // of a string: the text alone; of an array of strings: lengths and texts

  std::optional<int64_t> integer(uint64_t i = 0) const;
  std::optional<double> number(uint64_t i = 0) const;
  std::optional<bool> boolean(uint64_t i = 0) const;
  // No element's.
  std::optional<std::string_view> string() const;
  std::optional<uint64_t> unsigned_integer() const;  // of uint64
};

class GgufValues final : public GgufMetadata {
 public:
  // Reads `count` pairs; the cursor stands at the first.
  static Result<GgufValues> parse(GgufCursor& cursor, uint64_t count);

  std::optional<int64_t> integer(std::string_view key) const override;
  std::optional<double> number(std::string_view key) const override;
  std::optional<bool> boolean(std::string_view key) const override;
  std::optional<std::string_view> string(std::string_view key) const override;
  std::optional<std::vector<std::string_view>> strings(std::string_view key) const override;
  std::optional<std::vector<int64_t>> integers(std::string_view key) const override;
  std::optional<std::vector<double>> numbers(std::string_view key) const override;
  const std::string& path() const override { return path_; }

  bool has(std::string_view key) const { return find(key) != nullptr; }
  std::span<const std::pair<std::string_view, GgufValue>> pairs() const { return pairs_; }

 private:
  const GgufValue* find(std::string_view key) const;
  const GgufValue* find(std::string_view key, bool is_array) const;
  static Result<GgufValue> parse_value(GgufCursor& cursor);
  static Result<GgufValue> parse_array(GgufCursor& cursor);

  std::string path_;
  std::vector<std::pair<std::string_view, GgufValue>> pairs_;  // sorted by key
};

}  // namespace lstar
