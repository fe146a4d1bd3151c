// Values to bytes and back, little-endian on every machine. A reader holds every count against the bytes that are left
// before anything is sized by it; it keeps its first fault, after which every value is zero or empty, so that what
// reads a record reads like a table and asks once at the end. Pure; a reader borrows the bytes.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "lstar/base/result.h"

namespace lstar {

class ByteWriter {
 public:
  template <class T>
  void number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    if constexpr (std::endian::native == std::endian::big) std::reverse(bytes, bytes + sizeof value);
    out_.append(bytes, sizeof value);
  }
  template <class T>
  void numbers(std::span<const T> values) {
    number(static_cast<uint32_t>(values.size()));
    for (const T value : values) number(value);
  }
  void flag(bool value) { number(static_cast<uint8_t>(value)); }
  void text(std::string_view value) {
    number(static_cast<uint32_t>(value.size()));
    out_ += value;
  }
  void texts(const std::vector<std::string>& values) {
    number(static_cast<uint32_t>(values.size()));
    for (const std::string& value : values) text(value);
  }
  // A flag, and what `write` does with the value where there is one.
  template <class T, class Write>
  void optional(const std::optional<T>& value, Write write) {
    flag(value.has_value());
    if (value) write(*value);
  }

  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class ByteReader {
 public:
  ByteReader(std::string_view bytes, std::string source) : left_(bytes), source_(std::move(source)) {}

  template <class T>
  T number() {
    static_assert(std::is_arithmetic_v<T>);
    if (sizeof(T) > left_.size()) {
      refuse("ends too early");
      return T{};
    }
    char bytes[sizeof(T)];
    std::memcpy(bytes, left_.data(), sizeof bytes);
    if constexpr (std::endian::native == std::endian::big) std::reverse(bytes, bytes + sizeof bytes);
    left_.remove_prefix(sizeof bytes);
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  // How many things follow, each of which takes `least` bytes or more.
  size_t count(size_t least) {
    const auto value = number<uint32_t>();
    if (value <= left_.size() / least) return value;
    refuse("a count beyond its bytes");
    return 0;
  }
  template <class T>
  std::vector<T> numbers() {
    std::vector<T> values(count(sizeof(T)));
    for (T& value : values) value = number<T>();
    return values;
  }
  bool flag() {
    const auto value = number<uint8_t>();
    if (value > 1) refuse("a flag that is neither 0 nor 1");
    return value == 1;
  }
  std::string text() {
    const size_t size = count(1);
    std::string value(left_.substr(0, size));
    left_.remove_prefix(size);
    return value;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> values(count(sizeof(uint32_t)));
    for (std::string& value : values) value = text();
    return values;
  }
  template <class Read>
  auto optional(Read read) -> std::optional<decltype(read())> {
    if (!flag()) return std::nullopt;
    return read();
  }
  // One of the values 0 .. last of an enumeration.
  template <class Enum>
  Enum choice(Enum last) {
    const auto value = number<uint8_t>();
    if (value <= static_cast<uint8_t>(last)) return static_cast<Enum>(value);
    refuse("a value that is none of those it may have");
    return Enum{};
  }

  // A fault that the caller sees; only the first one counts.
  void refuse(std::string what) {
    if (!fault_) fault_ = Error{.what = "a damaged record: " + std::move(what), .file = source_};
    left_ = {};
  }
  bool has_more() const { return !left_.empty(); }
  bool failed() const { return fault_.has_value(); }
  // The first fault, or that there is more than was asked for.
  Result<void> end() {
    if (!left_.empty()) refuse("bytes behind its end");
    if (fault_) return fail(*fault_);
    return {};
  }
  const std::string& source() const { return source_; }

 private:
  std::string_view left_;
  std::string source_;
  std::optional<Error> fault_;
};

}  // namespace lstar
