// Reads the head of a GGUF file front to back. Every read is checked against the bytes that are left, so a count or a
// length from the file may be anything. Borrows the bytes and the path; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "lstar/base/result.h"

namespace lstar {

class GgufCursor {
 public:
  GgufCursor(std::span<const std::byte> bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  uint64_t position() const { return position_; }
  uint64_t left() const { return bytes_.size() - position_; }
  const std::string& path() const { return path_; }

  // `what` names the thing in the error.
  Result<std::span<const std::byte>> take(uint64_t count, std::string_view what) {
    if (count > left()) return fail(truncated(count, what));
    const auto taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }

  template <class T>
  Result<T> number(std::string_view what) {
    LSTAR_ASSIGN(const auto taken, take(sizeof(T), what));
    T value;
    std::memcpy(&value, taken.data(), sizeof value);
    return value;
  }

  // A length of eight bytes, and the text.
  Result<std::string_view> string(std::string_view what) {
    LSTAR_ASSIGN(const auto length, number<uint64_t>(what));
    LSTAR_ASSIGN(const auto taken, take(length, what));
    return std::string_view(reinterpret_cast<const char*>(taken.data()), taken.size());
  }

  // Passes `count` strings: hundreds of thousands of tokens and merges, for which a Result each would take longer than
  // the rest of opening a file. What is wrong with one is said by string().
  Result<void> skip_strings(uint64_t count, std::string_view what) {
    for (; count > 0; --count) {
      uint64_t length = 0;
      if (left() < sizeof length) break;
      std::memcpy(&length, bytes_.data() + position_, sizeof length);
      if (length > left() - sizeof length) break;
      position_ += sizeof length + length;
    }
    for (; count > 0; --count) LSTAR_TRY(string(what));
    return {};
  }

  // Refuses a count of things of at least `smallest` bytes each that the rest of the file cannot hold.
  Result<void> check_count(uint64_t count, uint64_t smallest, std::string_view what) const {
    if (count <= left() / smallest) return {};
    return fail({.what = "more " + std::string(what) + " than the file can hold",
                 .file = path_,
                 .at = at(),
                 .expected = "at most " + std::to_string(left() / smallest),
                 .found = std::to_string(count)});
  }

  std::string at() const { return "byte " + std::to_string(position_); }

 private:
  Error truncated(uint64_t count, std::string_view what) const {
    return {.what = "truncated in " + std::string(what),
            .file = path_,
            .at = at(),
            .expected = std::to_string(count) + " more bytes",
            .found = std::to_string(left())};
  }

  std::span<const std::byte> bytes_;
  const std::string& path_;
  uint64_t position_ = 0;
};

}  // namespace lstar
