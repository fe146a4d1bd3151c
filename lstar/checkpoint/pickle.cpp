#include "lstar/checkpoint/pickle.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "lstar/base/limits.h"
#include "lstar/base/seeded_hash.h"

namespace lstar {
namespace {

using Kind = PickleValue::Kind;

constexpr size_t kMostValues = limits::kPickleValues;
constexpr size_t kMostMarks = limits::kPickleMarks;
constexpr uint64_t kLongestName = 256;

constexpr std::string_view kOrderedDict = "collections.OrderedDict";

// The instructions that are read, as the pickle module names them.
enum Opcode : uint8_t {
  MARK = '(',
  STOP = '.',
  POP = '0',
  POP_MARK = '1',
  DUP = '2',
  BINFLOAT = 'G',
  BININT = 'J',
  BININT1 = 'K',
  BININT2 = 'M',
  NONE = 'N',
  BINPERSID = 'Q',
  REDUCE = 'R',
  BINSTRING = 'T',
  SHORT_BINSTRING = 'U',
  BINUNICODE = 'X',
  BINBYTES = 'B',
  SHORT_BINBYTES = 'C',
  EMPTY_TUPLE = ')',
  EMPTY_LIST = ']',
  EMPTY_DICT = '}',
  APPEND = 'a',
  BUILD = 'b',
  GLOBAL = 'c',
  APPENDS = 'e',
  BINGET = 'h',
  LONG_BINGET = 'j',
  BINPUT = 'q',
  LONG_BINPUT = 'r',
  SETITEM = 's',
  TUPLE = 't',
  SETITEMS = 'u',
  PROTO = 0x80,
  TUPLE1 = 0x85,
  TUPLE2 = 0x86,
  TUPLE3 = 0x87,
  NEWTRUE = 0x88,
  NEWFALSE = 0x89,
  LONG1 = 0x8a,
  LONG4 = 0x8b,
  SHORT_BINUNICODE = 0x8c,
  BINUNICODE8 = 0x8d,
  BINBYTES8 = 0x8e,
  INST = 'i',
  LIST = 'l',
  DICT = 'd',
  OBJ = 'o',
  NEWOBJ = 0x81,
  EXT1 = 0x82,
  EXT2 = 0x83,
  EXT4 = 0x84,
  EMPTY_SET = 0x8f,
  ADDITEMS = 0x90,
  FROZENSET = 0x91,
  NEWOBJ_EX = 0x92,
  BYTEARRAY8 = 0x96,
  STACK_GLOBAL = 0x93,
  MEMOIZE = 0x94,
  FRAME = 0x95,
};

}  // namespace

// The stack machine. Every instruction makes at most one value and every value is made by one, so that memory is
// bounded by the bytes that were read; nothing is recursive.
class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> bytes, uint64_t begin, const std::string& path)
      : bytes_(bytes), place_(begin), path_(path) {}

  Result<Pickle> run() {
    for (;;) {
      start_ = place_;
      LSTAR_ASSIGN(const auto opcode, number<uint8_t>());
      if (opcode == STOP) break;
      LSTAR_TRY(step(static_cast<Opcode>(opcode)));
    }
    if (stack_.size() != 1 || !marks_.empty()) return refuse({.what = "does not leave one value"});
    pickle_.root_ = stack_.back();
    pickle_.end_ = place_;
    return std::move(pickle_);
  }

 private:
  tl::unexpected<Error> refuse(Error error) const {
    error.what.insert(0, "pickle: ");
    error.file = path_;
    error.at = fmt::format("byte {}", start_);
    return fail(std::move(error));
  }

  Result<std::string_view> take(uint64_t count) {
    const uint64_t left = place_ <= bytes_.size() ? bytes_.size() - place_ : 0;
    if (count > left)
      return refuse(
          {.what = "truncated", .expected = fmt::format("{} more bytes", count), .found = fmt::format("{}", left)});
    const std::string_view taken(reinterpret_cast<const char*>(bytes_.data()) + place_, count);
    place_ += count;
    return taken;
  }

  template <class T>
  Result<T> number() {
    LSTAR_ASSIGN(const std::string_view taken, take(sizeof(T)));
    T value;
    std::memcpy(&value, taken.data(), sizeof value);
    return value;
  }

  // A text whose length is a number of type T.
  template <class T>
  Result<std::string_view> counted() {
    LSTAR_ASSIGN(const T length, number<T>());
    if constexpr (std::is_signed_v<T>)
      if (length < 0) return refuse({.what = "negative length", .found = fmt::format("{}", length)});
    return take(static_cast<uint64_t>(length));
  }

  // Up to the end of a line.
  Result<std::string_view> line() {
    const uint64_t left = std::min<uint64_t>(kLongestName + 1, bytes_.size() - place_);
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + place_, left);
    const size_t end = rest.find('\n');
    if (end == rest.npos) return refuse({.what = "a name without an end, or too long a one"});
    place_ += end + 1;
    return rest.substr(0, end);
  }

  Result<void> push(PickleValue value) {
    if (pickle_.values_.size() >= kMostValues)
      return refuse({.kind = ErrorKind::unsupported,
                     .what = "too many values",
                     .expected = fmt::format("at most {}", kMostValues)});
    pickle_.values_.push_back(std::move(value));
    return push_place(static_cast<uint32_t>(pickle_.values_.size() - 1));
  }

  Result<void> push_place(uint32_t place) {
    if (stack_.size() >= kMostValues) return refuse({.kind = ErrorKind::unsupported, .what = "stack too high"});
    stack_.push_back(place);
    return {};
  }

  // How many places lie above the last mark.
  size_t above_mark() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }

  Result<void> need(size_t count) const {
    if (above_mark() >= count) return {};
    return refuse({.what = "takes more from the stack than there is"});
  }

  Result<uint32_t> pop() {
    LSTAR_TRY(need(1));
    const uint32_t place = stack_.back();
    stack_.pop_back();
    return place;
  }

  // The topmost `count` places, lowest first.
  Result<std::vector<uint32_t>> pop(size_t count) {
    LSTAR_TRY(need(count));
    std::vector<uint32_t> places(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return places;
  }

  Result<std::vector<uint32_t>> pop_to_mark() {
    if (marks_.empty()) return refuse({.what = "takes back to a mark that is not there"});
    LSTAR_ASSIGN(auto places, pop(above_mark()));
    marks_.pop_back();
    return places;
  }

  Result<PickleValue*> top(Kind kind, const char* name) {
    LSTAR_TRY(need(1));
    PickleValue& value = pickle_.values_[stack_.back()];
    if (value.kind != kind && value.kind != Kind::call)
      return refuse({.what = fmt::format("adds to what is not a {}", name)});
    return &value;
  }

  // What is added to an object, whose own code would take it, is passed over.
  Result<void> add(Kind kind, const char* name, std::vector<uint32_t> places) {
    LSTAR_ASSIGN(PickleValue* const value, top(kind, name));
    if (value->kind == Kind::call) return {};
    if (kind == Kind::dict && places.size() % 2 != 0) return refuse({.what = "a key without its value"});
    value->items.insert(value->items.end(), places.begin(), places.end());
    return {};
  }

  Result<void> push_items(Kind kind, Result<std::vector<uint32_t>> items) {
    if (!items) return fail(std::move(items).error());
    return push({.kind = kind, .items = *std::move(items)});
  }

  Result<void> push_text(Result<std::string_view> text) {
    if (!text) return fail(std::move(text).error());
    return push({.kind = Kind::text, .text = *text});
  }

  Result<void> push_long(Result<std::string_view> bytes) {
    if (!bytes) return fail(std::move(bytes).error());
    PickleValue value{.kind = Kind::integer};
    if (bytes->size() > sizeof value.integer) {
      value.text = *bytes;
    } else if (!bytes->empty()) {
      value.integer = bytes->back() & 0x80 ? -1 : 0;
      std::memcpy(&value.integer, bytes->data(), bytes->size());
    }
    return push(std::move(value));
  }

  Result<void> push_global(std::string_view module, std::string_view name) {
    std::string global = fmt::format("{}.{}", module, name);
    const auto [known, is_new] = globals_.try_emplace(std::move(global), static_cast<uint32_t>(pickle_.names_.size()));
    if (is_new) pickle_.names_.push_back(known->first);
    return push({.kind = Kind::global, .text = pickle_.names_[known->second]});
  }

  // A writer remembers each value once, under the next number. What is remembered again, or under numbers far apart,
  // would be bounded by nothing.
  Result<void> remember(uint32_t key) {
    LSTAR_TRY(need(1));
    constexpr size_t kApart = 1 << 16;
    if (key >= pickle_.values_.size() + kApart) return refuse({.what = "remembers a value under too large a number"});
    if (key >= memo_.size()) memo_.resize(key + size_t{1}, kNothing);
    if (memo_[key] == kNothing && ++remembered_ > pickle_.values_.size())
      return refuse({.what = "remembers more values than there are"});
    memo_[key] = stack_.back();
    return {};
  }

  Result<void> recall(uint32_t key) {
    if (key >= memo_.size() || memo_[key] == kNothing) return refuse({.what = "recalls what was not remembered"});
    return push_place(memo_[key]);
  }

  // An object of a class, which is never made: the class, and the tuple of what it would be made with.
  Result<void> push_object(Result<std::vector<uint32_t>> parts) {
    if (!parts) return fail(std::move(parts).error());
    return push({.kind = Kind::call, .items = *std::move(parts)});
  }

  // The same where the arguments lie above a mark, the class (if it is not given) the lowest of them.
  Result<void> push_object_of_mark(std::optional<uint32_t> function) {
    LSTAR_ASSIGN(std::vector<uint32_t> arguments, pop_to_mark());
    if (!function) {
      if (arguments.empty()) return refuse({.what = "an object without its class"});
      function = arguments.front();
      arguments.erase(arguments.begin());
    }
    LSTAR_TRY(push({.kind = Kind::tuple, .items = std::move(arguments)}));
    LSTAR_ASSIGN(const uint32_t tuple, pop());
    return push({.kind = Kind::call, .items = {*function, tuple}});
  }

  Result<void> call();
  Result<void> step(Opcode opcode);

  std::span<const std::byte> bytes_;
  uint64_t place_;
  uint64_t start_ = 0;  // of the instruction at hand
  const std::string& path_;
  Pickle pickle_;
  size_t copied_ = 0;  // items that calls have copied
  std::vector<uint32_t> stack_;
  std::vector<size_t> marks_;  // heights of the stack
  static constexpr uint32_t kNothing = UINT32_MAX;
  std::vector<uint32_t> memo_;  // places, by number
  uint32_t remembered_ = 0;
  std::unordered_map<std::string, uint32_t, SeededHash> globals_;
};

