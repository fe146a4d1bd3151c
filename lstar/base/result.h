// Errors are values. Every fallible call of the library returns Result<T>; nothing in it throws on purpose,
// prints or exits. An Error carries what a user needs to find the fault: the file, the place in it (a tensor, a
// key or a byte), and what was expected against what was found. Its kind is for the caller's code, its message for
// people. Both types own their text; they may cross threads.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace lstar {

// What could be done about it, and by whom. Where two fit, it is the one that is named first.
enum class ErrorKind : uint8_t {
  cancelled,    // the caller wanted no more of it
  memory,       // this machine, or this process's limit, has too little
  changed,      // a file was changed while it was read: the same call again may work
  unreachable,  // network, hub (or one that answers as none should) or another program; also a local file that is
                // there and cannot be read or written: no permission, a full disk, a failing one
  unsupported,  // in order as what it is, and nothing that lstar computes: another family, packed weights, an archive,
                // more than base/limits.h allows
  missing,      // nothing under that name: a file, folder, tensor, repository or revision that should be there
  argument,   // the caller's words: an unknown estimator, a key of a manifest, a token id out of range, an empty prompt
  malformed,  // bytes that break the rules of their format, or contradict each other; what an error is by default
};

// "missing", as JSON has it.
const char* name(ErrorKind);

// Of a system call that failed: missing, memory or unreachable.
ErrorKind kind_of_errno(int error);

struct Error {
  ErrorKind kind = ErrorKind::malformed;
  std::string what;      // the fault in a few words: "shape", "missing tensor", "unknown family"
  std::string file;      // path, or empty when no file is involved
  std::string at;        // "tensor h.0.attn.c_attn.weight", "byte 4096", "key n_layer"; may be empty
  std::string expected;  // may be empty
  std::string found;     // may be empty

  // One line: "FILE: AT: WHAT: expected E, found F", with empty parts left out.
  std::string message() const;

  // The same error with the file filled in, unless it already names one.
  Error in(std::string path) &&;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }
inline tl::unexpected<Error> fail(std::string what) { return fail(Error{.what = std::move(what)}); }
inline tl::unexpected<Error> fail(ErrorKind kind, std::string what) {
  return fail(Error{.kind = kind, .what = std::move(what)});
}

}  // namespace lstar

#define LSTAR_CONCAT_(a, b) a##b
#define LSTAR_CONCAT(a, b) LSTAR_CONCAT_(a, b)

// TRY(expression): returns the error of a failed Result<void>.
#define LSTAR_TRY(expression)                                                              \
  do {                                                                                     \
    if (auto tried = (expression); !tried) return ::lstar::fail(std::move(tried).error()); \
  } while (false)

// ASSIGN(auto x, expression): declares x from a Result, or returns its error.
#define LSTAR_ASSIGN(declaration, expression) \
  LSTAR_ASSIGN_(LSTAR_CONCAT(lstar_result_, __LINE__), declaration, expression)
#define LSTAR_ASSIGN_(name, declaration, expression)        \
  auto name = (expression);                                 \
  if (!name) return ::lstar::fail(std::move(name).error()); \
  declaration = *std::move(name)
