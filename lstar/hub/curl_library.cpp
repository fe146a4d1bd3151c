#include "lstar/hub/curl_library.h"

#include <dlfcn.h>

#include <string>

namespace lstar {
namespace {

template <class F>
bool bind(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(::dlsym(library, name));
  return function != nullptr;
}

Result<CurlLibrary> open() {
  void* library = nullptr;
  for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"})
    if (!library) library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return fail(Error{.kind = ErrorKind::unreachable,
                      .what = "libcurl is not installed",
                      .expected = "libcurl.so.4 (Debian: libcurl4)"});
  CurlLibrary curl;
  decltype(&curl_global_init) global_init = nullptr;
  const bool whole =
      bind(library, "curl_global_init", global_init) && bind(library, "curl_easy_init", curl.easy_init) &&
      bind(library, "curl_easy_reset", curl.easy_reset) && bind(library, "curl_easy_cleanup", curl.easy_cleanup) &&
      bind(library, "curl_easy_setopt", curl.easy_setopt) && bind(library, "curl_easy_getinfo", curl.easy_getinfo) &&
      bind(library, "curl_easy_perform", curl.easy_perform) &&
      bind(library, "curl_easy_strerror", curl.easy_strerror) &&
      bind(library, "curl_slist_append", curl.slist_append) &&
      bind(library, "curl_slist_free_all", curl.slist_free_all);
  if (!whole || global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return fail(ErrorKind::unreachable, "libcurl cannot be used");
  return curl;  // never closed: threads of its own may be left
}

}  // namespace

Result<const CurlLibrary*> curl_library() {
  static const Result<CurlLibrary> library = open();
  if (!library) return fail(library.error());
  return &*library;
}

}  // namespace lstar
