// Out of memory is an error like any other: the calls of the library that take memory as their input asks for it go
// through catch_memory. It stands around the outermost of them alone; what is called inside throws std::bad_alloc, as
// the standard library does, and where a thread of WorkerPool does, for_each throws again in the thread that called.
#pragma once

#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "lstar/base/result.h"

namespace lstar {

// "FILE: out of memory while DOING". Says less where no memory is left for a sentence.
inline Error out_of_memory(std::string_view doing, std::string_view file = {}) {
  Error error{.kind = ErrorKind::memory, .what = "out of memory"};  // short enough to lie in the string itself
  try {
    std::string path(file), sentence = "out of memory while ";
    sentence += doing;
    error.what.swap(sentence);
    error.file.swap(path);
  } catch (const std::bad_alloc&) {
  }
  return error;
}

// What f() returns, a Result. `doing` says what was being done and what takes less: "running the prompts: fewer or
// shorter ones take less".
template <class F>
std::invoke_result_t<F> catch_memory(std::string_view doing, std::string_view file, F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {  // more than a vector or a string can hold
  }
  return fail(out_of_memory(doing, file));
}
template <class F>
std::invoke_result_t<F> catch_memory(std::string_view doing, F&& f) {
  return catch_memory(doing, {}, std::forward<F>(f));
}

}  // namespace lstar
