// Reads Python pickles without executing anything: what they hold becomes a tree of inert values. A pickle is a program
// for a stack machine; its instructions build plain values here, and where they would call a function or make an object
// ("call of F with arguments A"), that is kept as a value and nothing more. A training run's checkpoint has many of
// these beside its weights. Values may be shared. Borrows the bytes. Const calls may be made from several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lstar/base/result.h"

namespace lstar {

struct PickleValue {
  enum class Kind {
    none,
    boolean,     // integer
    integer,     // integer; text has the bytes of one that is wider than 64 bits, little-endian
    number,      // a float; its value is not kept
    text,        // text, also for strings of bytes
    tuple,       // items
    list,        // items; also a set
    dict,        // items: key, value, key, value, ... also for an OrderedDict
    global,      // text: "module.name"
    call,        // items: what is called, and its tuple of arguments; also an object of a class
    persistent,  // items: the tuple that names something outside the pickle
  };
  Kind kind = Kind::none;
  int64_t integer = 0;
  std::string_view text;
  std::vector<uint32_t> items;  // places of values, for Pickle::at
};

class Pickle {
 public:
  // Reads one pickle (protocol 2 to 5) that begins at byte `begin` of a file; `path` is the file's, for errors.
  // A call of "collections.OrderedDict" is a dict.
  static Result<Pickle> read(std::span<const std::byte> bytes, uint64_t begin, const std::string& path);

  const PickleValue& root() const { return values_[root_]; }
  const PickleValue& at(uint32_t place) const { return values_[place]; }
  uint32_t size() const { return static_cast<uint32_t>(values_.size()); }  // of all values, for at()
  uint64_t end() const { return end_; }                                    // the byte behind the pickle

  // The global that a call is of, however far down: "module.name", or empty.
  std::string_view callee(const PickleValue& call) const;

 private:
  friend class PickleMachine;
  std::deque<PickleValue> values_;  // a vector would have them twice while it grows
  std::deque<std::string> names_;   // of globals, each once; a deque leaves them where they are
  uint32_t root_ = 0;
  uint64_t end_ = 0;
};

}  // namespace lstar