// REDUCE: a function and a tuple of arguments. OrderedDict becomes a dict, filled where it is given pairs.
Result<void> PickleMachine::call() {
  LSTAR_ASSIGN(auto places, pop(2));
  const auto& values = pickle_.values_;
  const PickleValue &function = values[places[0]], &arguments = values[places[1]];
  if (function.kind != Kind::global && function.kind != Kind::call)
    return refuse({.what = "calls what is not a function"});
  if (arguments.kind != Kind::tuple) return refuse({.what = "calls a function without a tuple of arguments"});
  if (function.text != kOrderedDict) return push({.kind = Kind::call, .items = std::move(places)});
  PickleValue dict{.kind = Kind::dict};
  if (!arguments.items.empty()) {
    const PickleValue& pairs = values[arguments.items[0]];
    if (pairs.kind != Kind::list && pairs.kind != Kind::tuple) return refuse({.what = "OrderedDict of no list"});
    for (const uint32_t item : pairs.items) {
      const PickleValue& pair = values[item];
      if ((pair.kind != Kind::list && pair.kind != Kind::tuple) || pair.items.size() != 2)
        return refuse({.what = "OrderedDict of what is not pairs"});
      // One list may be named by many calls: what they copy counts as values.
      if (copied_ += 2; copied_ > kMostValues)
        return refuse({.kind = ErrorKind::unsupported, .what = "too many values"});
      dict.items.insert(dict.items.end(), pair.items.begin(), pair.items.end());
    }
  }
  return push(std::move(dict));
}

