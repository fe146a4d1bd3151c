// What one text may cost, whatever its tokenizer says: how long it may become on its way, and how much may be tried on
// it. Both grow with the text that was given and with nothing else, so that a file of some kilobytes cannot turn two
// letters into minutes or gigabytes. Counted in what is done, not in time: the same text fails on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lstar/base/result.h"

namespace lstar {

class TextBudget {
 public:
  explicit TextBudget(size_t bytes);  // of the text

  // Bytes that a step writes anew. False where that is too many: the step stops, and error() says why.
  bool write(size_t bytes) {
    too_long_ |= bytes > writable_;
    writable_ -= bytes > writable_ ? writable_ : bytes;
    return !too_long_;
  }
  size_t writable() const { return writable_; }

  // Units of work: looking up a piece, a byte further along a piece, 16 times that a pattern goes back. False where
  // they are spent.
  bool spend(uint64_t units) {
    too_much_ |= units > units_;
    units_ -= units > units_ ? units_ : units;
    return !too_much_;
  }

  bool is_spent() const { return too_long_ || too_much_; }
  Error error() const;

 private:
  size_t most_bytes_, writable_;
  uint64_t units_;
  bool too_long_ = false, too_much_ = false;
};

}  // namespace lstar
