// What a hub answers, from a server that the input plays: the library's own client, planner and cache, with a stand-in
// for libcurl. The input is the answers in the order of the requests, each behind a line "%%%%" (behind "%%%% 18", the
// transfer fails with libcurl's error 18 at its end): a status line, headers, an empty line, a body. When they are used
// up, nobody answers. The token goes to the endpoint alone, and nothing is written outside the cache.
#include <charconv>
#include <cstdarg>
#include <cstring>

#include "fuzz/support.h"
#include "lstar/hub/curl_library.h"
#include "lstar/hub/locate_model.h"

namespace lstar::fuzz {
namespace {

constexpr std::string_view kHost = "https://hub.test", kToken = "hf_secret";

struct Answer {
  CURLcode code = CURLE_COULDNT_CONNECT;
  std::string_view head, body;
};

std::vector<Answer> parse_answers(std::string_view input) {
  constexpr std::string_view kMark = "%%%%";
  std::vector<Answer> answers;
  for (size_t begin = input.find(kMark); begin != input.npos;) {
    std::string_view part = input.substr(begin + kMark.size());
    const size_t next = part.find(kMark);
    begin = next == part.npos ? next : begin + kMark.size() + next;
    part = part.substr(0, next);
    const size_t line = std::min(part.find('\n'), part.size());
    Answer answer{.code = CURLE_OK, .head = {}, .body = {}};
    int code = 0;
    if (line > 1) std::from_chars(part.data() + 1, part.data() + line, code);
    if (code > 0 && code < CURL_LAST) answer.code = static_cast<CURLcode>(code);
    part.remove_prefix(std::min(line + 1, part.size()));
    const size_t head = std::min(part.find("\n\n"), part.size());
    answer.head = part.substr(0, head);
    answer.body = part.substr(std::min(head + 2, part.size()));
    answers.push_back(answer);
  }
  return answers;
}

// Whether the server knows the token: an error shows what it sent without what cannot be printed.
bool spells_token(std::string_view input) {
  std::string letters;
  for (char c : input)
    if (kToken.find(c) != kToken.npos) letters += c;
  return letters.find(kToken) != letters.npos;
}

std::vector<Answer> answers;
size_t asked = 0;
bool server_knows_token = false;  // it may send it back

struct Transfer {
  std::string url, location;
  bool head_only = false;
  curl_slist* headers = nullptr;
  curl_write_callback on_header = nullptr, on_body = nullptr;
  void *header_data = nullptr, *body_data = nullptr;
  int64_t retry_after = 0;
};

CURL* init() { return new Transfer; }
void reset(CURL* handle) { *static_cast<Transfer*>(handle) = {}; }
void cleanup(CURL* handle) { delete static_cast<Transfer*>(handle); }
const char* strerror_of(CURLcode) { return "no such luck"; }

curl_slist* append(curl_slist* list, const char* line) {
  auto* item = new curl_slist{.data = ::strdup(line), .next = nullptr};
  if (!list) return item;
  curl_slist* last = list;
  while (last->next) last = last->next;
  last->next = item;
  return list;
}

void free_all(curl_slist* list) {
  while (list) {
    curl_slist* next = list->next;
    std::free(list->data);
    delete list;
    list = next;
  }
}

#pragma clang diagnostic ignored "-Wvarargs"  // an enumeration before the "...": libcurl's own signature
CURLcode setopt(CURL* handle, CURLoption option, ...) {
  auto& transfer = *static_cast<Transfer*>(handle);
  va_list arguments;
  va_start(arguments, option);
  switch (option) {
    case CURLOPT_URL: transfer.url = va_arg(arguments, const char*); break;
    case CURLOPT_NOBODY: transfer.head_only = va_arg(arguments, long) != 0; break;
    case CURLOPT_HTTPHEADER: transfer.headers = va_arg(arguments, curl_slist*); break;
    case CURLOPT_HEADERFUNCTION: transfer.on_header = va_arg(arguments, curl_write_callback); break;
    case CURLOPT_HEADERDATA: transfer.header_data = va_arg(arguments, void*); break;
    case CURLOPT_WRITEFUNCTION: transfer.on_body = va_arg(arguments, curl_write_callback); break;
    case CURLOPT_WRITEDATA: transfer.body_data = va_arg(arguments, void*); break;
    case CURLOPT_FOLLOWLOCATION:
      require(va_arg(arguments, long) == 0, "redirects are followed by our own rules");
      break;
    default: break;
  }
  va_end(arguments);
  return CURLE_OK;
}

CURLcode getinfo(CURL* handle, CURLINFO info, ...) {
  auto& transfer = *static_cast<Transfer*>(handle);
  va_list arguments;
  va_start(arguments, info);
  if (info == CURLINFO_REDIRECT_URL)
    *va_arg(arguments, char**) = transfer.location.empty() ? nullptr : transfer.location.data();
  if (info == CURLINFO_RETRY_AFTER) *va_arg(arguments, curl_off_t*) = transfer.retry_after;
  va_end(arguments);
  return CURLE_OK;
}

bool begins_with(std::string_view line, std::string_view name) {  // in any case
  return line.size() >= name.size() && std::equal(name.begin(), name.end(), line.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b);
         });
}