Result<void> PickleMachine::step(Opcode opcode) {
  switch (opcode) {
    case PROTO: {
      LSTAR_ASSIGN(const auto protocol, number<uint8_t>());
      if (protocol >= 2 && protocol <= 5) return {};
      return refuse({.kind = ErrorKind::unsupported,
                     .what = "protocol is not read",
                     .expected = "2 to 5",
                     .found = fmt::format("{}", protocol)});
    }
    case FRAME: LSTAR_TRY(number<uint64_t>()); return {};  // for readers of streams

    case NONE: return push({.kind = Kind::none});
    case NEWTRUE: return push({.kind = Kind::boolean, .integer = 1});
    case NEWFALSE: return push({.kind = Kind::boolean, .integer = 0});
    case BININT: {
      LSTAR_ASSIGN(const auto value, number<int32_t>());
      return push({.kind = Kind::integer, .integer = value});
    }
    case BININT1: {
      LSTAR_ASSIGN(const auto value, number<uint8_t>());
      return push({.kind = Kind::integer, .integer = value});
    }
    case BININT2: {
      LSTAR_ASSIGN(const auto value, number<uint16_t>());
      return push({.kind = Kind::integer, .integer = value});
    }
    case LONG1: return push_long(counted<uint8_t>());
    case LONG4: return push_long(counted<int32_t>());
    case BINFLOAT: LSTAR_TRY(number<uint64_t>()); return push({.kind = Kind::number});

    case BINSTRING: return push_text(counted<int32_t>());
    case SHORT_BINSTRING:
    case SHORT_BINBYTES:
    case SHORT_BINUNICODE: return push_text(counted<uint8_t>());
    case BINUNICODE:
    case BINBYTES: return push_text(counted<uint32_t>());
    case BYTEARRAY8:
    case BINUNICODE8:
    case BINBYTES8: return push_text(counted<uint64_t>());

    case EMPTY_TUPLE: return push({.kind = Kind::tuple});
    case EMPTY_SET:
    case EMPTY_LIST: return push({.kind = Kind::list});
    case FROZENSET:
    case LIST: return push_items(Kind::list, pop_to_mark());
    case DICT: {
      LSTAR_ASSIGN(auto places, pop_to_mark());
      if (places.size() % 2 != 0) return refuse({.what = "a key without its value"});
      return push({.kind = Kind::dict, .items = std::move(places)});
    }
    case EMPTY_DICT: return push({.kind = Kind::dict});
    case TUPLE1: return push_items(Kind::tuple, pop(1));
    case TUPLE2: return push_items(Kind::tuple, pop(2));
    case TUPLE3: return push_items(Kind::tuple, pop(3));
    case TUPLE: return push_items(Kind::tuple, pop_to_mark());

    case APPEND: {
      LSTAR_ASSIGN(auto places, pop(1));
      return add(Kind::list, "list", std::move(places));
    }
    case ADDITEMS:
    case APPENDS: {
      LSTAR_ASSIGN(auto places, pop_to_mark());
      return add(Kind::list, "list", std::move(places));
    }
    case SETITEM: {
      LSTAR_ASSIGN(auto places, pop(2));
      return add(Kind::dict, "dict", std::move(places));
    }
    case SETITEMS: {
      LSTAR_ASSIGN(auto places, pop_to_mark());
      return add(Kind::dict, "dict", std::move(places));
    }

    case MARK:
      if (marks_.size() >= kMostMarks) return refuse({.kind = ErrorKind::unsupported, .what = "nested too deep"});
      marks_.push_back(stack_.size());
      return {};
    case POP: LSTAR_TRY(pop()); return {};
    case POP_MARK: LSTAR_TRY(pop_to_mark()); return {};
    case DUP: {
      LSTAR_TRY(need(1));
      return push_place(stack_.back());
    }

    case BINPUT: {
      LSTAR_ASSIGN(const auto key, number<uint8_t>());
      return remember(key);
    }
    case LONG_BINPUT: {
      LSTAR_ASSIGN(const auto key, number<uint32_t>());
      return remember(key);
    }
    case MEMOIZE: return remember(remembered_);
    case BINGET: {
      LSTAR_ASSIGN(const auto key, number<uint8_t>());
      return recall(key);
    }
    case LONG_BINGET: {
      LSTAR_ASSIGN(const auto key, number<uint32_t>());
      return recall(key);
    }

    case GLOBAL: {
      LSTAR_ASSIGN(const std::string_view module, line());
      LSTAR_ASSIGN(const std::string_view name, line());
      return push_global(module, name);
    }
    case STACK_GLOBAL: {
      LSTAR_ASSIGN(const auto places, pop(2));
      const PickleValue &module = pickle_.values_[places[0]], &name = pickle_.values_[places[1]];
      if (module.kind != Kind::text || name.kind != Kind::text ||
          std::max(module.text.size(), name.text.size()) > kLongestName)
        return refuse({.what = "a global without its names"});
      return push_global(module.text, name.text);
    }
    case REDUCE: return call();
    case NEWOBJ: return push_object(pop(2));
    case NEWOBJ_EX: {
      LSTAR_ASSIGN(std::vector<uint32_t> parts, pop(3));
      parts.pop_back();  // arguments by keyword
      return push_object(std::move(parts));
    }
    case OBJ: return push_object_of_mark(std::nullopt);
    case INST: {
      LSTAR_ASSIGN(const std::string_view module, line());
      LSTAR_ASSIGN(const std::string_view name, line());
      LSTAR_TRY(push_global(module, name));
      LSTAR_ASSIGN(const uint32_t function, pop());
      return push_object_of_mark(function);
    }
    case EXT1: LSTAR_TRY(number<uint8_t>()); return push_global("copyreg", "extension");
    case EXT2: LSTAR_TRY(number<uint16_t>()); return push_global("copyreg", "extension");
    case EXT4: LSTAR_TRY(number<uint32_t>()); return push_global("copyreg", "extension");
    case BUILD: {  // sets attributes, which hold no tensors of a checkpoint
      LSTAR_TRY(need(2));
      LSTAR_TRY(pop());
      return {};
    }
    case BINPERSID: return push_items(Kind::persistent, pop(1));
    case STOP: break;
  }
  return refuse({.what = "instruction is not read", .found = fmt::format("{:#04x}", static_cast<uint8_t>(opcode))});
}

Result<Pickle> Pickle::read(std::span<const std::byte> bytes, uint64_t begin, const std::string& path) {
  return PickleMachine(bytes, begin, path).run();
}

std::string_view Pickle::callee(const PickleValue& call) const {
  constexpr int kDeepest = 16;  // calls of what calls return
  const PickleValue* value = &call;
  for (int depth = 0; depth < kDeepest && value->kind == PickleValue::Kind::call; ++depth) value = &at(value->items[0]);
  return value->kind == PickleValue::Kind::global ? value->text : std::string_view();
}

}  // namespace lstar
