// One HTTP request at a time, with nothing followed, retried or sent along that its caller does not name: what a hub
// needs to keep a token from other hosts. A session keeps its connections; one thread at a time uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lstar/base/result.h"

namespace lstar {

// The bytes [begin, end) of a file.
struct ByteRange {
  uint64_t begin = 0, end = 0;
  uint64_t count() const { return end - begin; }
};

struct HttpRequest {
  std::string url;
  bool head_only = false;
  std::string token;               // sent as a bearer's; empty: none
  std::optional<ByteRange> range;  // not empty
};

struct HttpAnswer {
  int status = 0;                              // 0: none came
  std::map<std::string, std::string> headers;  // names in lower case; of names that repeat, the last
  std::string location;                        // of a redirect, made absolute
  std::string fault;                           // why the transfer failed or ended early; empty: it did not
  bool unreachable = false;                    // the fault: no such host, refused, no secure connection
  bool too_slow = false;                       // the fault: slower than a caller's patience
  std::string text;                            // the start of the body of an answer that is no success
  std::optional<int64_t> retry_after;          // seconds

  bool is_success() const { return status >= 200 && status < 300; }
  bool is_redirect() const { return status >= 300 && status < 400 && !location.empty(); }
  std::string header(const std::string& name) const;  // "" where there is none
};

// Takes a piece of a success's body, with the answer's status and headers; false ends the transfer, which is no fault.
using HttpSink = std::function<bool(const HttpAnswer&, std::span<const std::byte>)>;

// How long a hub is waited for: an answer of headers alone comes within so many seconds, and a body has that many bytes
// a second over so many seconds.
struct HttpPatience {
  long seconds = 60, slowest = 1000;
};

class HttpSession {
 public:
  explicit HttpSession(HttpPatience patience = {});
  ~HttpSession();
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  // An error only where libcurl is missing or the request cannot be put into words; all else is in the answer.
  Result<HttpAnswer> perform(const HttpRequest& request, const HttpSink& sink = {});

 private:
  HttpPatience patience_;
  void* handle_ = nullptr;
};

// "https://host:port" in lower case, without the scheme's own port; empty for what is not http or https.
std::string origin_of(std::string_view url);

// Whether what is sent there can be read on the way: plain http to another machine.
bool travels_in_the_open(std::string_view url);

// A URL for people: without user, password, query and fragment, which may hold secrets.
std::string shown_url(std::string_view url);

// One part of a URL's path: all but letters, digits, '-', '_' and '.' as %XX.
std::string percent_encoded(std::string_view text);

}  // namespace lstar
