#include "lstar/hub/http.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <new>
#include <stdexcept>

#include "lstar/base/catch_memory.h"
#include "lstar/base/text.h"
#include "lstar/hub/curl_library.h"
#include "lstar/version.h"

namespace lstar {
namespace {

constexpr size_t kLongestText = size_t{16} << 10;
constexpr size_t kMostHeaders = 200;
constexpr long kConnectSeconds = 10;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  return text;
}

struct Transfer {
  HttpAnswer answer;
  const HttpSink& sink;
  bool ended_by_sink = false;
  bool no_memory = false;
};

// What a callback answers, which libcurl calls: no exception may pass through it. Another number than was given ends
// the transfer.
template <class F>
size_t answered(void* user, size_t given, F take) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  try {
    return take(transfer);
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  transfer.no_memory = true;
  return given == 0 ? 1 : 0;
}

void take_header(std::string_view line, HttpAnswer& answer) {
  if (line.starts_with("HTTP/")) {  // a new answer: what a proxy or "100 Continue" said before is gone
    const size_t space = line.find(' ');
    answer.status = space == line.npos ? 0 : std::atoi(std::string(line.substr(space + 1, 3)).c_str());
    answer.headers.clear();
  } else if (const size_t colon = line.find(':'); colon != line.npos && answer.headers.size() < kMostHeaders) {
    answer.headers[lower_ascii(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
  }
}

size_t take_body(const char* bytes, size_t given, Transfer& transfer) {
  if (!transfer.answer.is_success()) {
    transfer.answer.text.append(bytes, std::min(given, kLongestText - transfer.answer.text.size()));
    return given;
  }
  if (!transfer.sink || transfer.sink(transfer.answer, std::as_bytes(std::span(bytes, given)))) return given;
  transfer.ended_by_sink = true;
  return given == 0 ? 1 : 0;
}

size_t on_header(char* bytes, size_t size, size_t count, void* user) {
  return answered(user, size * count, [&](Transfer& transfer) {
    take_header({bytes, size * count}, transfer.answer);
    return size * count;
  });
}

size_t on_body(char* bytes, size_t size, size_t count, void* user) {
  return answered(user, size * count, [&](Transfer& transfer) { return take_body(bytes, size * count, transfer); });
}

bool never_connected(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT: return true;
    default: return false;
  }
}

// A certificate file that the user names for other programs that ask the hub.
const char* named_certificates() {
  for (const char* name : {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"})
    if (const char* value = std::getenv(name); value && *value) return value;
  return nullptr;
}

class HeaderList {
 public:
  explicit HeaderList(const CurlLibrary& curl) : curl_(curl) {}
  ~HeaderList() { curl_.slist_free_all(list_); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  void add(const std::string& line) {
    if (curl_slist* longer = curl_.slist_append(list_, line.c_str())) list_ = longer;
  }
  curl_slist* get() const { return list_; }

 private:
  const CurlLibrary& curl_;
  curl_slist* list_ = nullptr;
};

bool is_header_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

std::string HttpAnswer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

HttpSession::HttpSession(HttpPatience patience) : patience_(patience) {}

HttpSession::~HttpSession() {
  if (handle_)
    if (const auto curl = curl_library()) (*curl)->easy_cleanup(handle_);
}

Result<HttpAnswer> HttpSession::perform(const HttpRequest& request, const HttpSink& sink) {
  LSTAR_ASSIGN(const CurlLibrary* library, curl_library());
  const CurlLibrary& curl = *library;
  if (!is_header_text(request.token))
    return fail(Error{.kind = ErrorKind::argument,
                      .what = "the token is not one",
                      .expected = "printable ASCII without spaces (HF_TOKEN, token file)"});
  if (!handle_) handle_ = curl.easy_init();
  if (!handle_) return fail(ErrorKind::unreachable, "libcurl cannot be used");
  CURL* handle = handle_;
  curl.easy_reset(handle);  // keeps the connections
  Transfer transfer{.answer = {}, .sink = sink};
  const std::string agent = fmt::format("lstar/{}", kVersion);
  char reason[CURL_ERROR_SIZE] = "";
  HeaderList headers(curl);
  headers.add("Accept-Encoding: identity");  // sizes and hashes are of the file itself
  if (!request.token.empty()) headers.add("Authorization: Bearer " + request.token);
  std::string range;
  if (request.range) range = fmt::format("{}-{}", request.range->begin, request.range->end - 1);

  bool good = true;
  const auto set = [&](CURLoption option, auto value) {
    good = good && curl.easy_setopt(handle, option, value) == CURLE_OK;
  };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
  set(CURLOPT_NOSIGNAL, 1L);  // threads
  set(CURLOPT_NOBODY, request.head_only ? 1L : 0L);
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_USERAGENT, agent.c_str());
  set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  set(CURLOPT_LOW_SPEED_LIMIT, patience_.slowest);
  set(CURLOPT_LOW_SPEED_TIME, patience_.seconds);
  set(CURLOPT_TIMEOUT, request.head_only ? patience_.seconds : 0L);  // its headers, byte by byte, have no low speed
  set(CURLOPT_ERRORBUFFER, reason);
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, &transfer);
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, &transfer);
  if (!range.empty()) set(CURLOPT_RANGE, range.c_str());
  if (const char* certificates = named_certificates()) set(CURLOPT_CAINFO, certificates);
  if (!good) return fail(ErrorKind::unreachable, "libcurl does not take the request");

  const CURLcode code = curl.easy_perform(handle);
  HttpAnswer& answer = transfer.answer;
  if (transfer.no_memory || code == CURLE_OUT_OF_MEMORY) return fail(out_of_memory("asking the hub"));
  if (code != CURLE_OK && !transfer.ended_by_sink) {
    answer.fault = *reason ? reason : curl.easy_strerror(code);
    answer.unreachable = never_connected(code);
    answer.too_slow = code == CURLE_OPERATION_TIMEDOUT;
  }
  char* location = nullptr;
  if (curl.easy_getinfo(handle, CURLINFO_REDIRECT_URL, &location) == CURLE_OK && location) answer.location = location;
  curl_off_t wait = 0;
  if (curl.easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0) answer.retry_after = wait;
  return std::move(answer);
}

std::string origin_of(std::string_view url) {
  const size_t colon = url.find("://");
  if (colon == url.npos) return "";
  const std::string scheme = lower_ascii(url.substr(0, colon));
  if (scheme != "http" && scheme != "https") return "";
  const std::string_view rest = url.substr(colon + 3);
  std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  const std::string_view own_port = scheme == "http" ? ":80" : ":443";
  if (host.ends_with(own_port)) host.remove_suffix(own_port.size());
  return scheme + "://" + lower_ascii(host);
}

bool travels_in_the_open(std::string_view url) {
  const std::string origin = origin_of(url);
  constexpr std::string_view kPlain = "http://";
  if (!origin.starts_with(kPlain)) return false;
  const std::string host = origin.substr(kPlain.size());
  const auto is_host = [&](std::string_view name) {
    return host.starts_with(name) && (host.size() == name.size() || host[name.size()] == ':');
  };
  return !is_host("localhost") && !is_host("127.0.0.1") && !is_host("[::1]");
}

std::string shown_url(std::string_view url) {
  const size_t colon = url.find("://");
  if (colon == url.npos) return std::string(url.substr(0, url.find_first_of("?#")));
  std::string_view rest = url.substr(colon + 3);
  rest = rest.substr(0, rest.find_first_of("?#"));
  const size_t slash = rest.find('/'), at = rest.substr(0, slash).rfind('@');
  if (at != rest.npos) rest.remove_prefix(at + 1);
  return std::string(url.substr(0, colon + 3)) + std::string(rest);
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace lstar
