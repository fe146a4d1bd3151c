// Out of memory is an error like any other: the calls that take what their input asks for go through catch_memory.
// Where WorkerPool's threads run out of it, for_each throws again in the thread that called, so that it ends here too.
#pragma once

#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "lstar/base/result.h"

namespace lstar {

// "out of memory DOING". Takes no memory to say less, where there is none left for a sentence.
inline Error out_of_memory(std::string_view doing) {
  Error error{.kind = ErrorKind::memory, .what = "out of memory"};  // short enough to lie in the string itself
  try {
    std::string sentence = "out of memory ";
    sentence += doing;
    error.what = std::move(sentence);
  } catch (const std::bad_alloc&) {
  }
  return error;
}

// What f() returns, a Result. `doing` says at what memory ran out and what takes less of it, as "running the prompts:
// fewer or shorter ones take less".
template <class F>
std::invoke_result_t<F> catch_memory(std::string_view doing, F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {  // more than a vector or a string can hold
  }
  return fail(out_of_memory(doing));
}

}  // namespace lstar
