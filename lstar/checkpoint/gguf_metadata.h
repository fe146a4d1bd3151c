// The key-value part of a GGUF file, as its readers need it: lookups by full key ("tokenizer.ggml.tokens") that answer
// "absent" for a missing key and for a value of another type, like the lookups of lstar/base/json.h. The object is
// owned by the checkpoint it came from, and the string views it gives out live as long as it. Const calls may be made
// from several threads. An interface, so that a vocabulary can also be put together in memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lstar {

class GgufMetadata {
 public:
  virtual ~GgufMetadata() = default;

  // Integers of every stored width, signed or not; absent where a value does not fit int64.
  virtual std::optional<int64_t> integer(std::string_view key) const = 0;
  virtual std::optional<double> number(std::string_view key) const = 0;  // floats of either width, and integers
  virtual std::optional<bool> boolean(std::string_view key) const = 0;
  virtual std::optional<std::string_view> string(std::string_view key) const = 0;

  // Arrays. Strings may hold any bytes, NUL and invalid UTF-8 included.
  virtual std::optional<std::vector<std::string_view>> strings(std::string_view key) const = 0;
  virtual std::optional<std::vector<int64_t>> integers(std::string_view key) const = 0;
  virtual std::optional<std::vector<double>> numbers(std::string_view key) const = 0;

  virtual const std::string& path() const = 0;  // the file, for messages
};

}  // namespace lstar
