// libcurl, opened when it is first needed: it and the libraries that it brings cost a program's start several
// milliseconds, and most commands never ask the hub. Thread-safe.
#pragma once

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "lstar/base/result.h"

namespace lstar {

struct CurlLibrary {
  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_reset) easy_reset = nullptr;
  decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&curl_easy_setopt) easy_setopt = nullptr;
  decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&curl_easy_perform) easy_perform = nullptr;
  decltype(&curl_easy_strerror) easy_strerror = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;
};

// The one of this process.
Result<const CurlLibrary*> curl_library();

}  // namespace lstar