// As libcurl makes a redirect's place absolute.
std::string absolute(std::string_view location, std::string_view url) {
  if (location.find("://") != location.npos) return std::string(location);
  const size_t path = url.find('/', url.find("://") + 3);
  if (location.starts_with('/')) return std::string(url.substr(0, path)) + std::string(location);
  return std::string(url.substr(0, url.rfind('/') + 1)) + std::string(location);
}

// Hands out a copy of its own size, so that a reader past its end is found out.
bool give(curl_write_callback callback, std::string_view bytes, void* data) {
  std::vector<char> copy(bytes.begin(), bytes.end());
  return callback(copy.data(), 1, copy.size(), data) == copy.size();
}

CURLcode perform(CURL* handle) {
  auto& transfer = *static_cast<Transfer*>(handle);
  require(begins_with(transfer.url, "https://"), "from https, nothing but https is asked");
  bool has_token = false;
  for (const curl_slist* line = transfer.headers; line; line = line->next)
    has_token = has_token || std::string_view(line->data).find(kToken) != std::string_view::npos;
  std::string_view behind = std::string_view(transfer.url).substr(std::min(kHost.size(), transfer.url.size()));
  if (behind.starts_with(":443")) behind.remove_prefix(4);
  const bool is_own = begins_with(transfer.url, kHost) && (behind.empty() || behind.find_first_of("/?#") == 0);
  require(!has_token || is_own, "the token goes to the endpoint alone");
  require(server_knows_token || transfer.url.find(kToken) == std::string::npos, "the token is in no URL");
  require(asked < 10000, "requests come to an end");
  const Answer answer = asked < answers.size() ? answers[asked] : Answer{};
  ++asked;
  if (answer.head.empty()) return answer.code == CURLE_OK ? CURLE_GOT_NOTHING : answer.code;
  bool is_redirect = false;
  for (size_t begin = 0; begin < answer.head.size();) {
    const size_t end = std::min(answer.head.find('\n', begin), answer.head.size());
    const std::string_view line = answer.head.substr(begin, end - begin);
    if (!give(transfer.on_header, std::string(line) + "\r\n", transfer.header_data)) return CURLE_WRITE_ERROR;
    if (const size_t space = line.find(' '); line.starts_with("HTTP/")) is_redirect = line.substr(space + 1, 1) == "3";
    constexpr std::string_view kLocation = "location: ", kRetry = "retry-after: ";
    if (is_redirect && begins_with(line, kLocation))
      transfer.location = absolute(line.substr(kLocation.size()), transfer.url);
    if (begins_with(line, kRetry))
      std::from_chars(line.data() + kRetry.size(), line.data() + line.size(), transfer.retry_after);
    begin = end + 1;
  }
  constexpr size_t kPiece = 1000;
  for (size_t begin = 0; !transfer.head_only && begin < answer.body.size(); begin += kPiece)
    if (!give(transfer.on_body, answer.body.substr(begin, kPiece), transfer.body_data)) return CURLE_WRITE_ERROR;
  return answer.code;
}

void check_places(const std::string& root) {
  for (const auto& entry : std::filesystem::directory_iterator(root))
    require(entry.path().filename() == "cache", "nothing is written beside the cache");
  if (!std::filesystem::exists(root + "/cache")) return;
  for (const auto& entry : std::filesystem::directory_iterator(root + "/cache"))
    require(entry.path().filename() == "models--org--name" || entry.path().filename() == ".locks",
            "the cache holds the model that was asked for, and locks");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root + "/cache"))
    if (entry.is_symlink())
      require(entry.path().string().find("/snapshots/") != std::string::npos && entry.is_regular_file(),
              "links lie in snapshots and lead to a blob");
}

void run(std::string_view input) {
  static const MemoryFolder folder;
  answers = parse_answers(input);
  asked = 0;
  server_knows_token = spells_token(input);
  const std::string model = input.starts_with('@') ? "org/name@refs/pr/1" : "org/name";
  LocateOptions options;
  options.hub = {.cache = folder.path() + "/cache", .endpoint = std::string(kHost), .token = std::string(kToken)};
  options.disk_first = false;
  options.retries = {.attempts = 2, .first = std::chrono::milliseconds(0), .longest = std::chrono::milliseconds(0)};
  options.download.connections = 1;
  std::string lines;
  options.remark = [&](const std::string& line) { lines += line; };
  const auto located = locate_model(model, options);
  if (succeeded(located))
    require(std::filesystem::is_regular_file(*located + "/config.json"), "what was located is there");
  else
    lines += located.error().message();
  require(server_knows_token || lines.find(kToken) == lines.npos, "the token is in no message");
  check_places(folder.path());
  std::filesystem::remove_all(folder.path() + "/cache");
}

}  // namespace
}  // namespace lstar::fuzz

// In place of the library's own.
lstar::Result<const lstar::CurlLibrary*> lstar::curl_library() {
  static const CurlLibrary library{.easy_init = fuzz::init,
                                   .easy_reset = fuzz::reset,
                                   .easy_cleanup = fuzz::cleanup,
                                   .easy_setopt = fuzz::setopt,
                                   .easy_getinfo = fuzz::getinfo,
                                   .easy_perform = fuzz::perform,
                                   .easy_strerror = fuzz::strerror_of,
                                   .slist_append = fuzz::append,
                                   .slist_free_all = fuzz::free_all};
  return &library;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lstar::fuzz::run(lstar::fuzz::text_of(data, size));
  return 0;
}
